"""Step 1, chunk: a Faust transport that reads a partition in chunks instead of one message at a time.

Faust's own path costs about 100 microseconds of bookkeeping a message, and its acks can commit past unfinished work.
Here one fetch is one event. What stays Faust's: membership, rebalances, the consumer's thread, agents. What is ours:
the drain loop, start offsets (from the fences in Redis) and commits (advisory, for lag tools; never read back).
`tests/streams/intake/test_faust_surface.py` holds the private names and the behaviour that this leans on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol, cast

from aiokafka.errors import ConsumerStoppedError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.intake.chunk import Chunk, Record, StartAt
from streams.intake.draining import drained
from streams.intake.ledger import ReadingLedger, Reread

#: how long the broker may hold a fetch that finds nothing. Faust asks for 1.5 s; a broker that does not wake a waiting
#: fetch when records arrive (the embedded one) would add half of it to every latency
FETCH_WAIT_MS = 50
#: how long the end of a log that a fetch told is good for; fetches are answered every `FETCH_WAIT_MS`
END_KNOWN_FOR_S = 2.0


class Intake(Protocol):
    """What the transport needs from the application: where to read from, and somewhere to put the chunks."""

    async def open(self, assigned: set[TP], log: LogReader) -> Mapping[TP, StartAt]:
        """Says where to start each assigned partition. Called with the flow stopped, before the first fetch."""

    async def deliver(self, chunk: Chunk) -> None:
        """Takes a chunk; waiting here is the backpressure."""


class LogReader(Protocol):
    """Questions about the log that `Intake.open` may ask."""

    async def partitions(self) -> set[TP]:
        """Every partition of the topics that are read, whoever they are assigned to."""

    async def first_offsets(self, tps: set[TP]) -> dict[TP, int]:
        """The offset of the oldest record that each partition still has."""

    async def offsets_at(self, times_ms: Mapping[TP, int]) -> dict[TP, int | None]:
        """The first offset whose record timestamp is at or after the time; None when there is none."""


class ChunkThread(driver.AIOKafkaConsumerThread):
    """The consumer's thread. `ledger` is touched in this thread only."""

    logger = driver.logger
    ledger: ReadingLedger

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ledger = ReadingLedger()

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        # what a producer aborts is never counted; Faust ties this to its own transactions, which we do not use
        consumer._isolation_level = "read_committed"
        return consumer

    # -- where to start ------------------------------------------------------------------------
    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Faust calls this after every assignment with the flow stopped: start where the fences say."""
        assigned = self.assignment()
        starts = await self._intake.open(assigned, self) if assigned else {}
        return await self.start_at(starts)

    async def start_at(self, starts: Mapping[TP, StartAt]) -> Mapping[TP, int]:
        """Seek and set the expectation in one step of the thread; partitions taken away meanwhile are left out."""
        return cast(Mapping[TP, int], await self.call_thread(self._start_at, starts))

    async def _start_at(self, starts: Mapping[TP, StartAt]) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        self.ledger.forget({ensure_TP(tp) for tp in assigned})
        started = {}
        for tp, at in starts.items():
            partition = TopicPartition(tp.topic, tp.partition)
            if partition in assigned:
                consumer.seek(partition, at.offset)
                self.ledger.start(tp, at)
                started[tp] = at.offset
        return started

    # -- questions about the log -----------------------------------------------------------------
    async def partitions(self) -> set[TP]:
        """See `LogReader`."""
        return cast("set[TP]", await self.call_thread(self._partitions))

    async def _partitions(self) -> set[TP]:
        consumer = self._ensure_consumer()
        topics = consumer.subscription()
        return {TP(topic, number) for topic in topics for number in consumer.partitions_for_topic(topic) or ()}

    async def first_offsets(self, tps: set[TP]) -> dict[TP, int]:
        """See `LogReader`."""
        partitions = [TopicPartition(tp.topic, tp.partition) for tp in tps]
        found = await self.call_thread(self._ensure_consumer().beginning_offsets, partitions)
        return {ensure_TP(tp): offset for tp, offset in found.items()}

    async def offsets_at(self, times_ms: Mapping[TP, int]) -> dict[TP, int | None]:
        """See `LogReader`."""
        asked = {TopicPartition(tp.topic, tp.partition): time_ms for tp, time_ms in times_ms.items()}
        found = await self.call_thread(self._ensure_consumer().offsets_for_times, asked)
        return {ensure_TP(tp): None if at is None else at.offset for tp, at in found.items()}

    async def ends(self) -> dict[TP, int | None]:
        """The end of the log of every started partition; None where it is not known now."""
        return cast("dict[TP, int | None]", await self.call_thread(self._ends))

    async def _ends(self) -> dict[TP, int | None]:
        consumer = self._ensure_consumer()
        assignment = consumer._fetcher._subscriptions.subscription.assignment
        found = {}
        for tp in self.ledger.expected():
            state = assignment.state_value(TopicPartition(tp.topic, tp.partition)) if assignment else None
            if state is not None:
                found[tp] = _known_end(state, state.position if state.has_valid_position else 0)
        return found

    # -- the fetch ---------------------------------------------------------------------------------
    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 (the name is Faust's)
        max_records: int | None = None,
    ) -> dict[TP, Chunk]:
        """One fetch, as chunks. From the drain to the ledger nothing is awaited, so that no seek can come between."""
        # An empty set would mean "all partitions" to aiokafka: the flow has just been stopped.
        if not self.consumer.flow_active or not active_partitions:
            return {}
        if consumer._closed or consumer._fetcher._closed:
            raise ConsumerStoppedError
        consumer._coordinator.check_errors()  # else a fatal group error would wait here unseen, for ever
        generation = self.app.consumer_generation_id
        subscriptions = consumer._fetcher._subscriptions
        with subscriptions.fetch_context():
            fetched = await self._drained(consumer, set(active_partitions), timeout or 0.0)
        stale = self.app.consumer_generation_id != generation or subscriptions.reassignment_in_progress
        return self._chunks(consumer, fetched, stale)

    async def _drained(self, consumer: Any, partitions: set[Any], timeout_s: float) -> Mapping[Any, Sequence[Record]]:
        return await drained(consumer._fetcher, partitions, timeout_s)

    def _chunks(self, consumer: Any, fetched: Mapping[Any, Any], stale: bool) -> dict[TP, Chunk]:
        assignment = consumer._fetcher._subscriptions.subscription.assignment
        chunks = {}
        for partition, records in fetched.items():
            state = assignment.state_value(partition)
            if state is None:
                continue
            tp = ensure_TP(partition)
            if stale:
                self.ledger.drop(tp, state.position)
                continue
            taken = self.ledger.take(tp, records, state.position, _end(state))
            if isinstance(taken, Reread):
                consumer.seek(partition, taken.offset)
            elif taken is not None:
                chunks[tp] = taken
        return chunks

    async def commit_fences(self, fences: Mapping[TP, int]) -> None:
        """Tell the group coordinator how far we are, for lag tools. A failure is of no consequence."""
        await self.call_thread(self._commit_fences, fences)

    async def _commit_fences(self, fences: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        offsets = {TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(next_, "") for tp, next_ in fences.items()}
        mine = {partition: offset for partition, offset in offsets.items() if partition in assigned}
        if mine:
            await asyncio.wait_for(consumer.commit(mine), timeout=5)

    @property
    def _intake(self) -> Intake:
        return cast(ChunkTransport, self.transport).intake


def _known_end(state: Any, position: int) -> int | None:
    """The end of a partition's log as the last fetch told it; None if that is too long ago to say "nothing more"."""
    told_ago_s = time.time() - (state.timestamp or 0) / 1000
    if state.highwater is None or (_end(state) <= position and told_ago_s > END_KNOWN_FOR_S):
        return None
    return _end(state)


def _end(state: Any) -> int:
    """Where what may be read ends, by the last fetch: what belongs to an open transaction is not there yet."""
    return int(state.highwater if state.lso is None or state.lso < 0 else min(state.lso, state.highwater))


class ChunkConsumer(driver.Consumer):
    """Faust's consumer with a drain loop that moves chunks. Its acks are not used: topics are declared without."""

    logger = driver.logger
    _thread: ChunkThread

    def _new_consumer_thread(self) -> ChunkThread:
        return ChunkThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def thread(self) -> ChunkThread:
        """The thread that owns the Kafka client."""
        return self._thread

    async def _drain_messages(self, fetcher: Any) -> None:
        app = self.app
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await self._drain_once()
                await self.sleep(0)
        except self.consumer_stopped_errors:
            if not app.should_stop:
                raise
        except asyncio.CancelledError:
            if not app.should_stop:
                raise

    async def _drain_once(self) -> None:
        chunks, _ = await self._wait_next_records(1.0)
        for chunk in cast("Mapping[TP, Chunk]", chunks or {}).values():
            if self.should_stop or not self.flow_active:
                return
            # A rebalance ends the wait for a slow agent; what was not handed over is read again after the seek.
            await self.wait_first(self._deliver(chunk), self.suspend_flow.wait())

    def _deliver(self, chunk: Chunk) -> Awaitable[None]:
        return cast(ChunkTransport, self.transport).intake.deliver(chunk)

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Faust's timer calls this; fences are committed by the worker's own heartbeat instead."""
        return False

    async def wait_empty(self) -> None:
        """Nothing to wait for: a settle under way lands before the next owner reads the fence, or misses it."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's livelock detector knows only messages; the worker's progress watchdog takes its place."""


class ChunkTransport(driver.Transport):
    """Faust's aiokafka transport with `intake` behind its consumer."""

    Consumer = ChunkConsumer
    intake: Intake
