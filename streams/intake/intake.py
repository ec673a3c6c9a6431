"""Steps 1 to 4 for all partitions of a worker: opens them, queues their chunks, and has them settled in turn."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial

from faust.types import TP

from streams.errors import Expected, WorkerStuck
from streams.failpoints import failpoint
from streams.intake.chunk import Chunk, StartAt
from streams.intake.judge import Judged
from streams.intake.lanes import Lanes
from streams.intake.limits import RejectLimits
from streams.intake.measure import Meter
from streams.intake.opening import Opener, refuse_lost_records
from streams.intake.partition import Partition
from streams.intake.path import Path, Reseek
from streams.intake.store_calls import Patience
from streams.intake.transport import LogReader

_log = logging.getLogger(__name__)

#: Faust gives up for good, silently, on a seek that takes longer than its request timeout: end the process before that
OPEN_WITHIN_S = 30.0
#: said once; /readyz and a metric say it for as long as it lasts
_STOPPED = (
    "%s/%d is stopped: %s. What follows stays in Kafka, and the watermark waits. See what they are with `hightide "
    "rejects list --topic %s --partition %d`, mend the producer, then start this worker again: it goes on from the "
    "fence, and stops again at as many more (HIGHTIDE_REJECT_LIMIT, HIGHTIDE_REJECT_SHARE)"
)


class WorkerIntake:
    """What the transport calls (`open`, `deliver`), what the agents call (`take`) and what the heartbeat looks at.

    `fatal(error)` ends the worker. Set before the first chunk, by who makes the rest: `put` takes a chunk to the agent
    of its topic, `settled()` is called after each settle, `reseek(starts)` moves the consumer.
    """

    def __init__(
        self,
        opener: Opener,
        path: Path,
        patience: Patience,
        meter: Meter,
        reject_limit: int,
        fatal: Callable[[Expected], None],
        reject_share: int = 0,
        chunk_records: int = 50_000,
    ) -> None:
        self.partitions: dict[TP, Partition] = {}
        self.reseek: Callable[[Mapping[TP, StartAt]], Awaitable[object]]
        self.log: LogReader
        self.settled: Callable[[], object]
        self.put: Mapping[str, Callable[[Chunk], Awaitable[None]]] = {}
        self._opener = opener
        self._path = path
        self._patience = patience
        self._meter = meter
        self._limits = partial(RejectLimits, reject_limit, reject_share)
        self._fatal = fatal
        self._lanes = Lanes(self.take, chunk_records)

    def behind(self) -> bool:
        """Whether records of this worker's partitions lie unread; those of a stopped one will not be read."""
        return any(each.highwater > each.low and not each.stopped for each in self.partitions.values())

    # -- step 1: where to read -----------------------------------------------------------------
    async def open(self, assigned: set[TP], log: LogReader) -> Mapping[TP, StartAt]:
        """See `transport.Intake`. A failure here would leave Faust alive and idle, so it ends the process instead."""
        self.log = log
        try:
            async with asyncio.timeout(OPEN_WITHIN_S):
                opened = await self._open(assigned, "the assigned partitions")
        except TimeoutError:
            self._fatal(WorkerStuck(f"the assigned partitions were not opened within {OPEN_WITHIN_S:.0f} s"))
            return {}
        if opened is None:
            return {}
        self._meter.assigned(assigned)
        self.partitions = {tp: partition for tp, (partition, _) in opened.items()}
        starts = [f"{tp.topic}/{tp.partition} from {start}" for tp, (_, start) in sorted(opened.items())]
        _log.info("%d partitions: %s", len(starts), ", ".join(starts))
        return {tp: StartAt(start, partition.epoch) for tp, (partition, start) in opened.items()}

    async def _open(self, tps: Collection[TP], what: str) -> dict[TP, tuple[Partition, int]] | None:
        """Open, waiting for a Redis that is away; None, and the worker ends, if that is of no use."""
        try:
            return await self._patience.call(f"opening {what}", partial(self._opener.open, tps, self.log))
        except Expected as error:
            self._fatal(error)
        except Exception as error:  # whatever it was, going on without start offsets would lose the partitions
            self._fatal(WorkerStuck(f"{what} could not be opened: {error!r}"))
        return None

    async def deliver(self, chunk: Chunk) -> None:
        """Queue the chunk for its topic's agent; the queue is short, waiting here is the backpressure."""
        await self.put[chunk.tp.topic](chunk)

    # -- steps 2 to 4 ---------------------------------------------------------------------------
    async def accept(self, chunk: Chunk) -> None:
        """Let a chunk wait in the lane of its partition until it is settled; waits while that lane is full."""
        await self._lanes.put(chunk)

    def hear(self, watermark_ms: int) -> None:
        """See `Path`."""
        self._path.hear(watermark_ms)

    async def close(self) -> None:
        """Settle nothing more. Call when the agents have stopped, before the clients of Redis and Kafka are closed."""
        await self._lanes.close()

    async def take(self, chunk: Chunk) -> None:
        """Settle one chunk. Faust would go on after an exception and lose the chunk, so none leaves this."""
        partition = self.partitions.get(chunk.tp)
        if partition is None or partition.epoch != chunk.epoch or partition.stopped:
            return
        began, counted_from = time.perf_counter(), partition.low
        partition.taking = True
        try:
            failpoint("after_fetch")
            await self._check_continues(partition, chunk)
            judged = await self._path.take(partition, chunk)
        except Reseek as reseek:
            await self._read_again(partition, reseek.kind, str(reseek))
        except Expected as error:
            self._fatal(error)
        except Exception as error:  # a fault of ours: nothing was counted, and going on would skip the chunk
            _log.exception("chunk %s/%d [%d, %d)", chunk.tp.topic, chunk.tp.partition, chunk.start, chunk.end)
            self._fatal(Expected(f"a chunk could not be settled: {error!r}"))
        else:
            if chunk.end > counted_from:
                self._meter.settled(judged, max(counted_from, chunk.start), partition.low, time.perf_counter() - began)
            self._after(partition, judged, counted_from)
        finally:
            partition.taking = False

    async def _check_continues(self, partition: Partition, chunk: Chunk) -> None:
        """A chunk must follow the one before, also below the fence: the resend memory would miss what was dropped.

        Raises `Reseek` if it does not, `LogReplaced` if the log lost records that were still to be counted. Other
        holes are those of compacted and transactional topics, which the ledger has looked at twice.
        """
        tp = chunk.tp
        if chunk.start != partition.read_to:
            raise Reseek("behind", f"read was to {partition.read_to}, the next chunk begins at {chunk.start}")
        if not chunk.records or chunk.records[0].offset > chunk.start:
            refuse_lost_records(tp, partition.low, (await self.log.first_offsets({tp}))[tp])

    def _after(self, partition: Partition, judged: Judged, counted_from: int) -> None:
        chunk = judged.chunk
        partition.read_to, partition.highwater = chunk.end, chunk.highwater
        partition.moved_at = time.monotonic()
        self._limit(partition, judged, counted_from)
        self.settled()

    def _limit(self, partition: Partition, judged: Judged, counted_from: int) -> None:
        """Stop a partition with too many rejects.

        What was counted before is only read again: else a restart would be stopped by the rejects that it follows.
        """
        partition.limits = partition.limits or self._limits()
        reached = partition.limits.look(*judged.rejects_among(counted_from))
        if reached is not None:
            tp, partition.stopped = partition.tp, f"{reached} ({judged.rejects[-1].reason})"
            self._meter.stopped(tp)
            _log.error(_STOPPED, tp.topic, tp.partition, partition.stopped, tp.topic, tp.partition)

    async def read_again(self, tp: TP, kind: str, why: str) -> None:
        """Open a partition afresh and seek to where it has to be read from."""
        if partition := self.partitions.get(tp):
            await self._read_again(partition, kind, why)

    async def _read_again(self, partition: Partition, kind: str, why: str) -> None:
        tp = partition.tp
        _log.warning("%s/%d is read again: %s", tp.topic, tp.partition, why)
        self._meter.reseek(tp, kind)
        opened = await self._open([tp], f"{tp.topic}/{tp.partition}")
        if opened is None or self.partitions.get(tp) is not partition:
            return  # the worker ends, or the partition was rebalanced away meanwhile
        self.partitions[tp], start = opened[tp]
        self._meter.running(tp)
        try:
            failpoint("mid_reseek")
            await self.reseek({tp: StartAt(start, self.partitions[tp].epoch)})
        except Exception as error:  # the chunk that led here is not settled, and would be skipped
            self._fatal(WorkerStuck(f"{tp.topic}/{tp.partition} could not be read again: {error!r}"))
