"""The arm `pure core`: what the worker computes for its chunks, on records that lie in memory, step by step.

Every chunk is folded once and whole. Left out is what the worker does around it: fetching, Faust, cutting a chunk that
is too large for one script, packing and sending it, detection.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import uvloop
from faust.types import TP

from streams.errors import Expected
from streams.garbage import let_chunks_be
from streams.intake.admission import admit_order
from streams.intake.chunk import Chunk, Record
from streams.intake.judge import Admitted, judge
from streams.intake.orders import OrderBook
from streams.intake.resends import ResendMemory
from streams.keys import shard_keys
from streams.lab.bench.arms.raw_aiokafka import reader
from streams.lab.bench.child import begin, finish, main
from streams.lab.bench.measured import Measured, Task
from streams.tally.fold import GMV, fold
from streams.tally.rows import shard_rows
from streams.tally.windows import Zone

T = TypeVar("T")


async def measure(task: Task) -> Measured:
    """Read all records, then take every partition's chunks in turn."""
    chunks = await chunks_in_memory(task)
    let_chunks_be()  # as a worker does; it holds some thousand records, not all, and the collector is not to see these
    span, core = begin(task), _Core(task)
    for chunk in chunks:
        core.take(chunk)
    result = finish(task, span, core.extra(task.events))
    core.check()
    return result


async def chunks_in_memory(task: Task) -> list[Chunk]:
    """All records of the topic as chunks, the partitions in turn, as a worker would get them."""
    return _in_turn(await _records(task), task.chunk_records)


async def _records(task: Task) -> dict[int, list[Record]]:
    records: dict[int, list[Record]] = {partition: [] for partition in range(task.partitions)}
    left = task.events
    async with reader(task) as consumer:
        while left > 0:
            for partition, fetched in (await consumer.getmany(timeout_ms=1_000)).items():
                records[partition.partition].extend(fetched)
                left -= len(fetched)
    return records


def _in_turn(records: dict[int, list[Record]], size: int) -> list[Chunk]:
    chunks = []
    for start in range(0, max(map(len, records.values())), size):
        for partition, each in records.items():
            if run := each[start : start + size]:
                chunks.append(Chunk(TP("orders", partition), 0, start, start + len(run), len(each), run))
    return chunks


@dataclass
class _Core:
    task: Task
    cpu_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("admit", "judge", "fold", "rows"), 0.0))
    rows: Counter[str] = field(default_factory=Counter)
    counted: int = 0

    def __post_init__(self) -> None:
        self._zone = Zone("bench", self.task.offset_ms)
        self._keys = [shard_keys("bench", 0)]
        self._memories = [ResendMemory(self.task.dedupe_ms) for _ in range(self.task.partitions)]
        self._gmv: dict[str, int] = {}

    def take(self, chunk: Chunk) -> None:
        zone, memory = self._zone, self._memories[chunk.tp.partition]
        admitted: Admitted = self._step(
            "admit", lambda: [admit_order(each.value, each.timestamp, zone) for each in chunk.records]
        )
        judged = self._step("judge", lambda: judge(chunk, admitted, memory, OrderBook(zone, 0, index=False)))
        deltas = self._step("fold", lambda: fold(judged.counted, zone))
        rows = self._step("rows", lambda: shard_rows(deltas, self._keys))
        self.rows.update(sums=len(rows[0].sums), sketches=len(rows[0].members), sessions=len(rows[0].sessions))
        self.counted += len(judged.counted)
        for (dimension, _, _), sums in deltas.hours.items():
            self._gmv[dimension] = self._gmv.get(dimension, 0) + sums[GMV]

    def _step(self, name: str, work: Callable[[], T]) -> T:
        began = time.process_time()
        done = work()
        self.cpu_s[name] += time.process_time() - began
        return done

    def check(self) -> None:
        """Raises `Expected` if an event was not counted, or a dimension has another sum than the others."""
        if self.counted != self.task.events or len(set(self._gmv.values())) != 1:
            raise Expected(f"{self.counted} of {self.task.events} events were counted, GMV by dimension: {self._gmv}")

    def extra(self, events: int) -> dict[str, object]:
        """CPU by step, and the rows that would go to Redis."""
        return {
            "steps_cpu_us_per_event": {name: cpu_s / events * 1e6 for name, cpu_s in self.cpu_s.items()},
            "rows_per_event": self.rows.total() / events,
            "rows_per_event_by_kind": {kind: rows / events for kind, rows in self.rows.items()},
        }


if __name__ == "__main__":
    main(measure, uvloop.new_event_loop)
