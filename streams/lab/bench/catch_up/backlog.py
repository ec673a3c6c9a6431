"""What is to be caught up with: what was before, and a backlog with probes in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from streams.lab.bench.backlog import Span, fill_span
from streams.lab.bench.live import probes
from streams.lab.bench.live.ring import Ring
from streams.lab.bench.live.stage import Stage
from streams.lab.bench.profile import Profile
from streams.lab.progress import Progress
from streams.lab.simulator.planned import ORDERS, Planned
from streams.tally.windows import HOUR_MS

#: events made before, sent round after round
RING = 20_000
#: payments in the backlog that cause alerts
PROBES = 20


@dataclass(frozen=True, slots=True)
class CatchUpPlan:
    """`backlog` events of the last `backlog_hours`, and `live_events_per_s` beside."""

    profile: Profile
    seed: int
    backlog: int
    backlog_hours: float
    live_events_per_s: float


class Filled(NamedTuple):
    """Records of either topic."""

    orders: int
    sessions: int


async def fill(plan: CatchUpPlan, here: Stage) -> Filled:
    """What was before the backlog, and the backlog, with a probe at the end of each of its parts."""
    settings = here.settings
    until_ms = int(time.time() * 1_000)
    from_ms = until_ms - int(plan.backlog_hours * HOUR_MS)
    past = probes.past(PROBES, max(1, settings.min_history), from_ms, settings.zone)
    started = list(probes.started_sessions(plan.profile, from_ms))
    await here.play(sorted([*started, *past], key=lambda record: record.arrival_ms))
    ring = Ring(plan.profile, plan.seed, RING, settings.partitions)
    progress = Progress("backlog", plan.backlog)
    for part in parts(plan.backlog, from_ms, until_ms):
        await fill_span(settings.kafka, here.orders, ring, part.span)
        progress.at(part.span.first + part.span.events)
        key, value = probes.probe(part.number, part.span.until_ms)
        await here.play([Planned(ORDERS, key.decode(), value, part.span.until_ms)])
    progress.finish(plan.backlog)
    orders = sum(record.topic == ORDERS for record in past) + plan.backlog + PROBES
    return Filled(orders, len(past) + len(started) + plan.backlog + PROBES - orders)


class Part(NamedTuple):
    """A part of the backlog, at the end of which stands the probe of this number."""

    number: int
    span: Span


def parts(backlog: int, from_ms: int, until_ms: int) -> Iterator[Part]:
    """The backlog in as many parts as there are probes. Pure."""
    for number in range(PROBES):
        first, end = backlog * number // PROBES, backlog * (number + 1) // PROBES
        first_ms, end_ms = (from_ms + (until_ms - from_ms) * at // PROBES for at in (number, number + 1))
        yield Part(number, Span(first, end - first, first_ms, end_ms))
