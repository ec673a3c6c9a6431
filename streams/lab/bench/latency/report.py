"""What a measurement of latency found. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from streams.lab.bench.latency.percentiles import Spread
from streams.settings import Settings

#: the goals, at this rate: p99 in milliseconds
GOAL_EVENTS_PER_S: Final = 5_000
GOALS_MS: Final = {"tally": 100.0, "alert": 250.0}
#: a rate was kept if at least this part of it was sent, and all of that was settled soon after
_KEPT: Final = 0.98


@dataclass(frozen=True, slots=True)
class RateResult:
    """One rate. Latencies in ms from the record's stamp: `tally` and `acked` of every event, `alert` of every alert.

    `sent_per_s` is what the producer really sent, `late_ms` how far behind its schedule it was at worst; `unsettled`
    events were not settled some seconds after the last; `stages` are those of alerts, `by_rule` the whole way by rule.
    `core_wait` is the share of the time that a process was ready and got no core (all its threads added up).
    """

    asked_per_s: float
    sent_per_s: float
    events: int
    unsettled: int
    late_ms: float
    tally: Spread
    acked: Spread
    alert: Spread
    by_rule: Mapping[str, Spread]
    stages: Mapping[str, Spread]
    alerts_due: int
    cpu_us_per_event: Mapping[str, float]
    core_wait: Mapping[str, float] = field(default_factory=dict)

    @property
    def kept_up(self) -> bool:
        """Whether the rate was sent, settled and told: else latencies are those of a queue that grows."""
        told = self.alert.samples == self.alerts_due
        return self.sent_per_s >= self.asked_per_s * _KEPT and not self.unsettled and told

    def as_json(self) -> dict[str, Any]:
        """By names with units."""
        return {
            "asked_per_s": self.asked_per_s,
            "sent_per_s": round(self.sent_per_s, 1),
            "kept_up": self.kept_up,
            "events": self.events,
            "unsettled": self.unsettled,
            "producer_late_ms": round(self.late_ms, 1),
            "alerts_due": self.alerts_due,
            "tally_ms": self.tally.as_json(),
            "alert_ms": self.alert.as_json(),
            "acknowledged_ms": self.acked.as_json(),
            "alert_by_rule_ms": {rule: each.as_json() for rule, each in self.by_rule.items()},
            "alert_stages_ms": {name: each.as_json() for name, each in self.stages.items()},
            "cpu_us_per_event": {name: round(value, 2) for name, value in self.cpu_us_per_event.items()},
            "core_wait_share": {name: round(value, 3) for name, value in self.core_wait.items()},
        }


@dataclass(frozen=True, slots=True)
class LatencyReport:
    """All rates, and what they rest on."""

    machine: Mapping[str, Any]
    measured_at: str
    profile: Mapping[str, Any]
    settings: Settings
    rates: Sequence[RateResult]

    def goals(self) -> dict[str, bool | None]:
        """Whether each goal is met; None if its rate was not run."""
        at_goal = [each for each in self.rates if each.asked_per_s == GOAL_EVENTS_PER_S]
        return {name: _met(getattr(at_goal[0], name), GOALS_MS[name]) if at_goal else None for name in GOALS_MS}

    def as_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {
            "machine": dict(self.machine),
            "measured_at": self.measured_at,
            "profile": dict(self.profile),
            "partitions": self.settings.partitions,
            "order_index": self.settings.order_index,
            "goals": {"at_events_per_s": GOAL_EVENTS_PER_S, "p99_ms": GOALS_MS, "met": self.goals()},
            "rates": [each.as_json() for each in self.rates],
        }


def _met(of: Spread, goal_ms: float) -> bool:
    p99 = of.at(99)
    return p99 is not None and p99 < goal_ms
