"""Retention: when and by whom. One worker a shard, under a lease, as event time moves on, in small steps with rests.

Floors rise first, by one script; then a sweep removes what lies below them, and is noted when it has come to its end.
A crash, a lost lease or a Redis that goes back anywhere in between costs nothing but the rest of that sweep: floors,
data and the note lie in one Redis and go back together, and every script looks at the floor before it removes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from time import perf_counter

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from streams.failpoints import failpoint
from streams.keys import Keys
from streams.marks.lease import Held, Lease
from streams.marks.store import MarkStore
from streams.marks.watermark import merge_shards
from streams.metrics import Metrics
from streams.retention.floors import FloorRaiser, WentBack, read_floors, read_swept
from streams.retention.policy import GRAINS, Floors, arrived_ms, due_floors, held_back, raised
from streams.retention.removing import Remover
from streams.retention.sweep import Sweep, due_round
from streams.retention.unread import FarBehind, read_unread
from streams.tally.windows import Zone

_log = logging.getLogger(__name__)

#: one call of `work` begins no step after this long in a shard: the worker must be able to end
WORK_S = 0.5
#: a step is followed by this many times its own duration of rest, within these bounds
REST, LEAST_REST_S, MOST_REST_S = 4.0, 0.005, 0.25


class Purger:
    """Purges all shards. `work` is to be called about once a second; one call at a time.

    `all_partitions` tells the (topic, partition) that the input has, None if that can not be told now; `tail_ms`,
    `orders_ms` and    `zone` are as in the settings; `rest` waits that many seconds.
    """

    def __init__(
        self,
        redis: Redis,
        keys: Sequence[Keys],
        zone: Zone,
        tail_ms: int,
        orders_ms: int,
        worker_id: str,
        metrics: Metrics,
        all_partitions: Callable[[], Awaitable[Collection[tuple[str, int]] | None]],
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._zone, self._tail_ms, self._orders_ms = zone, tail_ms, orders_ms
        self._metrics = metrics
        self._all_partitions = all_partitions
        self._rest = rest
        self._store = MarkStore(redis, keys)
        self._raiser = FloorRaiser(redis)
        self._remover = Remover(redis, keys, zone)
        self._leases = [Lease(redis, each.lease("purge"), worker_id) for each in keys]
        self._sweeps: dict[int, Sweep] = {}
        self._given_up: dict[int, Floors] = {}

    async def work(self) -> None:
        """Some steps in every shard whose lease we have. Raises `redis.RedisError` while Redis is away."""
        for shard in range(len(self._keys)):
            held = await self._leases[shard].hold()
            if held is not Held.KEPT:
                self._sweeps.pop(shard, None)  # of a time when another may have had it
            try:
                if held is not Held.NOT:
                    await self._work_on(shard)
            except WentBack:
                self._sweeps.pop(shard, None)
            except ResponseError as error:
                self._refused(shard, str(error))

    async def release(self) -> None:
        """Give the leases back, at the end of the worker."""
        for lease in self._leases:
            await lease.release()

    async def _work_on(self, shard: int) -> None:
        self._note(shard, await self._raised_floors(shard))
        until = perf_counter() + WORK_S
        while (began := perf_counter()) < until and await self._step(shard):
            took_s = perf_counter() - began
            self._metrics.purge_seconds.observe(took_s)
            await self._rest(min(max(LEAST_REST_S, REST * took_s), MOST_REST_S))

    def _refused(self, shard: int, reason: str) -> None:
        """A key of another type, or a right that is missing: what is left stays, until the floors rise again."""
        sweep = self._sweeps.pop(shard, None)
        if sweep:
            self._given_up[shard] = sweep.floors
        _log.warning("shard %d is not purged (%s): repair the key or the user's rights in Redis", shard, reason)

    # -- first the floors ----------------------------------------------------------------------
    async def _raised_floors(self, shard: int) -> Floors:
        """The floors, raised if something is past its time now."""
        keys = self._keys[shard]
        version = await self._raiser.version(keys)
        stored = await read_floors(self._redis, keys)
        watermark_ms = await self._store.raise_watermark(None)
        if raised(stored, self._due(watermark_ms)) == stored:
            return stored  # nearly always
        due = self._due(await self._arrived_ms(watermark_ms))
        if raised(stored, due) == stored:
            return stored
        try:
            floors = raised(stored, held_back(due, await read_unread(self._redis, keys)))
        except FarBehind:
            return stored
        if floors != stored:
            await self._raiser.raise_floors(keys, floors, version)
        return floors

    def _due(self, at_ms: int | None) -> Floors:
        return Floors() if at_ms is None else due_floors(at_ms, self._zone, self._tail_ms, self._orders_ms)

    async def _arrived_ms(self, watermark_ms: int | None) -> int | None:
        """How far the input has come; None while a partition of it has no fence yet: it may begin anywhere."""
        there = await self._all_partitions()
        partitions = merge_shards(await self._store.progress())
        if there is None or not {each.place for each in partitions}.issuperset(there):
            return None
        return arrived_ms(watermark_ms, partitions)

    def _note(self, shard: int, floors: Floors) -> None:
        for kind in GRAINS:
            if floors.of(kind):
                self._metrics.floor.labels(str(shard), kind).set(floors.start_ms(kind, self._zone))

    # -- then what lies below ------------------------------------------------------------------
    async def _step(self, shard: int) -> bool:
        """One batch of the sweep that is due; False if none is."""
        sweep = self._sweeps.get(shard) or await self._begun(shard)
        if sweep is None:
            return False
        keys = self._keys[shard]
        version = await self._raiser.version(keys)
        deeds = await sweep.next_batch()
        if deeds:
            gone = await self._remover.do(shard, deeds, sweep.floors)
            failpoint("in_purge")
            for kind, count in gone.items():
                if count:
                    self._metrics.purged_keys.labels(kind).inc(count)
        if sweep.ended:
            await self._raiser.note_swept(keys, sweep.swept(), version)
            del self._sweeps[shard]
        return True

    async def _begun(self, shard: int) -> Sweep | None:
        keys = self._keys[shard]
        floors = await read_floors(self._redis, keys)
        due = due_round(floors, await read_swept(self._redis, keys))
        if due is None or self._given_up.get(shard) == floors:
            return None
        sweep = self._sweeps[shard] = Sweep(self._redis, keys, due, floors)
        return sweep
