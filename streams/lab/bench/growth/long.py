"""A long run: one worker, part after part of the same traffic, its memory looked at after each."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from streams.lab.bench.backlog import Span, fill_span
from streams.lab.bench.growth.plan import GrowthPlan
from streams.lab.bench.live.ring import Ring
from streams.lab.bench.live.stage import Stage, stage
from streams.lab.bench.orders import START_MS
from streams.lab.bench.servers import Place
from streams.lab.bench.usage import rss_mb
from streams.lab.processes import Process, until_settled
from streams.lab.progress import Progress

#: parts of a long run, each of which gives a sample
_PARTS = 20
_RING = 20_000
#: of event time: about the mean of the platform, so that hours and days pass
EVENTS_A_SECOND = 500
#: ids are kept for one to two horizons: with a short one it is soon as full as it will be
DEDUPE_S = 60


class Sample(NamedTuple):
    """After `events`: resident memory of the worker, and what the store uses."""

    events: int
    rss_mb: float
    store_mb: float


async def long_run(plan: GrowthPlan, place: Place) -> list[Sample]:
    """Run `plan.long_events` through one worker. Raises `Expected`."""
    settings = replace(place.settings, dedupe_s=DEDUPE_S)
    async with stage(replace(place, settings=settings), "long") as here, here.worker() as worker:
        ring = Ring(plan.profile, plan.seed, _RING, settings.partitions)
        return [await _part(here, worker, ring, part, plan.long_events) for part in range(_PARTS)]


async def _part(here: Stage, worker: Process, ring: Ring, part: int, events: int) -> Sample:
    first, until = events * part // _PARTS, events * (part + 1) // _PARTS
    progress = Progress("long run", events)
    span = Span(first, until - first, _at_ms(first), _at_ms(until))
    await fill_span(here.settings.kafka, here.orders, ring, span, lambda sent: progress.at(first + sent))
    await until_settled(here.redis, here.settings, until, worker)
    used_bytes = int((await here.redis.info("memory"))["used_memory"])
    sample = Sample(until, rss_mb(worker.pid), used_bytes / 1e6)
    progress.finish(until, f"(worker {sample.rss_mb:,.0f} MB, store {sample.store_mb:,.0f} MB)")
    return sample


def _at_ms(number: int) -> int:
    return START_MS + number * 1_000 // EVENTS_A_SECOND
