"""Step 5, changed: values, change version and fences of a shard as they stood at one moment (`cut.lua`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis

from streams.keys import Keys
from streams.scripts import lua_script

_encode = msgspec.msgpack.Encoder().encode

_WHOLE_HASH, _SET = 0, -1


class Reads:
    """A list of reads; each method returns the place of its reply in `Cut.replies`."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self._fields: dict[tuple[str, ...], int] = {}
        self._how: list[int] = []

    def fields(self, key: str, fields: tuple[str, ...]) -> int:
        """Fields of a hash: a list of values, None for each that is absent."""
        return self._add(key, self._fields.setdefault(fields, len(self._fields) + 1))

    def whole(self, key: str) -> int:
        """A whole hash: a flat list of fields and values."""
        return self._add(key, _WHOLE_HASH)

    def members(self, key: str) -> int:
        """A set: a list of its members."""
        return self._add(key, _SET)

    def argument(self) -> bytes:
        """ARGV 1 of the script."""
        return _encode([list(self._fields), self._how])

    def _add(self, key: str, how: int) -> int:
        self.keys.append(key)
        self._how.append(how)
        return len(self.keys) - 1


class Cutter:
    """Reads cuts. Raises `redis.RedisError` when the store can not be reached."""

    def __init__(self, redis: Redis) -> None:
        self._script = lua_script(redis, "streams.marks", "cut")

    async def cut(self, keys: Keys, reads: Reads) -> tuple[int, Sequence[Any]]:
        """The change version of the shard of `keys`, and the replies to `reads` at that version."""
        version, *replies = await self._script(keys=[keys.sequence(), *reads.keys], args=[reads.argument()])
        return int(version), replies
