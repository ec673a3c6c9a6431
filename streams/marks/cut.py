"""Step 5, changed: values, change version and fences of a shard as they stood at one moment (`cut.lua`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis

from streams.keys import Keys
from streams.marks.steps import NO_STEP, Step, Steps
from streams.scripts import STEP, lua_script

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

    def argument(self, step: Step) -> bytes:
        """ARGV 1 of the script."""
        return _encode([list(self._fields), self._how, step])

    def _add(self, key: str, how: int) -> int:
        self.keys.append(key)
        self._how.append(how)
        return len(self.keys) - 1


class Cutter:
    """Reads cuts. Raises `redis.RedisError` when the store can not be reached."""

    def __init__(self, redis: Redis) -> None:
        self._script = lua_script(redis, "streams.marks", "cut", behind=[STEP])

    async def cut(
        self, keys: Keys, reads: Reads, reader: str = "", steps: Steps | None = None
    ) -> tuple[int, Sequence[Any]]:
        """The change version of the shard of `keys`, and the replies to `reads` at that version.

        As a step of the pass of `reader` if there are `steps`; raises `WentBack` if it may not go on.
        """
        step = steps.next(keys) if steps else NO_STEP
        names = [keys.sequence(), keys.passes(reader), *reads.keys]
        reply = await self._script(keys=names, args=[reads.argument(step)])
        if steps:
            steps.took(keys, step, may_go_on=bool(reply))
        version, *replies = reply
        return int(version), replies
