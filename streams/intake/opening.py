"""Step 1, chunk: where to read an assigned partition from. Redis says it, never Kafka's committed offsets.

Reading starts *before* the fence, as far back as the resend horizon reaches, and at least at the record just below the
fence: what lies below feeds the resend memory only, and proves that the log is still the one the fence was set on.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from faust.types import TP
from redis.asyncio import Redis

from streams.errors import LogReplaced, StoreFault
from streams.failpoints import failpoint
from streams.intake.partition import Partition
from streams.intake.resends import ResendMemory
from streams.intake.transport import LogReader
from streams.keys import HISTORY, Keys
from streams.scripts import lua_script
from streams.tally.fence import Fence, partition_member, read_fence

_log = logging.getLogger(__name__)

#: said when a fence had to be set beside others of its topic that were settled long since
_GROWN = (
    "%s has more partitions than before: keys go elsewhere now, so a copy, refund or second payment of what was begun "
    "in another partition is judged without it, for HIGHTIDE_DEDUPE_S and HIGHTIDE_REFUND_DAYS"
)


class Opener:
    """Opens partitions: reads their fences, sets missing ones, and decides where reading starts.

    `claim` makes sure that the store is still marked as ours: one that was emptied under a running worker is not.
    `clock_ms` is asked for change versions alone, which must be new even in a store that went back (`later.lua`).
    `fits` is given how many records of each partition lie in the horizon; it raises if they do not fit into memory.
    """

    def __init__(
        self,
        redis: Redis,
        keys: list[Keys],
        dedupe_ms: int,
        claim: Callable[[], Awaitable[None]],
        clock_ms: Callable[[], int],
        fits: Callable[[Mapping[TP, int]], None] = lambda in_horizon: None,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._dedupe_ms = dedupe_ms
        self._claim = claim
        self._clock_ms = clock_ms
        self._fits = fits
        self._init = lua_script(redis, "streams.tally", "fences")
        self._later = lua_script(redis, "streams.intake", "later")
        self._epoch = 0
        #: how many fences were missing and had to be set
        self._set = 0

    async def open(self, tps: Iterable[TP], log: LogReader) -> dict[TP, tuple[Partition, int]]:
        """For each partition a fresh state and the offset to read from.

        Raises `LogReplaced` if the log no longer holds what the fence needs, `StoreFault` if a fence was lost alone;
        redis and Kafka errors pass through.
        """
        assigned = set(tps)
        # A partition that nobody has opened yet must hold the watermark back: all get their fences at the first start.
        known = assigned | await log.partitions()
        first_offsets = await log.first_offsets(known)
        everywhere = await self._everywhere(known, first_offsets)
        fences = {tp: everywhere[tp] for tp in assigned}
        warm = await self._warm_starts(fences, log)
        self._fits({tp: min(fence.next for fence in fences[tp]) - start for tp, start in warm.items()})
        failpoint("mid_open")
        for keys in self._keys:
            await self._later(keys=[keys.sequence()], args=[self._clock_ms() // 1000 * HISTORY])
        self._epoch += 1
        opened = {}
        for tp, shards in fences.items():
            low = min(fence.next for fence in shards)
            refuse_lost_records(tp, low, first_offsets[tp])
            start = max(first_offsets[tp], min(low - 1, warm.get(tp, low)))
            opened[tp] = (self._partition(tp, shards, min(start, low)), min(start, low))
        return opened

    async def _everywhere(self, tps: Iterable[TP], first_offsets: Mapping[TP, int]) -> dict[TP, list[Fence]]:
        """The fences of all partitions, none of them missing when all were looked at.

        One that had to be set may be missing because Redis has just lost everything: those looked at before it, too.
        """
        while True:
            before = self._set
            found = {tp: await self._fences(tp, first_offsets[tp]) for tp in tps}
            if self._set == before:
                return found
            for topic in grown_topics(found):
                _log.warning(_GROWN, topic)

    async def _fences(self, tp: TP, first_offset: int) -> list[Fence]:
        """One fence a shard; a missing one is set to the beginning of the log, never to what comes next."""
        fences = []
        for keys in self._keys:
            fence = await read_fence(self._redis, keys, tp)
            if fence is None:
                fence = await self._new_fence(keys, tp, first_offset)
            fences.append(fence)
        return fences

    async def _new_fence(self, keys: Keys, tp: TP, first_offset: int) -> Fence:
        await self._claim()
        member = partition_member(tp)
        known = await self._redis.sismember(keys.partitions(), member)
        if known and await read_fence(self._redis, keys, tp) is None:
            raise StoreFault(
                f"the fence of {tp.topic}/{tp.partition} is gone from Redis, but what was counted from it is there: "
                "flush this application's keys and start again, the tallies are rebuilt from Kafka"
            )
        self._set += 1
        await self._init(keys=[keys.fence(tp.topic, tp.partition), keys.partitions()], args=[member, first_offset])
        fence = await read_fence(self._redis, keys, tp)
        assert fence is not None, "the script sets it"
        return fence

    async def _warm_starts(self, fences: Mapping[TP, list[Fence]], log: LogReader) -> dict[TP, int]:
        horizon = {
            tp: max(0, min(fence.arrival_ms for fence in shards) - self._dedupe_ms)
            for tp, shards in fences.items()
            if all(fence.next > fence.origin for fence in shards)
        }
        found = await log.offsets_at(horizon) if horizon else {}
        return {tp: offset for tp, offset in found.items() if offset is not None}

    def _partition(self, tp: TP, shards: list[Fence], start: int) -> Partition:
        home = shards[0]
        settled = home.next > home.origin
        return Partition(
            tp=tp,
            epoch=self._epoch,
            origin=home.origin,
            fences=[fence.next for fence in shards],
            memory=ResendMemory(self._dedupe_ms),
            identity=(home.last_crc, home.last_ms) if settled else None,
            read_to=start,
        )


def grown_topics(fences: Mapping[TP, list[Fence]]) -> list[str]:
    """Topics of which some partitions were settled before and others have had no record yet. Pure."""
    settled = {tp.topic for tp, shards in fences.items() if any(each.next > each.origin for each in shards)}
    begun = {tp.topic for tp, shards in fences.items() if all(each.next == each.origin for each in shards)}
    return sorted(settled & begun)


def refuse_lost_records(tp: TP, low: int, first_offset: int) -> None:
    """Raises `LogReplaced` if the log begins behind the offset `low` at which the tallies continue."""
    if first_offset > low:
        raise LogReplaced(
            f"{tp.topic}/{tp.partition}: the tallies continue at offset {low}, but the log now begins at "
            f"{first_offset}: records in between are gone (retention, or a recreated topic), so the "
            "tallies can not be made whole from this log. Restore the topic, or start a new HIGHTIDE_GROUP"
        )
