"""What the topic says and the rankings do not, after Redis went back: told, once it can be known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import pytest
from redis.asyncio import Redis

from schemas.alerts import Alert
from streams.keys import HISTORY
from streams.outbox.comparing import ROUND_EVERY_MS, SOON_MS
from streams.outbox.publisher import Publisher
from tests.streams.outbox.conftest import KEYS

IT = KEYS[0]
AS_OF_MS = 1_767_211_320_000
RANKING = IT.ranking("record.session", "gmv.paid.gross.v1", "category", "womens-wear")


class Clock:
    """The clock that is passed in."""

    now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def publisher_at(publisher: Callable, clock: Clock) -> Publisher:
    """A publisher that goes by it."""
    it: Publisher = publisher(clock_ms=clock)
    return it


async def stands(redis: Redis, holder: str, state: str | None, value: int = 9_500_000_000) -> None:
    """What the ranking has of an alert, and of its holder."""
    await redis.delete(RANKING)
    if state is not None:
        entry = [5, holder, value, 4, 5, 5, '{"orders":[[0,3,120]]}', 1, 7, 1]
        stairs = [[4, "before", 9_000_000_000, 3, 4, 4, "", 1, 7, 1], entry]
        packed = {f"a:{holder}": [state, 3], "stairs": stairs}
        await redis.hset(RANKING, mapping={name: msgspec.msgpack.encode(each) for name, each in packed.items()})


async def all_read(redis: Redis, judged_ms: int = AS_OF_MS, next: int = 100) -> None:
    """Redis is where it was when the alerts of these tests were told."""
    await redis.set(IT.judged("records"), judged_ms)
    for partition in (0, 2):
        await redis.sadd(IT.partitions(), f"{partition}:orders")
        await redis.hset(IT.fence("orders", partition), "next", next)


async def compared(it: Publisher) -> int:
    """So many revisions went out because they were compared."""
    assert await it.publish_pass(0) == 0
    put = await it.compare_pass(0)
    assert await it.publish_pass(0) == put
    return put


Read = Callable[[], Awaitable[list[tuple[bytes, dict[str, bytes], Alert]]]]


@pytest.mark.parametrize("told", ["confirmed", "provisional", "reinstated"])
@pytest.mark.parametrize("here", [None, "superseded", "retracted"])
async def test_what_did_not_arise_again_is_taken_back(
    redis: Redis, publisher_at: Publisher, put, read: Read, told: str, here: str | None
) -> None:
    await put(("s1", 1, told))
    assert await publisher_at.publish_pass(0) == 1
    await redis.flushall()
    await stands(redis, "s1", here)
    await all_read(redis)
    assert await compared(publisher_at) == 1
    _, _, alert = (await read())[-1]
    assert (alert.revision, str(alert.state), alert.value_fen) == (2, "superseded", 10_750_000_000)
    assert "told before the store lost its last writes" in (alert.reason or "")
    assert [(each.partition, each.last_offset) for each in alert.evidence] == [(0, 99), (2, 7)]


@pytest.mark.parametrize(("here", "expected"), [("confirmed", "reinstated"), ("provisional", "provisional")])
async def test_what_arose_without_being_told_is_told(
    redis: Redis, publisher_at: Publisher, put, read: Read, here: str, expected: str
) -> None:
    await put(("s1", 1, "confirmed"), ("s1", 2, "superseded"))
    assert await publisher_at.publish_pass(0) == 2
    await redis.flushall()
    await stands(redis, "s1", here)
    await all_read(redis)
    assert await compared(publisher_at) == 1
    _, _, alert = (await read())[-1]
    assert (alert.revision, str(alert.state), alert.value_fen) == (3, expected, 9_500_000_000)
    assert alert.previous is not None
    assert (alert.previous.holder.id, alert.previous.value_fen) == ("before", 9_000_000_000)


@pytest.mark.parametrize(
    ("told", "here"),
    [("confirmed", "reinstated"), ("reinstated", "confirmed"), ("superseded", "retracted"), ("retracted", None)],
)
async def test_what_means_the_same_is_left(
    redis: Redis, publisher_at: Publisher, put, clock: Clock, told: str, here: str | None
) -> None:
    await put(("s1", 1, told))
    assert await publisher_at.publish_pass(0) == 1
    await redis.flushall()
    await stands(redis, "s1", here)
    await all_read(redis)
    assert await compared(publisher_at) == 0
    clock.now_ms += ROUND_EVERY_MS - 1
    assert await publisher_at.compare_pass(0) == 0


@pytest.mark.parametrize("lag", ["watermark", "records", "mark", "again"])
async def test_nothing_is_concluded_before_redis_is_there_again(
    redis: Redis, publisher_at: Publisher, put, clock: Clock, lag: str
) -> None:
    await put(("s1", 1, "confirmed"))
    assert await publisher_at.publish_pass(0) == 1
    await redis.flushall()
    await all_read(redis, AS_OF_MS - (lag == "watermark"), 99 if lag == "records" else 100)
    if lag == "mark":
        await redis.zadd(IT.changed("peaks"), {"m": 0})
    if lag == "again":
        await redis.hset(IT.passes("records"), "again", "1 2")
    assert await compared(publisher_at) == 0
    await redis.delete(IT.changed("peaks"), IT.passes("records"))
    await all_read(redis)
    clock.now_ms += SOON_MS
    assert await compared(publisher_at) == 1


async def test_a_round_begins_with_each_history_and_every_ten_minutes(
    redis: Redis, publisher_at: Publisher, put, clock: Clock
) -> None:
    await put(("s1", 1, "confirmed"))
    assert await publisher_at.publish_pass(0) == 1
    await stands(redis, "s1", "confirmed")
    await all_read(redis)
    assert await compared(publisher_at) == 0
    await stands(redis, "s1", None)
    clock.now_ms += SOON_MS
    assert await compared(publisher_at) == 0, "nobody said that Redis went back"
    await redis.set(IT.sequence(), 5 * HISTORY)
    clock.now_ms += SOON_MS
    assert await compared(publisher_at) == 1
    await stands(redis, "s1", "confirmed")
    clock.now_ms += ROUND_EVERY_MS
    assert await compared(publisher_at) == 1


async def test_a_change_that_is_under_way_goes_first(redis: Redis, publisher_at: Publisher, put, clock: Clock) -> None:
    await put(("s1", 1, "confirmed"))
    assert await publisher_at.publish_pass(0) == 1
    await redis.flushall()
    await all_read(redis)
    await put(("s1", 1, "confirmed"))
    assert await publisher_at.compare_pass(0) == 0
    await stands(redis, "s1", "confirmed")
    assert await compared(publisher_at) == 0
