"""Everything that is stored, page by page."""

from redis.asyncio import Redis

from streams.feed.names import Changed
from streams.feed.sweep import Sweep
from streams.keys import shard_keys

KEYS = shard_keys("test", 0)
DAY = 20_453


async def test_every_hour_and_session_of_the_shard_is_found_and_nothing_else(redis: Redis) -> None:
    await redis.hset(KEYS.hours("cluster", DAY, "c:x"), mapping={"07g": 5, "07p": 1, "23g": 9})
    await redis.hset(KEYS.session_hours("s:1"), mapping={"490000g": 7, "490001p": 1})
    await redis.hset(KEYS.session_hours("(none)"), mapping={"490000g": 7})
    await redis.hset(KEYS.session("silent"), mapping={"started": "x"})
    await redis.hset(KEYS.minutes("cluster", DAY * 24, "c:x"), mapping={"07g": 5})
    await redis.hset(KEYS.days("cluster", DAY, "c:x"), mapping={"g": 5})
    await redis.pfadd(KEYS.session_buyers("s:1"), "a")
    await redis.hset(shard_keys("test", 1).session("of another shard"), mapping={"started": "x"})
    for number in range(3_000):  # more than a page
        await redis.hset(KEYS.hours("city", DAY, f"{number}"), mapping={"01g": 1})
    changed, sweep, pages = Changed(), Sweep(redis, KEYS), 1
    while not await sweep.page(changed):
        pages += 1
    assert pages > 1
    assert {each for each in changed.hours if each[0] != "city"} == {
        ("cluster", "c:x", DAY * 24 + 7), ("cluster", "c:x", DAY * 24 + 23),
        ("session", "s:1", 490_000), ("session", "s:1", 490_001), ("session", "(none)", 490_000),
    }  # fmt: skip
    assert sum(each[0] == "city" for each in changed.hours) == 3_000
    assert changed.sessions == {"s:1", "silent"}


async def test_an_empty_shard_is_swept_at_once(redis: Redis) -> None:
    changed = Changed()
    assert await Sweep(redis, KEYS).page(changed)
    assert len(changed) == 0
