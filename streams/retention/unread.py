"""Retention: what the peak detector has still to read; its values must not go before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from redis.asyncio import Redis

from streams.keys import Keys
from streams.marks.acts import PEAKS
from streams.retention.policy import Unread

#: marks that one call of Redis looks at
_BATCH = 500
#: with more marks than this waiting, detection is behind, and nothing is purged until it has caught up
MOST_MARKS = 100_000


class FarBehind(Exception):
    """Too much is unread to look for the oldest of it: try again later."""


async def read_unread(redis: Redis, keys: Keys) -> Unread:
    """The oldest windows among the marks of one shard. Raises `FarBehind` and `redis.RedisError`.

    A mark goes only after what was read for it has been applied. One that is renewed meanwhile stays in the set, so
    the scan, which gives all that is there from beginning to end, gives it too.
    """
    key = keys.changed(PEAKS)
    if await redis.zcard(key) > MOST_MARKS:
        raise FarBehind
    found = Unread()
    cursor = 0
    while True:
        cursor, marks = cast("tuple[int, list[tuple[bytes, float]]]", await redis.zscan(key, cursor, count=_BATCH))
        found = _older(found, (member for member, _ in marks))
        if not cursor:
            return found


def _older(known: Unread, members: Iterable[bytes]) -> Unread:
    """`known`, and the oldest minute and hour of these marks (`minute|<local index>|…`, `hour|<local index>|…`)."""
    minutes, hours = [known.minute], [known.hour]
    for member in members:
        grain, index, _ = member.split(b"|", 2)
        (minutes if grain == b"minute" else hours).append(int(index))
    return Unread(_least(minutes), _least(hours))


def _least(indexes: Iterable[int | None]) -> int | None:
    return min((index for index in indexes if index is not None), default=None)
