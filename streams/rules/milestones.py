"""A sum that is new in the rules is looked for in every session that is known, those that sell nothing more too.

Which sums were looked for stands beside the marks and is written after them, so the two go back together where Redis
does. All workers must have the same rules: those that differ would look again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from redis.asyncio import Redis

from streams.keys import Keys, literal_glob
from streams.marks.acts import RECORDS
from streams.scripts import lua_script

_BATCH = 500


class MilestoneKeeper:
    """Compares the sums of the rules with those of each shard. Raises `redis.RedisError`; repeating is harmless."""

    def __init__(self, redis: Redis, keys: Sequence[Keys], sums_fen: Callable[[], tuple[int, ...]]) -> None:
        self._redis = redis
        self._keys = keys
        self._sums_fen = sums_fen
        self._remark = lua_script(redis, "streams.rules", "remark")

    async def work(self) -> None:
        """One look at every shard."""
        wanted = {str(each).encode() for each in self._sums_fen()}
        for keys in self._keys:
            there = cast("set[bytes]", await self._redis.smembers(keys.milestones()))
            if gone := there - wanted:
                await self._redis.srem(keys.milestones(), *gone)
            if new := wanted - there:
                await self._mark_all(keys)
                await self._redis.sadd(keys.milestones(), *new)

    async def _mark_all(self, keys: Keys) -> None:
        prefix, cursor = f"{keys.prefix}session:", 0
        while True:
            scanned = await self._redis.scan(cursor, match=f"{literal_glob(prefix)}*", count=_BATCH)
            cursor, found = cast("tuple[int, list[bytes]]", scanned)
            if found:
                ids = [name.removeprefix(prefix.encode()) for name in found]
                await self._remark(keys=[keys.sequence(), keys.changed(RECORDS)], args=ids)
            if not cursor:
                return
