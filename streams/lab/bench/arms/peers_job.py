"""The arm `peers job`: what other stream processors are measured by, through our chunked Faust transport.

Two tumbling-hour aggregations, per cluster and per anchor: count, amount and units of paid orders by pay time, kept in
memory. No checks, no memory of resends, no store. Orders are summed by cluster and anchor together, and only when the
sums are read by each of them: one look-up an order instead of two.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterable, Mapping
from uuid import uuid4

import faust
import msgspec
from faust.types import TP

from streams.app import OwnChannel, create_app
from streams.intake.chunk import Chunk, Record, StartAt
from streams.intake.transport import LogReader
from streams.lab.bench.child import begin, finish, main
from streams.lab.bench.hourly import ANCHOR, CLUSTER, HourRow, write_rows
from streams.lab.bench.measured import Measured, Task
from streams.lab.bench.usage import Span
from streams.loop import Loop
from streams.settings import Settings
from streams.tally.windows import HOUR_MS

#: often enough for the buffers of fetches, which are garbage in circles: with 100,000 they add up to all of the topic
_COLLECT_AFTER = (10_000, 10, 10)


class Paid(msgspec.Struct, gc=False, tag_field="event_type", tag="order.paid"):
    """The five fields that the job needs."""

    pay_time_ms: int
    amount_fen: int
    quantity: int
    cluster_id: str | None = None
    anchor_id: str | None = None


class Created(msgspec.Struct, gc=False, tag_field="event_type", tag="order.created"):
    """Passed over."""


class Cancelled(msgspec.Struct, gc=False, tag_field="event_type", tag="order.cancelled"):
    """Passed over."""


class Refunded(msgspec.Struct, gc=False, tag_field="event_type", tag="order.refunded"):
    """Passed over."""


#: (cluster, anchor, local hour) -> [orders, fen, units]
Sums = dict[tuple[str | None, str | None, int], list[int]]

_decode = msgspec.json.Decoder(Paid | Created | Cancelled | Refunded).decode


def add(sums: Sums, records: Iterable[Record], offset_ms: int) -> None:
    """Sum the paid orders among `records`. Raises `msgspec.ValidationError` for what is no order event."""
    decode = _decode
    for record in records:
        event = decode(record.value or b"")
        if event.__class__ is Paid:
            key = event.cluster_id, event.anchor_id, (event.pay_time_ms + offset_ms) // HOUR_MS
            found = sums.get(key)
            if found is None:
                sums[key] = [1, event.amount_fen, event.quantity]
            else:
                found[0] += 1
                found[1] += event.amount_fen
                found[2] += event.quantity


def rows(sums: Sums) -> list[HourRow]:
    """The two aggregations."""
    by_id: dict[tuple[str, int, str], list[int]] = {}
    for (cluster_id, anchor_id, hour), figures in sums.items():
        for key in ((CLUSTER, hour, cluster_id or ""), (ANCHOR, hour, anchor_id or "")):
            before = by_id.get(key, (0, 0, 0))
            by_id[key] = [was + more for was, more in zip(before, figures, strict=True)]
    return [HourRow(*key, *figures) for key, figures in by_id.items()]


class FromTheStart:
    """An intake that reads every partition from its first record and hands chunks to `put`."""

    def __init__(self, put: Callable[[Chunk], Awaitable[None]], opened: Callable[[], None]) -> None:
        self._put = put
        self._opened = opened

    async def open(self, assigned: set[TP], log: LogReader) -> Mapping[TP, StartAt]:
        """See `transport.Intake`."""
        first = await log.first_offsets(assigned)
        self._opened()
        return {tp: StartAt(offset, 1) for tp, offset in first.items()}

    async def deliver(self, chunk: Chunk) -> None:
        """See `transport.Intake`."""
        await self._put(chunk)


class _Job:
    def __init__(self, task: Task) -> None:
        self.task = task
        self.done = asyncio.Event()
        self.sums: Sums = {}
        self.spans: list[Span] = []
        self.result: Measured
        self.failed: Exception | None = None
        self._left = task.events

    def opened(self) -> None:
        self.spans.append(begin(self.task))

    def take(self, chunk: Chunk) -> None:
        add(self.sums, chunk.records, self.task.offset_ms)
        self._left -= len(chunk.records)
        if self._left <= 0:
            found = rows(self.sums)
            self.result = finish(self.task, self.spans[0])
            write_rows(self.task.folder, found)
            self.done.set()

    def fail(self, error: Exception) -> None:
        self.failed = error
        self.done.set()


async def measure(task: Task) -> Measured:
    """Read all records in a group of its own."""
    # a third of its CPU else: the collector walks over the records that wait whenever some hundred more have come
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    job = _Job(task)
    settings = Settings(
        kafka=task.kafka,
        group=f"bench-{uuid4().hex[:12]}",
        topic_prefix=task.topic_prefix,
        chunk_records=task.chunk_records,
    )
    app = create_app(settings, FromTheStart(lambda chunk: channel.put(chunk), job.opened))
    channel = OwnChannel(app)

    @app.agent(channel, name="orders")
    async def orders(chunks: faust.StreamT) -> None:
        async for chunk in chunks:
            try:
                job.take(chunk)
            except Exception as error:  # Faust would log it, and go on without the chunk
                job.fail(error)

    await app.start()
    await job.done.wait()
    await app.stop()
    if job.failed:
        raise job.failed
    return job.result


if __name__ == "__main__":
    main(measure, Loop)
