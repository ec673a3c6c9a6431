"""What settles left to be published: taken away by name, put back when another published too, merged when it waits."""

from redis.asyncio import Redis

from streams.feed.marks import ChangedTallies
from streams.feed.names import text_of
from streams.keys import shard_keys

KEYS = shard_keys("test", 0)
HOUR = 490_000


async def leave(redis: Redis, *fields: str) -> None:
    """As settles do: the field and the id of a city have one name."""
    for name in fields:
        await redis.hset(KEYS.changed_tallies(), name, text_of([("city", name, HOUR)], []))


async def left(redis: Redis) -> set[str]:
    """The cities that are still to be published."""
    taken = await ChangedTallies(redis).take(KEYS, 1_000_000)
    return {id for _, id, _ in taken.changed.hours}


async def test_what_came_after_the_reading_stays(redis: Redis) -> None:
    it = ChangedTallies(redis)
    await leave(redis, "a", "b")
    taken = await it.take(KEYS, 100)
    await leave(redis, "c")
    assert await it.published(KEYS, taken)
    assert await left(redis) == {"c"}


async def test_taking_ends_when_there_is_enough(redis: Redis) -> None:
    await leave(redis, *(f"{number:04d}" for number in range(200)))
    taken = await ChangedTallies(redis).take(KEYS, 60)
    assert 60 <= len(taken.changed) < 200
    assert await ChangedTallies(redis).published(KEYS, taken)
    assert len(await left(redis)) == 200 - len(taken.changed)


async def test_who_published_beside_another_says_that_all_of_it_has_changed(redis: Redis) -> None:
    mine, other = ChangedTallies(redis), ChangedTallies(redis)
    await leave(redis, "a", "b")
    taken = await mine.take(KEYS, 100)
    assert await other.published(KEYS, await other.take(KEYS, 100))
    assert not await mine.published(KEYS, taken)
    assert await left(redis) == {"a", "b"}
    assert await other.published(KEYS, await other.take(KEYS, 100)), "and that ends it"
    assert await left(redis) == set()


async def test_a_merge_keeps_everything_in_one_field_and_what_came_meanwhile(redis: Redis) -> None:
    it = ChangedTallies(redis)
    await leave(redis, "a", "b")
    taken = await it.take(KEYS, 100)
    await leave(redis, "c")
    await it.merge(KEYS, taken)
    assert await redis.hlen(KEYS.changed_tallies()) == 2
    assert await left(redis) == {"a", "b", "c"}
    await it.merge(KEYS, await it.take(KEYS, 100))
    assert await redis.hlen(KEYS.changed_tallies()) == 1, "however often publishing fails"
    assert await left(redis) == {"a", "b", "c"}


async def test_a_single_field_is_merged_already(redis: Redis) -> None:
    await leave(redis, "a")
    before = await redis.hgetall(KEYS.changed_tallies())
    await ChangedTallies(redis).merge(KEYS, await ChangedTallies(redis).take(KEYS, 100))
    assert await redis.hgetall(KEYS.changed_tallies()) == before
