"""Fills a backlog, lets live traffic begin, starts a worker, and waits until nothing lies behind it."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from streams.keys import shard_keys
from streams.lab.bench.catch_up.backlog import PROBES, RING, CatchUpPlan, fill
from streams.lab.bench.catch_up.catching import CatchingUp
from streams.lab.bench.catch_up.report import CatchUpReport, alerts_of
from streams.lab.bench.live.children import child
from streams.lab.bench.live.stage import Stage, stage
from streams.lab.bench.live.tasks import Produce, SeenAlert, WatchAlerts
from streams.lab.bench.machine import machine
from streams.lab.bench.servers import Place
from streams.lab.bench.usage import check_proc
from streams.tally.fence import read_fences
from streams.topics import Topics

#: detection may have a lot to look at when all is settled
_JUDGED_WITHIN_S = 900.0
_LIVE = "streams.lab.bench.live"


async def catch_up(plan: CatchUpPlan, place: Place) -> CatchUpReport:
    """Measure it. Raises `Expected` for all that a user can mend."""
    check_proc()
    before = machine()
    async with stage(place, "catch-up") as here, AsyncExitStack() as children:
        filled = await fill(plan, here)
        alerts_task = WatchAlerts(here.settings.kafka, Topics(here.settings.topic_prefix).alerts)
        alerts = await children.enter_async_context(child(f"{_LIVE}.alerts", alerts_task, here.folder))
        producer = await children.enter_async_context(child(f"{_LIVE}.producer", _live(plan, here), here.folder))
        await asyncio.gather(alerts.line(), producer.line())
        worker = await children.enter_async_context(here.worker())
        done, sent = await CatchingUp(here, worker, producer, filled.orders).run()
        live_sent = sum(batch.records for batch in sent.batches)
        await here.until_judged(worker, sum(filled) + live_sent, _JUDGED_WITHIN_S)
        return CatchUpReport(
            machine=before,
            measured_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            settings=here.settings,
            backlog=filled.orders,
            backlog_hours=plan.backlog_hours,
            live_events_per_s=plan.live_events_per_s,
            live_sent=live_sent,
            accounts=await _accounts(here),
            alerts=alerts_of(await alerts.answer(list[SeenAlert]), PROBES),
            caught_up=done,
        )


def _live(plan: CatchUpPlan, here: Stage) -> Produce:
    """Live traffic until it is told to end; its rounds are behind those of the backlog."""
    return Produce(
        kafka=here.settings.kafka,
        topic=here.orders,
        partitions=here.settings.partitions,
        profile=plan.profile,
        seed=plan.seed,
        ring=RING,
        first_round=plan.backlog // RING + 1,
        events_per_s=plan.live_events_per_s,
        seconds=0.0,
    )


async def _accounts(here: Stage) -> dict[str, int]:
    """Of the topic of orders, in shard 0: in all of them they are the same."""
    fences = await read_fences(here.redis, shard_keys(here.settings.group, 0))
    accounts: Counter[str] = Counter(consumed=0, counted=0, resends=0, rejected=0)
    for tp, fence in fences.items():
        if tp.topic == here.orders:
            accounts.update(
                consumed=fence.next - fence.origin,
                counted=fence.counted,
                resends=fence.resends,
                rejected=fence.rejected,
            )
    return dict(accounts)
