"""The feed: what settles left to be published in one shard, taken away once the topic has it.

Each settle leaves a field of its own (`settle.lua`), named by its change version, so a field is never used again: to
remove exactly what was read is a compare-and-delete. Redis may go back between reading and removing. What it lost then
is settled again, and leaves fields that no pass has read; what it brought back is published once more.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from redis.asyncio import Redis

from streams.feed.names import Changed, text_of
from streams.keys import Keys
from streams.scripts import lua_script

#: fields that one call reads
_AT_ONCE = 50


class Taken(NamedTuple):
    """Fields in hand, and what they say has changed."""

    fields: list[bytes]
    changed: Changed


class ChangedTallies:
    """The fields of `Keys.changed_tallies`. Raises `redis.RedisError`; all of it may be repeated."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._remove = lua_script(redis, "streams.feed", "remove")

    async def take(self, keys: Keys, enough: int) -> Taken:
        """Fields until they name about `enough` tallies; they stay where they are."""
        key = keys.changed_tallies()
        waiting = cast("list[bytes]", await self._redis.hkeys(key))
        taken = Taken([], Changed())
        for first in range(0, len(waiting), _AT_ONCE):
            if len(taken.changed) >= enough:
                break
            some = waiting[first : first + _AT_ONCE]
            texts = cast("list[bytes | None]", await self._redis.hmget(key, some))
            for field, text in zip(some, texts, strict=True):
                if text is not None:
                    taken.fields.append(field)
                    taken.changed.add(text)
        return taken

    async def published(self, keys: Keys, taken: Taken) -> bool:
        """Remove what was published. False: some was gone already, and all of it is to be published again.

        Then another has published too, and of what two publish the older value may be the last in the topic.
        """
        return await self._replace(keys, taken, b"")

    async def merge(self, keys: Keys, taken: Taken) -> None:
        """Put what is in hand into one field: where publishing fails for long, fields must not grow by each settle."""
        if len(taken.fields) > 1:
            await self._replace(keys, taken, b"merged")

    async def _replace(self, keys: Keys, taken: Taken, how: bytes) -> bool:
        text = text_of(taken.changed.hours, taken.changed.sessions)
        reply = await self._remove(keys=[keys.changed_tallies(), keys.sequence()], args=[how, text, *taken.fields])
        return bool(reply)
