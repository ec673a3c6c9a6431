"""The way of an alert in stages: which of them takes the time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from streams.lab.bench.latency.percentiles import Spread, spread
from streams.lab.bench.latency.settled import Moves, settled_ms
from streams.lab.bench.live import probes
from streams.lab.bench.live.tasks import SeenAlert, SentProbe


class Stage(NamedTuple):
    """One part of the way; `about` is what happens in it."""

    name: str
    about: str


STAGES: Final = (
    Stage("settle", "stamp to fence: sending, the broker, the fetch, the queue, the settle"),
    Stage("detect", "fence to `detected_at_ms`: the nudge, the rest of the pass before, reading what changed"),
    Stage("hand over", "`detected_at_ms` to the alert's own time: the rankings' script, the nudge, the outbox"),
    Stage("arrive", "the alert's own time to a reader: the broker and the reader's fetch"),
)


class Way(NamedTuple):
    """One probe and one of its alerts: when it was stamped, settled, detected, handed over, seen (epoch ms)."""

    rule: str
    sent_ms: float
    settled_ms: float
    detected_ms: float
    stamped_ms: float
    seen_ms: float

    @property
    def whole_ms(self) -> float:
        """From the record's stamp to a reader of the alert."""
        return self.seen_ms - self.sent_ms

    @property
    def parts_ms(self) -> tuple[float, ...]:
        """The stages, which add up to the whole."""
        return tuple(after - before for before, after in pairwise(self[1:]))


def ways(sent: Iterable[SentProbe], alerts: Iterable[SeenAlert], of: Moves) -> list[Way]:
    """The ways of all probes whose alerts came; the first revision counts."""
    first = _first_seen(alerts)
    found = []
    for each in sent:
        settled = settled_ms(of, each.partition, each.offset)
        for rule in probes.RULES:
            alert = first.get((rule, probes.anchor_of(each.number)))
            if alert is not None and settled is not None:
                found.append(
                    Way(rule, each.sent_ms, settled, alert.detected_ms, alert.stamped_ms, max(alert.seen_ms, settled))
                )
    return found


def _first_seen(alerts: Iterable[SeenAlert]) -> dict[tuple[str, str], SeenAlert]:
    first: dict[tuple[str, str], SeenAlert] = {}
    for alert in alerts:
        if (alert.metric, alert.dimension) == (probes.METRIC, probes.DIMENSION):
            first.setdefault((alert.rule, alert.scope_id), alert)
    return first


def stage_spreads(found: Iterable[Way]) -> Mapping[str, Spread]:
    """The spread of every stage, over all rules."""
    parts = [way.parts_ms for way in found]
    return {stage.name: spread((part[n], 1) for part in parts) for n, stage in enumerate(STAGES)}
