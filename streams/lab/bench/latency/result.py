"""What to run, and what one rate of it came to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from streams.lab.bench.latency.percentiles import spread
from streams.lab.bench.latency.report import RateResult
from streams.lab.bench.latency.settled import moves, tally_latencies
from streams.lab.bench.latency.stages import stage_spreads, ways
from streams.lab.bench.live import probes
from streams.lab.bench.live.tasks import SeenAlert, Sent, Step
from streams.lab.bench.profile import Profile
from streams.lab.bench.usage import Used


@dataclass(frozen=True, slots=True)
class LatencyPlan:
    """What to run: each rate for `seconds` after `warm_up_s` of the same that do not count.

    `probes_a_second` payments cause alerts of which it is known when they are due.
    """

    profile: Profile
    seed: int
    rates: list[float]
    seconds: float
    warm_up_s: float
    probes_a_second: float

    @property
    def probes(self) -> int:
        """How many there are in one run."""
        return max(1, int(self.seconds * self.probes_a_second))


def result(
    events_per_s: float, plan: LatencyPlan, sent: Sent, steps: list[Step], seen: list[SeenAlert], used: Used
) -> RateResult:
    """What one rate came to: the warm-up does not count."""
    from_ms = min(batch.sent_ms for batch in sent.batches) + plan.warm_up_s * 1_000
    counted = [batch for batch in sent.batches if batch.sent_ms >= from_ms]
    of = moves(steps)
    samples, unsettled = tally_latencies(counted, of)
    found = ways(sent.probes, seen, of)
    events, all_events = (sum(batch.records for batch in batches) for batches in (counted, sent.batches))
    seconds = (max(batch.sent_ms for batch in counted) - from_ms) / 1_000
    return RateResult(
        asked_per_s=events_per_s,
        sent_per_s=events / seconds if seconds > 0 else 0.0,
        events=events,
        unsettled=unsettled,
        late_ms=sent.late_ms,
        tally=spread(samples),
        acked=spread((batch.acked_ms - batch.sent_ms, batch.records) for batch in counted),
        alert=spread((way.whole_ms, 1) for way in found),
        by_rule={rule: spread((way.whole_ms, 1) for way in found if way.rule == rule) for rule in probes.RULES},
        stages=stage_spreads(found),
        alerts_due=len(sent.probes) * len(probes.RULES),
        cpu_us_per_event={name: cpu_s / all_events * 1e6 for name, cpu_s in used.cpu_s.items()},
    )
