"""After a run: are the tallies right? Accounts beside the fences, and sums to the fen: quick. The audit: all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import ClassVar

from faust.types import TP
from redis.asyncio import Redis

from streams.errors import Expected
from streams.keys import Keys, shard_keys, shard_of
from streams.lab.audit.audit import audit
from streams.lab.audit.report import Report
from streams.lab.bench.hourly import HourRow
from streams.lab.bench.orders import START_MS, Totals
from streams.lab.progress import Progress
from streams.settings import Settings
from streams.tally.counters import COUNTERS, PLATFORM_ID
from streams.tally.fence import read_fence
from streams.tally.windows import DAY_MS
from streams.topics import Topics


class TalliesWrong(Expected):
    """A run ended in other tallies than its events add up to: its speed means nothing."""

    exit_code: ClassVar[int] = 1


async def check_tallies(redis: Redis, settings: Settings, totals: Totals) -> None:
    """Compare the accounts of every shard, all counters of the platform and the GMV of every cluster with `totals`.

    Raises `TalliesWrong`.
    """
    for shard in range(settings.shards):
        accounts = await _accounts(redis, shard_keys(settings.group, shard), settings)
        _compare(f"accounts of shard {shard}", accounts, {"consumed": totals.events, "counted": totals.events})
    days = _days(settings, totals)
    _compare("platform", await _sums(redis, settings, "platform", PLATFORM_ID, days), totals.counters)
    clusters = Counter(
        {id: (await _sums(redis, settings, "cluster", id, days))["gmv_fen"] for id in sorted(totals.gmv_fen)}
    )
    _compare("gmv_fen of clusters", clusters, totals.gmv_fen)


async def check_audit(redis: Redis, settings: Settings) -> dict[str, int]:
    """Recompute everything from Kafka and compare: the real audit; the worker may still be detecting.

    Returns what `compared` says. Raises `TalliesWrong`, `StillMoving`.
    """
    progress = Progress("audit")
    try:
        return compared(await audit(settings, redis, progress.at))
    finally:
        progress.clear()


def compared(report: Report) -> dict[str, int]:
    """What an audit compared, if it compared all and found all equal. Raises `TalliesWrong`."""
    if report.count:
        raise TalliesWrong(f"the audit found {report.count:,} differences, the first: {report.differences[0]}")
    if report.rankings is None:
        raise TalliesWrong("the audit did not compare rankings: something was settled meanwhile")
    return {
        "tallies": report.tallies,
        "rankings": report.rankings,
        "alerts": report.alerts,
        "consumed": report.consumed,
        "differences": report.count,
    }


def check_hourly(found: Iterable[HourRow], totals: Totals) -> None:
    """Compare the sums of the peers' job with `totals`. Raises `TalliesWrong`."""
    if first := next(totals.hourly.differences(found), None):
        raise TalliesWrong(f"the sums of the peers' job are wrong: {first}")


def _compare(what: str, found: dict[str, int], wanted: dict[str, int]) -> None:
    """Absent and 0 are the same."""
    names = sorted(name for name in found.keys() | wanted.keys() if found.get(name, 0) != wanted.get(name, 0))
    if names:
        first = names[0]
        raise TalliesWrong(
            f"the tallies are wrong: {what}: {first} is {found.get(first, 0):,} instead of {wanted.get(first, 0):,} "
            f"({len(names)} differences)"
        )


async def _accounts(redis: Redis, keys: Keys, settings: Settings) -> dict[str, int]:
    """Consumed, counted, resends and rejected records over all partitions of the topic of orders."""
    accounts: Counter[str] = Counter()
    topic = Topics(settings.topic_prefix).orders
    for partition in range(settings.partitions):
        fence = await read_fence(redis, keys, TP(topic, partition))
        if fence is not None:
            accounts.update(
                consumed=fence.next - fence.origin,
                counted=fence.counted,
                resends=fence.resends,
                rejected=fence.rejected,
            )
    return accounts


async def _sums(redis: Redis, settings: Settings, dimension: str, id: str, days: range) -> Counter[str]:
    """Every counter of one tally, by name, over all hours of `days` (local)."""
    keys = shard_keys(settings.group, shard_of(dimension, id, settings.shards))
    sums: Counter[str] = Counter()
    for day in days:
        stored: dict[bytes, bytes] = await redis.hgetall(keys.hours(dimension, day, id))  # type: ignore[assignment]
        for name, value in stored.items():
            sums[COUNTERS[name.decode()[2:]]] += int(value)
    return sums


def _days(settings: Settings, totals: Totals) -> range:
    """The local days that events of the bench can fall into."""
    last_ms = START_MS + totals.span_ms
    return range(settings.zone.day(START_MS - DAY_MS // 24), settings.zone.day(last_ms) + 1)
