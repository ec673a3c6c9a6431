"""Step 5, changed: what a detector reads and writes beside values and rankings: progress, marks, due holders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from faust.types import TP
from redis.asyncio import Redis

from schemas.alerts import Rule
from streams.keys import Keys
from streams.marks.acts import RECORDS, Close, Ranking
from streams.marks.steps import Steps
from streams.marks.watermark import Progress
from streams.scripts import BOOK, STEP, lua_script
from streams.tally.fence import parse_partitions, read_partitions

#: marks that one pass puts back after a shard went back
AGAIN_A_PASS = 1_000

_FENCE_FIELDS = ("next", "trusted_ms", "arrival_ms", "unread")


class Marks(NamedTuple):
    """Changed marks in hand, oldest first, as (member, change version).

    `version` is the shard's change version, read before them; `waiting` the version of the oldest one left, None if
    these are all.
    """

    members: list[tuple[bytes, int]]
    version: int
    waiting: int | None

    def apart(self) -> tuple[int | None, list[tuple[bytes, int]]]:
        """The change version up to which these are all marks that there were, None if none; and those above it."""
        if self.waiting is None:
            return self.version, []
        below = self.waiting - 1
        return below, [each for each in self.members if each[1] > below]


class Elsewhere(NamedTuple):
    """Another shard: its change version, that of its oldest mark, and what the source's last pass left there."""

    version: int
    waiting: int | None
    left: str


class Wanted(NamedTuple):
    """What a reader wants to know beside the marks, as of the same moment.

    `values`: the GMV of marked hours and minutes; `fences`: the next offset of these partitions of a topic.
    """

    values: bool = False
    topic: str = ""
    partitions: Sequence[int] = ()


class Begun(NamedTuple):
    """A pass that has begun; `went_back`: a shard was found to have gone back, `again`: more is to be marked again.

    `values` (fen, None where nothing stands) are those of `marks.members`, `fences` by partition, as far as they were
    wanted; `stood` is what the last pass over these marks left in their shard.
    """

    marks: Marks
    steps: Steps
    went_back: bool
    again: bool
    values: Sequence[bytes | None] = ()
    fences: Mapping[int, int] = MappingProxyType({})
    stood: str = ""


_NOTHING = Wanted()


class MarkStore:
    """Reads and writes of one application over all shards. All of it may be repeated; raises `redis.RedisError`."""

    def __init__(self, redis: Redis, keys: Sequence[Keys]) -> None:
        self._redis = redis
        self._keys = keys
        self._begin = lua_script(redis, "streams.marks", "begin")
        self._forget = lua_script(redis, "streams.marks", "forget", behind=[STEP])
        self._due = lua_script(redis, "streams.marks", "due", behind=BOOK)
        self._place = lua_script(redis, "streams.marks", "place", behind=[STEP])
        self._at_least = lua_script(redis, "streams.marks", "at_least")

    # -- progress ------------------------------------------------------------------------------
    async def progress(self) -> list[dict[tuple[str, int], Progress]]:
        """How far each partition is read, by topic and partition, for every shard."""
        return [await self._shard_progress(keys) for keys in self._keys]

    async def _shard_progress(self, keys: Keys) -> dict[tuple[str, int], Progress]:
        """Of one moment: a partition that came after they were listed would not hold the watermark back."""
        places = await read_partitions(self._redis, keys)
        while True:
            async with self._redis.pipeline(transaction=True) as pipe:
                for place in places:
                    pipe.hmget(keys.fence(*place), _FENCE_FIELDS)
                pipe.smembers(keys.partitions())
                *replies, members = await pipe.execute()
            listed, places = places, parse_partitions(members)
            if listed == places:
                return _progress(listed, replies)

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
    async def look(self, keys: Keys, reader: str, source: int) -> Elsewhere:
        """What a pass over the marks of shard `source` needs to know of another shard before it begins."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.get(keys.sequence())
            pipe.zrange(keys.changed(reader), 0, 0, withscores=True)
            pipe.hget(keys.passes(reader), str(source))
            version, found, left = await pipe.execute()
        return Elsewhere(int(version or 0), int(found[0][1]) if found else None, (left or b"").decode())

    async def begin(
        self,
        source: int,
        reader: str,
        limit: int,
        clock_ms: int,
        worker: str,
        elsewhere: Mapping[int, Elsewhere],
        wanted: Wanted = _NOTHING,
    ) -> Begun:
        """Begin a pass over the oldest `limit` changed marks of shard `source`; `elsewhere` are the other shards."""
        keys = self._keys[source]
        others = [part for shard, each in elsewhere.items() for part in (shard, each.left)]
        fences = [keys.fence(wanted.topic, partition) for partition in wanted.partitions]
        name, found, went_back, again, version, flat, values, nexts, stood = await self._begin(
            keys=[keys.sequence(), keys.changed(reader), keys.passes(reader), keys.heard(reader), *fences],
            args=[source, clock_ms, worker, limit, AGAIN_A_PASS, keys.prefix if wanted.values else "", *others],
        )
        members = [(member, int(score)) for member, score in zip(flat[::2], flat[1::2], strict=True)]
        there = {self._keys[shard].prefix: each.left for shard, each in elsewhere.items()}
        return Begun(
            Marks(members[:limit], int(version), members[limit][1] if len(members) > limit else None),
            Steps(source, name.decode(), {keys.prefix: found.decode(), **there}),
            bool(went_back),
            bool(again),
            values[:limit],
            {at: int(next) for at, next in zip(wanted.partitions, nexts, strict=True) if next is not None},
            stood.decode(),
        )

    async def forget(self, source: int, reader: str, marks: Marks, steps: Steps) -> None:
        """End a pass: remove the marks that have not changed since they were read. Raises `WentBack` if it may not."""
        keys = self._keys[source]
        left = [
            part
            for shard, each in enumerate(self._keys)
            if shard != source and each.prefix in steps.left
            for part in (shard, steps.left[each.prefix])
        ]
        if not marks.members and not left:
            return
        ticket = steps.ticket if len(self._keys) > 1 and reader == RECORDS else ""
        below, above = (None, marks.members) if ticket else marks.apart()
        step = steps.next(keys)
        reply = await self._forget(
            keys=[keys.changed(reader), keys.passes(reader), keys.heard(reader)],
            args=[
                *step,
                ticket,
                "" if below is None else below,
                len(left) // 2,
                *left,
                *(part for mark in above for part in mark),
            ],
        )
        steps.took(keys, step, may_go_on=bool(reply))

    # -- closing -------------------------------------------------------------------------------
    async def due(self, keys: Keys, reader: str, until_ms: int, limit: int) -> list[Close]:
        """Open holders whose window ended at or before `until_ms` (epoch ms), at most `limit`, the earliest of all."""
        full = True
        found: list[Any] = []
        while full and not found:  # else all that were looked at end later
            full, found = await self._due(keys=[keys.closing(reader)], args=[until_ms, limit, keys.prefix])
        return [parse_closing(member, close_ms) for member, close_ms in zip(found[::2], found[1::2], strict=True)]

    # -- scopes --------------------------------------------------------------------------------
    async def place(self, keys: Keys, reader: str, scopes: Sequence[tuple[str, str]], steps: Steps) -> None:
        """Note scopes (`dimension|id`) of sessions, given as (session id, scope), before they are raised there.

        The scopes lie in the shard of `keys`. Raises `WentBack` if the pass may not go on.
        """
        step = steps.next(keys)
        names = [keys.placed(session_id) for session_id, _ in scopes]
        reply = await self._place(keys=[keys.passes(reader), *names], args=[*step, *(scope for _, scope in scopes)])
        steps.took(keys, step, may_go_on=bool(reply))

    async def placed(self, keys: Keys, session_ids: Iterable[str]) -> list[set[bytes]]:
        """The scopes of one shard in which each of these sessions was ever placed."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for session_id in session_ids:
                pipe.smembers(keys.placed(session_id))
            return await pipe.execute()


def _progress(places: Sequence[TP], replies: Sequence[Sequence[bytes | None]]) -> dict[tuple[str, int], Progress]:
    return {
        (place.topic, place.partition): Progress(
            place.topic, place.partition, int(next), int(trusted_ms or 0), int(arrival_ms or 0), unread != b"0"
        )
        for place, (next, trusted_ms, arrival_ms, unread) in zip(places, replies, strict=True)
        if next is not None
    }


def parse_closing(member: bytes, close_ms: int) -> Close:
    """Read a member of `Keys.closing`: rule, metric, dimension, kind, bytes of the scope's id, then scope and holder.

    The length makes it unambiguous, whatever characters the ids have.
    """
    rule, metric, dimension, kind, length, ids = member.split(b"|", 5)
    scope_id, holder_id = ids[: int(length)].decode(), ids[int(length) :].decode()
    ranking = Ranking(Rule(rule.decode()), metric.decode(), dimension.decode(), scope_id, kind.decode())  # type: ignore[arg-type]
    return Close(ranking, holder_id, close_ms)
