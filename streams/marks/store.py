"""Step 5, changed: what a detector reads and writes beside values and rankings: progress, marks, due holders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from schemas.alerts import Rule
from streams.keys import Keys
from streams.marks.acts import Close, Ranking
from streams.marks.watermark import Progress
from streams.scripts import lua_script
from streams.tally.fence import read_partitions

_FENCE_FIELDS = ("next", "trusted_ms", "arrival_ms", "unread")


class Marks(NamedTuple):
    """Changed marks in hand, oldest first, as (member, change version).

    `version` is the shard's change version, read before them; `waiting` the version of the oldest one left, None if
    these are all.
    """

    members: list[tuple[bytes, int]]
    version: int
    waiting: int | None


class MarkStore:
    """Reads and writes of one application over all shards. All of it may be repeated; raises `redis.RedisError`."""

    def __init__(self, redis: Redis, keys: Sequence[Keys]) -> None:
        self._redis = redis
        self._keys = keys
        self._forget = lua_script(redis, "streams.marks", "forget")
        self._at_least = lua_script(redis, "streams.marks", "at_least")

    # -- progress ------------------------------------------------------------------------------
    async def progress(self) -> list[dict[tuple[str, int], Progress]]:
        """How far each partition is read, by topic and partition, for every shard."""
        return [await self._shard_progress(keys, await read_partitions(self._redis, keys)) for keys in self._keys]

    async def _shard_progress(self, keys: Keys, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Progress]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for topic, partition in places:
                pipe.hmget(keys.fence(topic, partition), _FENCE_FIELDS)
            replies = await pipe.execute()
        return {
            place: Progress(*place, int(next), int(trusted_ms or 0), int(arrival_ms or 0), unread != b"0")
            for place, (next, trusted_ms, arrival_ms, unread) in zip(places, replies, strict=True)
            if next is not None
        }

    async def partitions(self, keys: Keys, topic: str) -> list[int]:
        """The partitions of a topic that have a fence in the shard."""
        return [tp.partition for tp in await read_partitions(self._redis, keys) if tp.topic == topic]

    async def raise_watermark(self, watermark_ms: int | None) -> int | None:
        """Store the watermark (epoch ms), which never falls; returns what stands there now, None if nothing yet."""
        if watermark_ms is None:
            stored = await self._redis.get(self._keys[0].watermark())
            return None if stored is None else int(stored)
        return int(await self._at_least(keys=[self._keys[0].watermark()], args=[watermark_ms]))

    # -- marks ---------------------------------------------------------------------------------
    async def marks(self, keys: Keys, reader: str, limit: int) -> Marks:
        """The oldest `limit` changed marks of one shard."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.get(keys.sequence())
            pipe.zrange(keys.changed(reader), 0, limit, withscores=True)
            version, found = await pipe.execute()
        members = [(member, int(score)) for member, score in found]
        return Marks(members[:limit], int(version or 0), members[limit][1] if len(members) > limit else None)

    async def forget(self, keys: Keys, reader: str, members: Sequence[tuple[bytes, int]]) -> None:
        """Remove marks that have not changed since they were read."""
        if members:
            await self._forget(keys=[keys.changed(reader)], args=[part for member in members for part in member])

    # -- closing -------------------------------------------------------------------------------
    async def due(self, keys: Keys, reader: str, until_ms: int, limit: int) -> list[Close]:
        """Open holders whose window ended at or before `until_ms` (epoch ms), at most `limit`, the earliest first."""
        found: list[tuple[bytes, float]] = await self._redis.zrangebyscore(  # type: ignore[assignment]
            keys.closing(reader), "-inf", until_ms, start=0, num=limit, withscores=True
        )
        return [parse_closing(member, int(score)) for member, score in found]

    # -- scopes --------------------------------------------------------------------------------
    async def place(self, keys: Keys, scopes: Iterable[tuple[str, str]]) -> None:
        """Note scopes (`dimension|id`) of sessions, given as (session id, scope), before they are raised there."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for session_id, scope in scopes:
                pipe.sadd(keys.placed(session_id), scope)
            await pipe.execute()


def parse_closing(member: bytes, close_ms: int) -> Close:
    """Read a member of `Keys.closing`: rule, metric, dimension, kind, bytes of the scope's id, then scope and holder.

    The length makes it unambiguous, whatever characters the ids have.
    """
    rule, metric, dimension, kind, length, ids = member.split(b"|", 5)
    scope_id, holder_id = ids[: int(length)].decode(), ids[int(length) :].decode()
    ranking = Ranking(Rule(rule.decode()), metric.decode(), dimension.decode(), scope_id, kind.decode())  # type: ignore[arg-type]
    return Close(ranking, holder_id, close_ms)
