"""Step 6, peaks and records: the fences that belong to a cut, and the evidence that follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streams.keys import Keys
from streams.marks.cut import Cutter, Reads
from streams.marks.evidence import Evidence, first_offsets
from streams.marks.store import MarkStore, Wanted


class Fences:
    """Fences of the orders topic, read first in a cut."""

    def __init__(self, cutter: Cutter, store: MarkStore, orders_topic: str) -> None:
        self._cutter = cutter
        self._store = store
        self._topic = orders_topic

    async def wanted(self, keys: Keys) -> Wanted:
        """What is wanted of the beginning of a pass: values, and the fences that belong to them."""
        return Wanted(values=True, topic=self._topic, partitions=await self._store.partitions(keys, self._topic))

    async def add(self, keys: Keys, reads: Reads) -> list[int]:
        """Put the fences of the shard into an empty `reads`; returns their partitions."""
        partitions = await self._store.partitions(keys, self._topic)
        for partition in partitions:
            reads.fields(keys.fence(self._topic, partition), ("next",))
        return partitions

    async def evidence(
        self, keys: Keys, partitions: Sequence[int], replies: Sequence[Any], hours: Iterable[int]
    ) -> Evidence:
        """Evidence for values of the cut with these `replies`, over any of these local hours."""
        fences = {
            partition: int(next)
            for partition, (next,) in zip(partitions, replies[: len(partitions)], strict=True)
            if next is not None
        }
        return await self.evidence_before(keys, fences, hours)

    async def evidence_before(self, keys: Keys, fences: Mapping[int, int], hours: Iterable[int]) -> Evidence:
        """Evidence for values, over any of these local hours, that were read together with these fences."""
        firsts = await first_offsets(self._cutter, keys, self._topic, fences, hours)
        return Evidence(self._topic, fences, firsts)
