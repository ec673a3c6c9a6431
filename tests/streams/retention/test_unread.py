"""The oldest window that the peak detector has still to read."""

import pytest
from redis.asyncio import Redis

from streams.keys import shard_keys
from streams.retention.policy import Unread
from streams.retention.unread import FarBehind, read_unread

KEYS = shard_keys("test", 0)


async def mark(redis: Redis, *members: str) -> None:
    for first in range(0, len(members), 1_000):
        await redis.zadd(KEYS.changed("peaks"), dict.fromkeys(members[first : first + 1_000], 1))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([], Unread()),
        (["hour|7|platform|all"], Unread(hour=7)),
        (["minute|400|anchor|a|1|b"], Unread(minute=400)),
        (["minute|400|platform|all", "minute|399|anchor|a", "hour|9|anchor|a", "hour|10|anchor|hour|1"],
         Unread(399, 9)),
    ],
)  # fmt: skip
async def test_the_oldest_of_each_grain(redis: Redis, members: list[str], expected: Unread) -> None:
    await mark(redis, *members)
    assert await read_unread(redis, KEYS) == expected


async def test_among_many(redis: Redis) -> None:
    await mark(redis, *(f"minute|{20_000 + number}|anchor|a" for number in range(3_000)), "hour|3|anchor|a")
    assert await read_unread(redis, KEYS) == Unread(20_000, 3)


@pytest.mark.parametrize(("most", "too_many"), [(4, True), (5, False), (6, False)])
async def test_too_many_are_not_looked_at(
    redis: Redis, most: int, too_many: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.retention.unread.MOST_MARKS", most)
    await mark(redis, *(f"hour|{number}|anchor|a" for number in range(5)))
    if too_many:
        with pytest.raises(FarBehind):
            await read_unread(redis, KEYS)
    else:
        assert await read_unread(redis, KEYS) == Unread(hour=0)
