"""The points of a growth plan, one after another, each with topics, a group and workers of its own."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from streams.errors import Expected
from streams.lab.bench.children import last_line
from streams.lab.bench.ground import fill
from streams.lab.bench.growth.families import families
from streams.lab.bench.growth.long import long_run
from streams.lab.bench.growth.plan import GrowthPlan, Point, points
from streams.lab.bench.growth.report import GrowthReport, Memory, PointResult
from streams.lab.bench.growth.shapes import Shapes, try_shapes
from streams.lab.bench.live.stage import Stage, stage
from streams.lab.bench.machine import machine
from streams.lab.bench.measured import WORKER
from streams.lab.bench.orders import Totals
from streams.lab.bench.servers import Place
from streams.lab.bench.store import settled
from streams.lab.bench.usage import Span, Used, check_proc, peak_rss_mb
from streams.lab.processes import Process
from streams.lab.progress import Progress

_LOOK_EVERY_S = 0.05
_PATIENCE_S = 120.0
#: detection may be far behind when all is settled: it rests while records lie unread
_JUDGED_WITHIN_S = 900.0


async def growth(plan: GrowthPlan, place: Place) -> GrowthReport:
    """Run everything. Raises `Expected` for all that a user can mend."""
    check_proc()
    before = machine()
    results, memory, shapes = [], None, None
    for point in points(plan, place.settings.partitions):
        result, found, shapes = await _point(plan, place, point)
        results.append(result)
        memory = _larger(memory, found)
    samples = await long_run(plan, place) if plan.long_events else []
    measured_at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return GrowthReport(before, measured_at, plan.events, place.settings, results, memory, shapes, samples)


def _larger(one: Memory | None, other: Memory) -> Memory:
    return other if one is None or other.anchor_hours > one.anchor_hours else one


async def _point(plan: GrowthPlan, place: Place, point: Point) -> tuple[PointResult, Memory, Shapes]:
    sized = replace(place, settings=replace(place.settings, partitions=point.partitions))
    async with stage(sized, f"{point.series}-{point.value}") as here:
        totals = await fill(here.settings, point.profile, plan.seed, plan.events)
        used_before = await _used_bytes(here)
        result = await _measure(here, point, totals)
        used = await _used_bytes(here) - used_before
        found = await families(here.redis, here.settings.group)
        shapes = await try_shapes(here.redis, f"{here.settings.group}:shapes:")
    memory = Memory(found, used, totals.counters["orders_paid"])
    return replace(result, store_mb=used / 1e6), memory, shapes


async def _used_bytes(here: Stage) -> int:
    return int((await here.redis.info("memory"))["used_memory"])


async def _measure(here: Stage, point: Point, totals: Totals) -> PointResult:
    topic = here.orders
    async with _workers(here, point.workers) as workers:
        progress = Progress(f"{point.series} {point.value:,}", totals.events)
        at_start = await _until(here, workers, topic, lambda done: done is not None, progress)
        span = Span({**{f"{WORKER} {n}": each.pid for n, each in enumerate(workers)}, **here.processes})
        await _until(here, workers, topic, lambda done: done == totals.events, progress)
        used = span.end()
        progress.finish(totals.events, "settled, waiting for detection")
        await here.until_judged(workers[0], totals.events, _JUDGED_WITHIN_S)
        judged = span.end()
        events = max(1, totals.events - at_start)
        return PointResult(
            series=point.series,
            value=point.value,
            profile=point.profile.facts(),
            partitions=point.partitions,
            workers=point.workers,
            events=events,
            event_bytes=totals.bytes / totals.events,
            events_per_s=events / used.seconds,
            cpu_us_per_event=_us_per_event(used, events),
            judged_cpu_us_per_event=_us_per_event(judged, events),
            peak_rss_mb=max(peak_rss_mb(each.pid) for each in workers),
            store_mb=0.0,
        )


def _us_per_event(used: Used, events: int) -> dict[str, float]:
    """By process, all workers as one."""
    cpu_s: defaultdict[str, float] = defaultdict(float)
    for name, each in used.cpu_s.items():
        cpu_s[name.partition(" ")[0]] += each
    return {name: each / events * 1e6 for name, each in cpu_s.items()}


@asynccontextmanager
async def _workers(here: Stage, count: int) -> AsyncIterator[list[Process]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(here.worker()) for _ in range(count)]


async def _until(
    here: Stage,
    workers: Sequence[Process],
    topic: str,
    enough: Callable[[int | None], bool],
    progress: Progress,
) -> int:
    """Look at the fences until it is enough. Raises `Expected` if nothing moves for long, or a worker ends."""
    last, moved_at = None, time.monotonic()
    while not enough(done := await settled(here.redis, here.settings, topic)):
        for worker in workers:
            if worker.poll() is not None:
                text = here.log.read_text(errors="replace")
                raise Expected(f"a worker ended with exit code {worker.returncode}: {last_line(text)}")
        if done != last:
            last, moved_at = done, time.monotonic()
        elif time.monotonic() - moved_at > _PATIENCE_S:
            raise Expected(f"nothing was settled for {_PATIENCE_S:.0f} s")
        progress.at(done or 0)
        await asyncio.sleep(_LOOK_EVERY_S)
    return done or 0
