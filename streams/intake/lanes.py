"""Step 1, chunk: a lane for every partition, in which its chunks wait and are joined to what one settle takes in.

A lane settles one chunk after the other, in log order; lanes go on side by side, so that one partition is folded while
the store is busy with another. Chunks are small when it is quiet: what is fully read is settled at once. When the log
goes on, a lane waits a moment for more: twice the events of a settle are far from twice its rows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import chain

from faust.types import TP

from streams.intake.chunk import Chunk

#: lanes that may be between admission and settled at a time: one is folded, one is in the store
AT_ONCE = 2
#: settles whose records may wait in all lanes together, whatever the number of partitions: they are a worker's memory
SETTLES_WAITING = 4
#: how long a lane waits for a whole settle while its log is known to go on
GATHER_S = 0.5


class Lanes:
    """`take(chunk)` settles a chunk and never raises; it is given at most `most_records` at a time."""

    def __init__(self, take: Callable[[Chunk], Awaitable[None]], most_records: int) -> None:
        self._take = take
        self._most_records = most_records
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._lanes: dict[TP, _Lane] = {}
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, chunk: Chunk) -> None:
        """Let `chunk` wait for its turn; waits itself while too many records do, which is the backpressure."""
        lane = self._lanes.get(chunk.tp)
        if lane is None:
            lane = self._lanes[chunk.tp] = _Lane(self._most_records)
        await self._room.wait()
        lane.put(chunk)
        self._look_for_room()
        if lane.work is None:
            lane.work = asyncio.ensure_future(self._work(lane))

    async def close(self) -> None:
        """End every settle under way, wherever it stands: what is not settled is read again. Put nothing after it."""
        under_way = [lane.work for lane in self._lanes.values() if lane.work is not None]
        for work in under_way:
            work.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _work(self, lane: _Lane) -> None:
        try:
            while lane.waiting:
                if self._room.is_set():  # else nothing more comes before something goes
                    await lane.gathered()
                async with self._turn:
                    chunk = lane.next()
                    self._look_for_room()
                    await self._take(chunk)
        finally:
            lane.work = None

    def _look_for_room(self) -> None:
        waiting = sum(lane.records for lane in self._lanes.values())
        _put(self._room, waiting < SETTLES_WAITING * self._most_records)


class _Lane:
    """The chunks of one partition that wait, in the order in which they came."""

    def __init__(self, most_records: int) -> None:
        self.waiting: deque[Chunk] = deque()
        self.work: asyncio.Future[None] | None = None
        self.records = 0
        self._enough = asyncio.Event()
        self._most_records = most_records

    def put(self, chunk: Chunk) -> None:
        """Take one more at the end."""
        self.waiting.append(chunk)
        self._count(len(chunk.records))

    async def gathered(self) -> None:
        """Wait until what waits is a whole settle, or all that the log has; but not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHER_S):
                await self._enough.wait()

    def next(self) -> Chunk:
        """The chunk that is settled next, taken out."""
        chunk = next_chunk(self.waiting, self._most_records)
        self._count(-len(chunk.records))
        return chunk

    def _count(self, records: int) -> None:
        self.records += records
        fully_read = not self.waiting or self.waiting[-1].end >= self.waiting[-1].highwater
        _put(self._enough, fully_read or self.records >= self._most_records)


def _put(event: asyncio.Event, happened: bool) -> None:
    if happened:
        event.set()
    else:
        event.clear()


def next_chunk(waiting: deque[Chunk], most_records: int) -> Chunk:
    """Take at most `most_records` records from the front: chunks that continue each other as one, a long one in part.

    `waiting` has at least one chunk. Pure, but for what it takes out.
    """
    first = waiting.popleft()
    if len(first.records) > most_records:
        first, rest = _split(first, most_records)
        waiting.appendleft(rest)
        return first
    joined, records = [first], len(first.records)
    while waiting and _continues(joined[-1], waiting[0]) and records + len(waiting[0].records) <= most_records:
        joined.append(waiting.popleft())
        records += len(joined[-1].records)
    last = joined[-1]
    if len(joined) == 1:
        return first
    all_records = list(chain.from_iterable(chunk.records for chunk in joined))
    return Chunk(first.tp, first.epoch, first.start, last.end, last.highwater, all_records)


def _split(chunk: Chunk, records: int) -> tuple[Chunk, Chunk]:
    """Offsets without a record go to the part before them."""
    at = chunk.records[records].offset
    return chunk._replace(end=at, records=chunk.records[:records]), chunk._replace(
        start=at, records=chunk.records[records:]
    )


def _continues(chunk: Chunk, by: Chunk) -> bool:
    return by.epoch == chunk.epoch and by.start == chunk.end
