"""One rate after another: live traffic with probes in it, a worker, and two watchers beside."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime

from streams.lab.bench.latency.report import LatencyReport, RateResult
from streams.lab.bench.latency.result import LatencyPlan, result
from streams.lab.bench.live import probes
from streams.lab.bench.live.children import Child, child
from streams.lab.bench.live.ring import Ring
from streams.lab.bench.live.stage import Stage, stage
from streams.lab.bench.live.tasks import DONE, Produce, SeenAlert, Sent, Step, WatchAlerts, WatchFences
from streams.lab.bench.live.waiting import CoreWait
from streams.lab.bench.machine import machine
from streams.lab.bench.measured import WORKER
from streams.lab.bench.servers import Place
from streams.lab.bench.usage import Span, Used, check_proc
from streams.lab.processes import Process
from streams.lab.progress import Progress
from streams.lab.simulator.planned import ORDERS, Planned
from streams.topics import Topics

_LOOK_EVERY_MS = 3.0
#: events made before, sent round after round
_RING = 20_000
#: what was sent gets this long to be settled and told after the last record
_DRAIN_S = 5.0
_LIVE = "streams.lab.bench.live"


async def latency(plan: LatencyPlan, place: Place) -> LatencyReport:
    """Measure every rate. Raises `Expected` for all that a user can mend."""
    check_proc()
    before = machine()
    results = [await _rate(plan, place, events_per_s) for events_per_s in plan.rates]
    measured_at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return LatencyReport(before, measured_at, plan.profile.facts(), place.settings, results)


async def _rate(plan: LatencyPlan, place: Place, events_per_s: float) -> RateResult:
    async with stage(place, f"at-{events_per_s:g}") as here, here.worker() as worker:
        before = _before(plan, here)
        await here.play(before)
        await here.until_judged(worker, len(before))
        return await _live(plan, here, worker, events_per_s)


def _before(plan: LatencyPlan, here: Stage) -> list[Planned]:
    """The past of the probes, open sessions, and one event of now, which closes the past."""
    now_ms = int(time.time() * 1_000)
    settings = here.settings
    started = list(probes.started_sessions(plan.profile, now_ms))
    past = probes.past(plan.probes, max(1, settings.min_history), now_ms, settings.zone)
    now = Ring(plan.profile, plan.seed, 1, settings.partitions).ready(0, now_ms)
    records = [*started, *past, Planned(ORDERS, now.key.decode(), now.value, now_ms)]
    return sorted(records, key=lambda record: record.arrival_ms)


async def _live(plan: LatencyPlan, here: Stage, worker: Process, events_per_s: float) -> RateResult:
    async with AsyncExitStack() as children:
        fences = await children.enter_async_context(child(f"{_LIVE}.fences", _fences_task(here), here.folder))
        alerts = await children.enter_async_context(child(f"{_LIVE}.alerts", _alerts_task(here), here.folder))
        await asyncio.gather(fences.line(), alerts.line())
        task = _produce_task(plan, here, events_per_s)
        producer = await children.enter_async_context(child(f"{_LIVE}.producer", task, here.folder))
        sent, used, waited = await _sent(producer, here, worker, task)
        await asyncio.sleep(_DRAIN_S)
        steps, seen = await fences.answer(list[Step]), await alerts.answer(list[SeenAlert])
    return replace(result(events_per_s, plan, sent, steps, seen, used), core_wait=waited)


def _fences_task(here: Stage) -> WatchFences:
    settings = here.settings
    return WatchFences(
        settings.redis, settings.group, settings.shards, here.orders, settings.partitions, _LOOK_EVERY_MS
    )


def _alerts_task(here: Stage) -> WatchAlerts:
    return WatchAlerts(here.settings.kafka, Topics(here.settings.topic_prefix).alerts)


def _produce_task(plan: LatencyPlan, here: Stage, events_per_s: float) -> Produce:
    """Round 0 is that of the event which closes the past."""
    return Produce(
        kafka=here.settings.kafka,
        topic=here.orders,
        partitions=here.settings.partitions,
        profile=plan.profile,
        seed=plan.seed,
        ring=_RING,
        first_round=1,
        events_per_s=events_per_s,
        seconds=plan.warm_up_s + plan.seconds,
        probes=plan.probes,
        probes_from_s=plan.warm_up_s,
    )


async def _sent(producer: Child, here: Stage, worker: Process, task: Produce) -> tuple[Sent, Used, dict[str, float]]:
    """Wait until everything is sent; what the processes used is from the first acknowledgement on."""
    total = int(task.events_per_s * task.seconds)
    progress = Progress(f"{task.events_per_s:,.0f} events/s", total)
    line = await producer.line()
    processes = {WORKER: worker.pid, **here.processes}
    span, waiting = Span(processes), CoreWait(processes)
    while line != DONE:
        progress.at(int(line.split()[1]))
        line = await producer.line()
    used, waited = span.end(), waiting.shares()
    sent = await producer.answer(Sent)
    progress.finish(sum(batch.records for batch in sent.batches))
    return sent, used, waited
