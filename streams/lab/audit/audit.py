"""`audit`: a settled cut of Redis, the same records from Kafka, the truth of them, and the differences."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from faust.types import TP
from redis.asyncio import Redis

from streams.errors import Expected
from streams.keys import Keys, shard_keys
from streams.lab.audit.alerts import alert_differences, last_revisions
from streams.lab.audit.compare import differences, looked_at, truth_differences
from streams.lab.audit.log import open_log
from streams.lab.audit.store import Stored, read_stored
from streams.lab.simulator.run import rules_of
from streams.lab.truth import Record, Truth, compute_truth
from streams.settings import Settings
from streams.tally.fence import Fence, read_fences
from streams.tally.sessions import TAIL_DAYS
from streams.topics import LIVE_SESSIONS, ORDERS, Topics

#: how often, and how long apart, a cut is tried while a worker is settling
_CUTS = 20
_BETWEEN_CUTS_S = 0.5
#: how long the alerts may lag behind the tallies
_ALERTS_WITHIN_S = 15.0


class StillMoving(Expected):
    """Tallies change faster than they can be read: stop the workers, or the producers, and audit again."""

    exit_code = 75


@dataclass(slots=True)
class Report:
    """What an audit found: sums over all partitions, sizes of the true sets, and one line a difference.

    `tallies` were compared; `purged` are those below the floors, which it does not look at.
    """

    tallies: int = 0
    purged: int = 0
    consumed: int = 0
    counted: int = 0
    resends: int = 0
    rejected: int = 0
    alerts: int = 0
    differences: list[str] = field(default_factory=list)


Fences = dict[TP, Fence]


async def audit(
    settings: Settings, redis: Redis, on_progress: Callable[[int, str], None], expected: Truth | None = None
) -> Report:
    """Recompute and compare, also with the `expected` truth of a scenario if there is one.

    `on_progress` is given the records read so far and what is going on.

    Raises `StillMoving`, and what reading Kafka raises.
    """
    keys = [shard_keys(settings.group, shard) for shard in range(settings.shards)]
    fences, stored = await _cut(settings, redis, keys)
    clock_ms = int(cast("bytes | None", await redis.get(keys[0].watermark())) or 0)
    truth = await _truth(settings, fences, clock_ms, on_progress)
    kept = looked_at(stored, truth, settings.zone)
    report = Report(tallies=sum(map(kept.has, truth.tallies)))
    report.purged = len(truth.tallies) - report.tallies
    for fence in fences.values():
        report.consumed += fence.next - fence.origin
        report.counted += fence.counted
        report.resends += fence.resends
        report.rejected += fence.rejected
    report.differences += _account_differences(fences, truth)
    report.differences += differences(stored, truth, kept)
    await _audit_alerts(settings, truth, report)
    if expected is not None:
        report.differences += list(truth_differences(truth, expected))
    return report


async def _cut(settings: Settings, redis: Redis, keys: list[Keys]) -> tuple[Fences, Stored]:
    """Tallies and fences of one moment: read until no fence moved meanwhile."""
    for _ in range(_CUTS):
        before = await _fences(redis, keys)
        stored = await read_stored(redis, keys, settings.zone, TAIL_DAYS)
        if before == await _fences(redis, keys):
            return before[0], stored
        await asyncio.sleep(_BETWEEN_CUTS_S)
    raise StillMoving("the tallies change while they are read: stop the workers or the producers and audit again")


async def _fences(redis: Redis, keys: list[Keys]) -> list[Fences]:
    by_shard = [await read_fences(redis, shard) for shard in keys]
    first = {tp: fence.next for tp, fence in by_shard[0].items()}
    if any({tp: fence.next for tp, fence in each.items()} != first for each in by_shard):
        raise StillMoving("the shards stand at different offsets: start a worker, it heals them, and audit again")
    return by_shard


async def _truth(settings: Settings, fences: Fences, clock_ms: int, on_progress: Callable[[int, str], None]) -> Truth:
    topics = Topics(settings.topic_prefix)
    names = {topics.orders: ORDERS, topics.live_sessions: LIVE_SESSIONS}
    total = sum(fence.next - fence.origin for fence in fences.values())
    records: list[Record] = []
    async with open_log(settings.kafka, names) as log:
        for tp, fence in fences.items():
            async for batch in log.batches(tp.topic, tp.partition, fence.origin, fence.next):
                records += batch
                on_progress(len(records), f"of {total:,} records read")
    on_progress(total, "records read, recomputing")
    # in a thread, so that a progress bar, Ctrl-C and a worker in the same process go on
    return await asyncio.to_thread(compute_truth, records, rules_of(settings), clock_ms=clock_ms)


def _account_differences(fences: Fences, truth: Truth) -> list[str]:
    lines = []
    true = {(count.topic, count.partition): count for count in truth.partitions}
    for tp, fence in fences.items():
        have = fence.counted, fence.resends, fence.rejected
        place = f"{tp.topic}/{tp.partition}"
        if fence.gap:
            lines.append(f"{place}: consumed {fence.next - fence.origin} is not counted + resends + rejected {have}")
        count = true.get((ORDERS if tp.topic.endswith(ORDERS) else LIVE_SESSIONS, tp.partition))
        should = (count.counted, count.resends, sum(count.rejected.values())) if count else (0, 0, 0)
        if have != should:
            lines.append(f"{place}: counted, resends, rejected are {have}, should be {should}")
    return lines


async def _audit_alerts(settings: Settings, truth: Truth, report: Report) -> None:
    """Compare the final set of alerts, which follows the tallies by moments: wait for it a little."""
    topic = Topics(settings.topic_prefix).alerts
    deadline = asyncio.get_running_loop().time() + _ALERTS_WITHIN_S
    while True:
        found = await last_revisions(settings.kafka, topic)
        lines = alert_differences(found, truth.alerts, truth.watermark_ms or 0)
        if not lines or asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(_BETWEEN_CUTS_S)
    report.alerts = len(truth.alerts)
    report.differences += lines
