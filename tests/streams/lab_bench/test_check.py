"""The check after each run: it passes what is right, and says what is wrong."""

from collections import Counter

import pytest
from redis.asyncio import Redis

from streams.keys import shard_keys
from streams.lab.audit.report import Report
from streams.lab.bench.check import TalliesWrong, check_tallies, compared
from streams.lab.bench.orders import START_MS, Totals
from streams.lab.bench.store import forget, settled
from streams.settings import Settings
from streams.tally.windows import SHANGHAI

SETTINGS = Settings(group="bench-test", partitions=2)
KEYS = shard_keys("bench-test", 0)
TOTALS = Totals(
    5, 5 * 400, 900, Counter(gmv_fen=700, orders_paid=5), Counter({"cluster-0000": 500, "cluster-0001": 200})
)


async def settle_by_hand(redis: Redis) -> None:
    """What a worker would have left of five orders."""
    for partition, end in enumerate((2, 3)):
        fence = {"next": 10 + end, "origin": 10, "counted": end, "resends": 0, "rejected": 0}
        await redis.hset(KEYS.fence("orders", partition), mapping=fence)
    day, hour = SHANGHAI.day(START_MS), SHANGHAI.hour(START_MS) % 24
    await redis.hset(KEYS.hours("platform", day, "all"), mapping={f"{hour:02d}g": 700, f"{hour:02d}p": 5})
    await redis.hset(KEYS.hours("cluster", day, "cluster-0000"), mapping={f"{hour:02d}g": 500})
    await redis.hset(KEYS.hours("cluster", day, "cluster-0001"), mapping={f"{hour:02d}g": 200})


async def test_right_tallies_pass(redis: Redis) -> None:
    await settle_by_hand(redis)
    await check_tallies(redis, SETTINGS, TOTALS)


@pytest.mark.parametrize(
    ("key", "field", "what"),
    [
        (KEYS.hours("cluster", SHANGHAI.day(START_MS), "cluster-0001"), "20g", "cluster-0001 is 201 instead of 200"),
        (KEYS.hours("platform", SHANGHAI.day(START_MS), "all"), "20p", "orders_paid is 6 instead of 5"),
        (KEYS.hours("platform", SHANGHAI.day(START_MS), "all"), "20x", "orders_cancelled is 1 instead of 0"),
        (KEYS.fence("orders", 1), "next", "consumed is 6 instead of 5"),
        (KEYS.fence("orders", 1), "counted", "counted is 6 instead of 5"),
        (KEYS.fence("orders", 0), "rejected", "rejected is 1 instead of 0"),
    ],
)
async def test_one_too_many_is_found(redis: Redis, key: str, field: str, what: str) -> None:
    await settle_by_hand(redis)
    await redis.hincrby(key, field, 1)
    with pytest.raises(TalliesWrong, match=what):
        await check_tallies(redis, SETTINGS, TOTALS)


async def test_settled_counts_from_the_origins_once_all_fences_stand(redis: Redis) -> None:
    assert await settled(redis, SETTINGS, "orders") is None
    await settle_by_hand(redis)
    assert await settled(redis, SETTINGS, "orders") == 5
    await redis.delete(KEYS.fence("orders", 1))
    assert await settled(redis, SETTINGS, "orders") is None


async def test_a_run_is_forgotten_without_the_keys_of_others(redis: Redis) -> None:
    await settle_by_hand(redis)
    await redis.set("bench-testing:{0}:sequence", 1)
    await forget(redis, "bench-test")
    assert await redis.keys("*") == [b"bench-testing:{0}:sequence"]


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (Report(tallies=9, rankings=2, differences=["this is 1, should be 2"]), "found 1 differences.*this is 1"),
        (Report(tallies=9, rankings=2, differences=["this"], unlisted=1_999), "found 2,000 differences"),
        (Report(tallies=9, rankings=None), "did not compare rankings"),
    ],
)
def test_an_audit_that_differs_or_is_not_whole_ends_the_bench(report: Report, told: str) -> None:
    with pytest.raises(TalliesWrong, match=told):
        compared(report)


def test_an_audit_without_differences_is_told() -> None:
    found = compared(Report(tallies=9, rankings=2, consumed=5, alerts=1))
    assert found == {"tallies": 9, "rankings": 2, "alerts": 1, "consumed": 5, "differences": 0}
