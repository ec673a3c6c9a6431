"""Retention: the floors as they stand in Redis, beside the fences of their shard."""

from __future__ import annotations

from typing import cast

from redis.asyncio import Redis

from streams.keys import Keys
from streams.retention.policy import Floors
from streams.scripts import lua_script


class WentBack(Exception):
    """Redis holds an earlier state than the one that was looked at: nothing was changed, look again."""


async def read_floors(redis: Redis, keys: Keys) -> Floors:
    """The floors of one shard. Raises `redis.RedisError`."""
    return await _read(redis, keys.floors())


async def read_swept(redis: Redis, keys: Keys) -> Floors:
    """The floors below which everything is gone. Raises `redis.RedisError`."""
    return await _read(redis, keys.swept())


async def _read(redis: Redis, key: str) -> Floors:
    values = cast("list[bytes | None]", await redis.hmget(key, list(Floors._fields)))
    return Floors(*(int(value or 0) for value in values))


class FloorRaiser:
    """Raises floors; none ever falls. Raises `redis.RedisError`; repeating is harmless."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._raise = lua_script(redis, "streams.retention", "floors")

    async def version(self, keys: Keys) -> int:
        """The change version of a shard: by it Redis is recognised as the same, or a later, one."""
        return int(cast("bytes | None", await self._redis.get(keys.sequence())) or 0)

    async def raise_floors(self, keys: Keys, floors: Floors, version: int) -> None:
        """Raise the floors. Raises `WentBack` if the shard is not at `version` any more."""
        await self._apply(keys, keys.floors(), floors._asdict(), version)

    async def note_swept(self, keys: Keys, swept: dict[str, int], version: int) -> None:
        """Note below which floors, by kind, all is gone. Raises `WentBack` as above."""
        await self._apply(keys, keys.swept(), swept, version)

    async def _apply(self, keys: Keys, key: str, integers: dict[str, int], version: int) -> None:
        args = [version, *(part for pair in integers.items() for part in pair)]
        if not await self._raise(keys=[key, keys.sequence()], args=args):
            raise WentBack
