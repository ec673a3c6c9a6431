"""Step 7, outbox: compares what the topic says of each alert with its ranking, slowly, and has differences told.

A round goes through all alerts of a shard, some at a time: at a start, after each opening of partitions (a start, a
rebalance, a Redis that went back), and every ten minutes. Nothing is concluded from a ranking that is not yet where it
was when the alert was told: its watermark must have come as far, the records that the alert names must be counted
again, and every mark from before that must have been read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import msgspec
from redis.asyncio import Redis

from schemas.alerts import Alert, Rule, State
from streams.keys import HISTORY, Keys, shard_of
from streams.marks.acts import PEAKS, RECORDS
from streams.outbox.published import Told
from streams.outbox.standing import same, taken_back, told_again
from streams.scripts import lua_script
from streams.tally.fence import read_fences

#: alerts that one call looks at
BATCH = 200
#: how often a round begins by itself, how soon one is repeated that had to leave something open, and how often it is
#: asked whether one is due
ROUND_EVERY_MS, SOON_MS, LOOK_EVERY_MS = 600_000, 2_000, 500
_READERS = (PEAKS, RECORDS)

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


@dataclass(slots=True)
class _Round:
    """One round over the alerts of a shard, with what stood in Redis when it began."""

    versions: list[int]
    judged: Mapping[str, int]
    fences: Mapping[tuple[str, int], int]
    left: list[Told]
    open: bool = False


@dataclass(slots=True)
class _Shard:
    look_at_ms: int = 0
    due_at_ms: int = 0
    history: tuple[int, ...] = ()
    round: _Round | None = field(default=None)


class _Stored(NamedTuple):
    """An alert in its ranking's hash; `packed` is b"" if there is none."""

    packed: bytes
    state: State | None


async def has_all_history(_shard: int) -> bool:
    """Where nothing is imported."""
    return True


class Comparing:
    """Compares the alerts of all shards. Raises `redis.RedisError`, and what `read` raises; repeating is harmless.

    `told()` are the alerts of the topic, `read` gives one as it stands there; `has_history` says of a shard whether
    its rankings have all that was imported. `clock_ms` is asked for pauses and
    latency alone.
    """

    def __init__(
        self,
        redis: Redis,
        keys: Sequence[Keys],
        told: Callable[[], list[Told]],
        read: Callable[[Told], Awaitable[Alert | None]],
        clock_ms: Callable[[], int],
        has_history: Callable[[int], Awaitable[bool]] = has_all_history,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._told = told
        self._read = read
        self._clock_ms = clock_ms
        self._has_history = has_history
        self._restate = lua_script(redis, "streams.outbox", "restate")
        self._shards = [_Shard() for _ in keys]

    async def is_due(self, shard: int) -> bool:
        """Whether there is anything to compare now. Cheap; asks Redis at most every half second."""
        state, now_ms = self._shards[shard], self._clock_ms()
        if now_ms < state.look_at_ms:
            return False
        state.look_at_ms = now_ms + LOOK_EVERY_MS
        history = tuple(version // HISTORY for version in await self._versions())
        if history != state.history:
            state.history, state.due_at_ms, state.round = history, now_ms, None
        return state.round is not None or now_ms >= state.due_at_ms

    async def some(self, shard: int) -> int:
        """Compare some alerts of a shard; returns how many facts were put into its outbox.

        To be called by whoever publishes the shard, with `told()` up to date and the outbox empty.
        """
        state = self._shards[shard]
        if state.round is None:
            state.round = await self._begin(shard)
        if not await self._has_history(shard) or not await self._all_read(state.round.versions):
            return 0
        state.look_at_ms = 0
        batch = [state.round.left.pop() for _ in range(min(BATCH, len(state.round.left)))]
        put = await self._compare(shard, state.round, batch)
        if not state.round.left:
            state.due_at_ms = self._clock_ms() + (SOON_MS if state.round.open else ROUND_EVERY_MS)
            state.round = None
        return put

    # -- where Redis is ------------------------------------------------------------------------
    async def _begin(self, shard: int) -> _Round:
        keys = self._keys[shard]
        fences = {(tp.topic, tp.partition): fence.next for tp, fence in (await read_fences(self._redis, keys)).items()}
        judged = cast("list[bytes | None]", await self._redis.mget([keys.judged(reader) for reader in _READERS]))
        of_shard = [
            each for each in self._told() if shard_of(each.scope.dimension, each.scope.id, len(self._keys)) == shard
        ]
        levels = {reader: int(level or 0) for reader, level in zip(_READERS, judged, strict=True)}
        return _Round(await self._versions(), levels, fences, of_shard)

    async def _versions(self) -> list[int]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for keys in self._keys:
                pipe.get(keys.sequence())
            return [int(version or 0) for version in await pipe.execute()]

    async def _all_read(self, versions: Sequence[int]) -> bool:
        """Whether no mark waits that is as old as these change versions."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for keys, version in zip(self._keys, versions, strict=True):
                for reader in _READERS:
                    pipe.zcount(keys.changed(reader), "-inf", version)
                    pipe.hexists(keys.passes(reader), "again")
            return not any(await pipe.execute())

    # -- comparing -----------------------------------------------------------------------------
    async def _compare(self, shard: int, round: _Round, batch: Sequence[Told]) -> int:
        stored = await self._stored(self._keys[shard], batch)
        put = 0
        for told, here in zip(batch, stored, strict=True):
            if same(told.state, here.state):
                continue
            if await self._restated(shard, round, told, here, put):
                put += 1
            else:
                round.open = True
        return put

    async def _stored(self, keys: Keys, batch: Sequence[Told]) -> list[_Stored]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for told in batch:
                pipe.hget(_ranking(keys, told), f"a:{told.holder.id}")
            found = await pipe.execute()
        return [_Stored(packed or b"", State(_unpack(packed)[0]) if packed else None) for packed in found]

    async def _restated(self, shard: int, round: _Round, told: Told, here: _Stored, put: int) -> bool:
        keys = self._keys[shard]
        level_ms = round.judged[RECORDS if told.rule in (Rule.RECORD_SESSION, Rule.MILESTONE) else PEAKS]
        if level_ms < (told.as_of_ms or 0):
            return False
        alert = await self._read(told)
        if alert is None or any(round.fences.get((e.topic, e.partition), 0) <= e.last_offset for e in alert.evidence):
            return False
        hash_key, now_ms = _ranking(keys, told), self._clock_ms()
        if here.state is None or same(here.state, None):
            fact = taken_back(alert, level_ms, now_ms)
            after = _pack([fact.state, fact.revision])
        else:
            entry, stairs = await self._entry(hash_key, told.holder.id)
            fact, after = told_again(alert, here.state, entry, stairs, level_ms, now_ms), here.packed
        args: list[str | bytes | int] = [f"a:{told.holder.id}", here.packed, after, _pack(fact), put]
        return bool(await self._restate(keys=[hash_key, keys.outbox()], args=args))

    async def _entry(self, hash_key: str, holder: str) -> tuple[list[Any] | None, list[list[Any]]]:
        found = cast("list[bytes | None]", await self._redis.hmget(hash_key, [f"h:{holder}", "stairs"]))
        stairs: list[list[Any]] = _unpack(found[1]) if found[1] else []
        here = _unpack(found[0]) if found[0] else next((each for each in stairs if each[1] == holder), None)
        return here, stairs


def _ranking(keys: Keys, told: Told) -> str:
    return keys.ranking(told.rule, told.metric, told.scope.dimension, told.scope.id)
