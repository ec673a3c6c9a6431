"""Steps 1 and 4 when nothing arrives: once a second, compare what is believed with what is.

A mismatch shows itself at the next chunk; before a lull there is no next chunk. So every second each partition's fence
in Redis is compared with what was settled, the log's end with what was read, and the time since the last progress
with what is bearable.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import cast

from faust.types import TP
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.errors import LogReplaced, WorkerStuck
from streams.intake.intake import WorkerIntake
from streams.intake.measure import Meter
from streams.intake.partition import Partition
from streams.intake.store_calls import Patience
from streams.keys import Keys
from streams.scripts import lua_script
from streams.tally.fence import read_fence

_log = logging.getLogger(__name__)

#: a partition with unread records that moved nothing for this long ends the process (Faust and aiokafka have states
#: that they never leave by themselves); time in which Redis does not answer is not counted
STUCK_AFTER_S = 60.0
#: no fetch answered for this long: ask whether Kafka is there at all
SILENT_AFTER_S = 5.0
#: how often the fences are told to Kafka, in beats
COMMIT_EVERY = 3


class Heartbeat:
    """Call `beat()` about once a second, and `flags()` oftener: it tells Redis which partitions are fully read."""

    def __init__(self, redis: Redis, keys: list[Keys], intake: WorkerIntake, patience: Patience, meter: Meter) -> None:
        self.ends: Callable[[], Awaitable[Mapping[TP, int | None]]]
        self.commit: Callable[[Mapping[TP, int]], Awaitable[None]]
        self.kafka_answers: Callable[[], Awaitable[bool]]
        self._redis = redis
        self._keys = keys
        self._intake = intake
        self._patience = patience
        self._meter = meter
        self._unread = lua_script(redis, "streams.tally", "unread")
        self._flagged: dict[TP, tuple[int, int, int]] = {}
        self._short: set[TP] = set()
        self._heard_at = monotonic()
        #: whether it did not answer when it was last asked
        self.kafka_away = False
        self._redis_failed = False
        self._redis_asked_at: float | None = None
        self._beats = 0

    async def beat(self) -> None:
        """One look at everything. Raises `WorkerStuck` or `LogReplaced`; a Redis that is away, the settles say."""
        ends = await self._ends_in_time()
        await self._check_progress(ends)
        await self._check_answered(ends)
        try:
            await self._read_watermark()
            for tp, partition in list(self._intake.partitions.items()):
                if tp in ends:  # else it is another worker's by now, and its fence moves without us
                    await self._compare(tp, partition)
        except (RedisError, OSError):
            self._redis_failed = True
            return
        self._redis_failed = False
        self._beats += 1
        if self._beats % COMMIT_EVERY == 0:
            self._flagged.clear()  # a Redis that went back may have lost a flag although no fence tells
            await self._commit()

    @property
    def redis_away(self) -> bool:
        """Whether Redis failed the last beat, keeps this one waiting, or is waited for by a settle."""
        asked_at = self._redis_asked_at
        silent = asked_at is not None and monotonic() - asked_at > SILENT_AFTER_S
        return self._redis_failed or silent or self._patience.waiting

    async def _read_watermark(self) -> None:
        """It is a beat old at most, and never falls: an event called late by it is late."""
        self._redis_asked_at = monotonic()
        try:
            told = cast("bytes | None", await self._redis.get(self._keys[0].watermark()))
        finally:
            self._redis_asked_at = None
        if told:
            self._meter.watermark(int(told))
            self._intake.hear(int(told))

    async def _ends_in_time(self) -> Mapping[TP, int | None]:
        try:
            async with asyncio.timeout(STUCK_AFTER_S):
                return await self.ends()
        except TimeoutError as error:
            raise WorkerStuck(f"the thread of the Kafka client did not answer for {STUCK_AFTER_S:.0f} s") from error

    async def _check_progress(self, ends: Mapping[TP, int | None]) -> None:
        now, short = monotonic(), set()
        for tp, highwater in ends.items():
            partition = self._intake.partitions.get(tp)
            if partition is None:
                continue
            partition.end = highwater
            self._meter.remembered(tp, len(partition.memory))
            if highwater is None:
                continue
            self._meter.position(tp, partition.low, highwater)
            if (
                0 <= highwater < (counted_to := max(partition.fences))
            ):  # of any shard, not only of the one furthest behind
                short.add(tp)
                self._refuse_short_log(tp, counted_to, highwater)
            if highwater <= partition.low or partition.stopped is not None or self._patience.waiting:
                partition.moved_at = now
            elif now - partition.moved_at > STUCK_AFTER_S and await self._kafka_is_there(now):
                raise WorkerStuck(
                    f"{tp.topic}/{tp.partition} has {highwater - partition.low} unread records and moved nothing for "
                    f"{STUCK_AFTER_S:.0f} s"
                )
        self._short = short

    def _refuse_short_log(self, tp: TP, counted_to: int, highwater: int) -> None:
        """Believed the second time: the end is that of the last fetch, and another worker may have moved the fence."""
        if tp in self._short:
            raise LogReplaced(
                f"{tp.topic}/{tp.partition}: the tallies stand at offset {counted_to}, but the log ends at "
                f"{highwater}: the topic was recreated or truncated. Restore it, or start a new HIGHTIDE_GROUP"
            )

    async def _check_answered(self, ends: Mapping[TP, int | None]) -> None:
        """Is it Kafka that is silent, or Faust that came out of a rebalance without ever fetching again?"""
        now = monotonic()
        if not ends or self._patience.waiting or any(end is not None for end in ends.values()):
            self._heard(now)
        elif now - self._heard_at < SILENT_AFTER_S:
            return
        elif not await self._kafka_is_there(now):
            self._heard_at = now - SILENT_AFTER_S
        elif now - self._heard_at > STUCK_AFTER_S:
            raise WorkerStuck(f"no fetch was answered for {STUCK_AFTER_S:.0f} s, although Kafka is there")

    def _heard(self, now: float) -> None:
        self._heard_at = now
        if self.kafka_away:
            self.kafka_away = False
            _log.warning("Kafka answers again")

    async def _kafka_is_there(self, now: float) -> bool:
        """Ask, and say once that it is not; the time in which it is not counts for no partition."""
        if await self.kafka_answers():
            return True
        if not self.kafka_away:
            self.kafka_away = True
            _log.warning("Kafka does not answer: waiting until it does")
        for partition in self._intake.partitions.values():
            partition.moved_at = now
        return False

    async def _compare(self, tp: TP, partition: Partition) -> None:
        """Seek to a fence that stands elsewhere, while no chunk is under way that would find out by itself."""
        before, gaps = list(partition.fences), []
        for shard, keys in enumerate(self._keys):
            fence = await read_fence(self._redis, keys, tp)
            if self._intake.partitions.get(tp) is not partition or partition.taking or partition.fences != before:
                return  # a chunk is, or was, settled meanwhile: it finds out by itself
            if fence is None:
                await self._intake.read_again(tp, "missing", f"shard {shard} has no fence any more")
                return
            gaps.append(fence.gap)
            if shard == 0:
                self._meter.read_until(tp, fence)
            went_back = fence.next < partition.fences[shard]
            # ahead of what is still read again: whoever moved it may do so oftener than this can begin anew
            if went_back or (fence.next != partition.fences[shard] and partition.read_to >= partition.low):
                kind = "rolled_back" if went_back else "behind"
                why = f"shard {shard} stands at {fence.next}, not {partition.fences[shard]}"
                await self._intake.read_again(tp, kind, why)
                return
        self._meter.conservation(tp, max(gaps, key=abs))

    async def flags(self) -> None:
        """Write down which partitions are fully read: an idle one must not hold the watermark back.

        One whose end is not known, because no fetch was answered yet or for some time, is not fully read.
        """
        for tp, end in (await self.ends()).items():
            partition = self._intake.partitions.get(tp)
            if partition is None:
                continue
            fence = partition.fences[0]
            unread = int(end is None or fence < end)
            state = partition.epoch, fence, unread
            if self._flagged.get(tp) != state:
                await self._unread(keys=[self._keys[0].fence(tp.topic, tp.partition)], args=[fence, unread])
                self._flagged[tp] = state

    async def _commit(self) -> None:
        fences = {tp: partition.low for tp, partition in self._intake.partitions.items()}
        try:
            await self.commit(fences)
        except Exception as error:  # advisory: nothing reads it back, and a broker that is away says so elsewhere
            _log.debug("fences were not told to Kafka: %r", error)
