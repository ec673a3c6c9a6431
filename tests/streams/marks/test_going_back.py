"""Redis goes back under a pass, or after it, one shard alone: whatever was lost is raised again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from streams.keys import Keys, shard_keys, shard_of
from streams.marks.detector import Detector
from streams.marks.facts import decode_fact
from streams.marks.store import AGAIN_A_PASS
from streams.tally.windows import SHANGHAI
from tests.streams.marks.test_any_order import UnsteadyRedis, copy_of, go_back
from tests.streams.marks.test_detector import DAY, HOUR, LATENESS_MS, at, declared, ended, sold

#: platform and category of the sessions lie in shard 0 of three, one session in each shard
THREE = [shard_keys("three", number) for number in range(3)]
ONE = [shard_keys("one", 0)]


@pytest.fixture
async def unsteady(redis: Redis) -> AsyncIterator[UnsteadyRedis]:
    """The same store, in which something may happen before a command."""
    pool = redis.connection_pool.connection_kwargs
    client = UnsteadyRedis(host=pool["host"], port=pool["port"])
    client.troubles = {}
    yield client
    await client.aclose()


def detector(redis: Redis, keys: list[Keys], start_ms: int = 1_000) -> Detector:
    ticks = iter(range(start_ms, start_ms + 100_000))
    return Detector(redis, keys, SHANGHAI, LATENESS_MS, 1, 0, "orders", "w1", lambda: next(ticks))


async def final(redis: Redis, keys: list[Keys]) -> set[tuple[str, str, str, str]]:
    """(rule, metric, dimension, holder) of alerts that stand, by what the rankings keep of them."""
    states = {}
    for each in keys:
        for _, fields in await redis.xrange(each.outbox()):
            fact = decode_fact(fields[b"f"])
            states[fact.rule, fact.metric, fact.dimension, fact.holder] = fact.state
    return {alert for alert, state in states.items() if state in ("confirmed", "reinstated")}


async def two_hours(write: Callable) -> None:
    """The second is a peak; an evening of two sessions, of which the second is a record."""
    sums = [(ONE[0].hours("cluster", DAY, "c"), f"{number:02d}g", number) for number in (8, 9)]
    await write(0, sums=sums, peaks=[f"hour|{HOUR + number}|cluster|c" for number in (8, 9)])
    for number in (1, 2):
        fields = {"started": declared(at(number)), "ended": ended(number + 1), "first_ms": 1, "last_ms": 1}
        await write(0, **sold(f"s{number}", number, 100 * number, keys=ONE[0], **fields))
    await write.watermark(at(20))


@pytest.mark.parametrize("reader", ["peaks", "records"])
@pytest.mark.parametrize("number", range(1, 16))
async def test_a_pass_that_redis_goes_back_under_removes_nothing(
    redis: Redis, unsteady: UnsteadyRedis, settle: Callable, reader: str, number: int
) -> None:
    await two_hours(settle(ONE))
    it = detector(unsteady, ONE)
    copy = await copy_of(redis, ONE[0])

    async def back() -> None:
        await go_back(redis, ONE[0], copy)

    unsteady.troubles[unsteady.commands + number] = back
    await getattr(it, f"{reader}_pass")(0)
    unsteady.troubles.clear()
    for _ in range(3):
        await it.peaks_pass(0)
        await it.records_pass(0)
    rules = {(rule, holder) for rule, _, _, holder in await final(redis, ONE)}
    assert rules == {("peak.hour", "2025-12-31T09"), ("record.session", "s2")}


async def evening(write: Callable, sessions: int = 6) -> None:
    """Sessions of all shards, each a record."""
    for number in range(1, sessions + 1):
        shard = shard_of("session", f"s{number}", 3)
        fields = {"started": declared(at(number)), "ended": ended(number + 1), "first_ms": 1, "last_ms": 1}
        await write(shard, **sold(f"s{number}", number, 100 * number, keys=THREE[shard], **fields))
    await write.watermark(at(20))


async def all_passes(it: Detector) -> None:
    working = True
    while working:
        results = [await it.records_pass(shard) for shard in range(3)] + [await it.peaks_pass(n) for n in range(3)]
        working = any(result.did_work or result.more for result in results)


@pytest.mark.parametrize("lost", range(3))
@pytest.mark.parametrize("when", ["before", "between"])
async def test_a_ranking_whose_shard_went_back_alone_is_fed_again(
    redis: Redis, settle: Callable, lost: int, when: str
) -> None:
    """No tally was lost, so nothing is settled again, and no mark tells what the rankings of that shard lack."""
    await evening(settle(THREE))
    it = detector(redis, THREE)
    if when == "between":
        await it.records_pass(1)
    copy = await copy_of(redis, THREE[lost])
    await all_passes(it)
    expected = await final(redis, THREE)
    assert ("record.session", "gmv.paid.net.v1", "platform", "s6") in expected
    await go_back(redis, THREE[lost], copy)
    await all_passes(it)
    assert await final(redis, THREE) == expected


async def test_so_much_is_marked_again_at_a_time(
    redis: Redis, settle: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.marks.store.AGAIN_A_PASS", 2)
    await evening(settle(THREE), 20)
    it = detector(redis, THREE)
    platform = shard_of("platform", "all", 3)
    copy = await copy_of(redis, THREE[platform])
    await all_passes(it)
    expected = await final(redis, THREE)
    await go_back(redis, THREE[platform], copy)
    other = (platform + 1) % 3
    result = await it.records_pass(other)
    assert result.more
    assert await redis.zcard(THREE[other].heard("records")) > 0
    await all_passes(it)
    assert await final(redis, THREE) == expected
    assert await redis.hget(THREE[other].passes("records"), "again") is None


async def test_when_nothing_was_lost_nothing_is_marked_again(redis: Redis, settle: Callable) -> None:
    await evening(settle(THREE))
    it = detector(redis, THREE)
    await all_passes(it)
    before = {keys.prefix: await redis.hgetall(keys.passes("records")) for keys in THREE}
    for shard in range(3):
        assert not (await it.records_pass(shard)).did_work
    assert {keys.prefix: await redis.hgetall(keys.passes("records")) for keys in THREE} == before
    assert AGAIN_A_PASS < 2_000
