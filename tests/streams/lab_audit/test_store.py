"""Reading the store back: what stands in which key becomes which tally."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from streams.keys import Keys, shard_keys
from streams.lab.audit import store
from streams.lab.audit.store import Stored, _scan, read_stored
from streams.lab.truth import Sketch, Tally
from streams.tally.windows import DAY_MS, SHANGHAI

KEYS = shard_keys("test", 0)
DAY = 20_000
DAY_MS_AT = SHANGHAI.start_ms("day", DAY)
HOUR_20_MS = SHANGHAI.start_ms("hour", DAY * 24 + 20)
#: an id may hold anything
ODD = "a:20000:b|*[x]"


async def read(redis: Redis, *shards: Keys) -> Stored:
    return await read_stored(redis, list(shards or (KEYS,)), SHANGHAI, 30)


def gmv(stored: Stored) -> dict[Tally, int]:
    return {tally: sums["gmv_fen"] for tally, sums in stored.tallies.items()}


async def test_an_empty_store_holds_nothing(redis: Redis) -> None:
    assert await read(redis) == Stored()


async def test_hours_and_their_day(redis: Redis) -> None:
    await redis.hset(KEYS.hours("anchor", DAY, ODD), mapping={"20g": 5, "20r": 2, "20b": 1, "21g": 7})
    stored = await read(redis)
    assert gmv(stored) == {
        Tally("anchor", ODD, "hour", HOUR_20_MS): 5,
        Tally("anchor", ODD, "hour", HOUR_20_MS + 3_600_000): 7,
        Tally("anchor", ODD, "day", DAY_MS_AT): 12,
    }
    hour = stored.tallies[Tally("anchor", ODD, "hour", HOUR_20_MS)]
    assert (hour["net_gmv_fen"], hour["net_gmv_booked_fen"], hour["orders_paid"]) == (3, 4, 0)


async def test_minutes(redis: Redis) -> None:
    await redis.hset(KEYS.minutes("anchor", DAY * 24 + 20, ODD), mapping={"07g": 5, "59p": 1})
    assert gmv(await read(redis)) == {
        Tally("anchor", ODD, "minute", HOUR_20_MS + 7 * 60_000): 5,
        Tally("anchor", ODD, "minute", HOUR_20_MS + 59 * 60_000): 0,
    }


@pytest.mark.parametrize("id", ["anchor-0001", ODD])
async def test_a_day_is_what_was_rolled_up_and_what_hours_hold(redis: Redis, id: str) -> None:
    await redis.hset(KEYS.days("anchor", DAY, id), mapping={"g": 5, "p": 1})
    day = Tally("anchor", id, "day", DAY_MS_AT)
    assert gmv(await read(redis)) == {day: 5}
    await redis.hset(KEYS.hours("anchor", DAY, id), mapping={"20g": 7, "20p": 2})
    stored = await read(redis)
    assert (stored.tallies[day]["gmv_fen"], stored.tallies[day]["orders_paid"]) == (12, 3)
    assert gmv(stored)[Tally("anchor", id, "hour", HOUR_20_MS)] == 7


async def test_a_day_that_is_rolled_up_while_it_is_read_counts_once(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moved between any two batches of a scan, of the hours or of the days."""
    ids = [f"anchor-{number:04d}" for number in range(6)]
    left = list(ids)

    async def moving(redis: Redis, prefix: str) -> AsyncIterator[list[str]]:
        async for batch in _scan(redis, prefix):
            for key in batch:
                yield [key]
                if left:
                    id = left.pop()
                    hours = await redis.hgetall(KEYS.hours("anchor", DAY, id))
                    async with redis.pipeline(transaction=True) as pipe:
                        pipe.hset(KEYS.days("anchor", DAY, id), "g", int(hours[b"20g"]))
                        pipe.delete(KEYS.hours("anchor", DAY, id))
                        await pipe.execute()

    monkeypatch.setattr(store, "_scan", moving)
    for id in ids:
        await redis.hset(KEYS.hours("anchor", DAY, id), "20g", 5)
    days = {tally.id: fen for tally, fen in gmv(await read(redis)).items() if tally.grain == "day"}
    assert days == dict.fromkeys(ids, 5)
    assert left == []


async def test_a_session_has_hours_days_and_a_total(redis: Redis) -> None:
    await redis.hset(KEYS.session_hours(ODD), mapping={f"{DAY * 24 + 20}g": 5, f"{DAY * 24 + 24}g": 7})
    assert gmv(await read(redis)) == {
        Tally("session", ODD, "hour", HOUR_20_MS): 5,
        Tally("session", ODD, "day", DAY_MS_AT): 5,
        Tally("session", ODD, "hour", DAY_MS_AT + DAY_MS): 7,
        Tally("session", ODD, "day", DAY_MS_AT + DAY_MS): 7,
        Tally("session", ODD, "session", 0): 12,
    }


@pytest.mark.parametrize(("late_ms", "total"), [(-1, 5), (0, 5), (1, 12)])
async def test_hours_long_after_its_end_are_not_in_its_total(redis: Redis, late_ms: int, total: int) -> None:
    """An hour counts if it begins before the end and thirty days."""
    after = DAY * 24 + 20 + 30 * 24
    await redis.hset(KEYS.session_hours("s"), mapping={f"{DAY * 24 + 20}g": 5, f"{after}g": 7})
    await redis.hset(KEYS.session("s"), "ended", f"{HOUR_20_MS + late_ms:015d}|end-event")
    assert gmv(await read(redis))[Tally("session", "s", "session", 0)] == total


async def test_sketches_of_hours_days_and_sessions(redis: Redis) -> None:
    await redis.pfadd(KEYS.sketch("buyers", "anchor", DAY * 24 + 20, ODD), "a", "b")
    await redis.pfadd(KEYS.sketch("buyers", "anchor", DAY * 24 + 21, ODD), "b", "c")
    await redis.pfadd(KEYS.day_sketch("buyers", "anchor", DAY, ODD), "c", "d")
    await redis.pfadd(KEYS.day_sketch("merchants", "platform", DAY, "all"), "m")
    await redis.pfadd(KEYS.session_buyers(ODD), "a", "b", "c")
    assert (await read(redis)).sketches == {
        Sketch("buyers", "anchor", ODD, "hour", HOUR_20_MS): 2,
        Sketch("buyers", "anchor", ODD, "hour", HOUR_20_MS + 3_600_000): 2,
        Sketch("buyers", "anchor", ODD, "day", DAY_MS_AT): 4,
        Sketch("merchants", "platform", "all", "day", DAY_MS_AT): 1,
        Sketch("buyers", "session", ODD, "session", 0): 3,
    }


async def test_shards_are_read_together_and_no_others(redis: Redis) -> None:
    shards = [shard_keys("test", number) for number in range(3)]
    for number, keys in enumerate(shards):
        await redis.hset(keys.hours("anchor", DAY, f"a{number}"), "20g", number + 1)
        await redis.hset(keys.floors(), mapping={"minutes": 60 * number, "days": 9 - number})
    stored = await read(redis, *shards[:2])
    days = {tally.id: fen for tally, fen in gmv(stored).items() if tally.grain == "day"}
    assert days == {"a0": 1, "a1": 2}
    assert (stored.floors.minutes, stored.floors.days) == (60, 9)


async def test_what_else_lies_there_is_left_alone(redis: Redis) -> None:
    await redis.hset(KEYS.fence("orders", 0), "next", 5)
    await redis.hset(KEYS.first_offsets("orders", 0), "480020", 5)
    await redis.hset(KEYS.orders("orders", 0, 7), "o", "1:5")
    await redis.zadd(KEYS.changed("peaks"), {"hour|480020|platform|all": 1})
    assert await read(redis) == Stored()
