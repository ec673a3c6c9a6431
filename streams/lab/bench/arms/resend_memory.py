"""The arm `resend memory`: every event id is looked up and remembered, as the worker does with an event; nothing else.

Measured: the CPU of that alone, and the resident bytes that a remembered event takes. Reading the ids out of records
lies between the chunks and is in neither.
"""

from __future__ import annotations

import gc
import os
import time
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial

import msgspec
import uvloop

from streams.errors import Expected
from streams.intake.chunk import Chunk
from streams.intake.resends import ResendMemory
from streams.lab.bench.arms.pure_core import chunks_in_memory
from streams.lab.bench.child import main
from streams.lab.bench.measured import WORKER, Measured, Task, measured
from streams.lab.bench.usage import Used, peak_rss_mb, rss_bytes


class _Named(msgspec.Struct):
    event_id: str


_decode = msgspec.json.Decoder(_Named).decode


async def measure(task: Task) -> Measured:
    """Feed the memories of all partitions. Raises `Expected` if one takes a new event for a resend."""
    chunks = await chunks_in_memory(task)
    gc.collect()
    gc.freeze()
    _Memories(task.dedupe_ms).take(chunks[0])  # what the first chunk needs for itself is there from then on
    before, memories = rss_bytes(os.getpid()), _Memories(task.dedupe_ms)
    for chunk in chunks:
        memories.take(chunk)
    grown = rss_bytes(os.getpid()) - before
    if memories.resends:
        raise Expected(f"{memories.resends} of {task.events} events were taken for resends, and none is one")
    used = Used(memories.cpu_s, {WORKER: memories.cpu_s})
    return measured(task.events, used, peak_rss_mb(os.getpid()), memories.extra(grown))


@dataclass
class _Memories:
    """One memory a partition, and what feeding them took."""

    dedupe_ms: int
    cpu_s: float = 0.0
    resends: int = 0
    characters: int = 0
    of: defaultdict[int, ResendMemory] = field(init=False)

    def __post_init__(self) -> None:
        self.of = defaultdict(partial(ResendMemory, self.dedupe_ms))

    def take(self, chunk: Chunk) -> None:
        """Feed a chunk in log order."""
        fed = [(_decode(each.value or b"").event_id, each.offset, each.timestamp) for each in chunk.records]
        is_resend, began = self.of[chunk.tp.partition].is_resend, time.process_time()
        self.resends += sum(is_resend(event_id, offset, arrival_ms) for event_id, offset, arrival_ms in fed)
        self.cpu_s += time.process_time() - began
        self.characters += sum(len(event_id) for event_id, _, _ in fed)

    def extra(self, grown_bytes: int) -> dict[str, object]:
        """What a remembered event takes, and how long its id is."""
        events = sum(map(len, self.of.values()))
        return {
            "remembered_events": events,
            "resident_bytes_per_event": round(grown_bytes / events, 1),
            "id_characters": round(self.characters / events, 1),
        }


if __name__ == "__main__":
    main(measure, uvloop.new_event_loop)
