"""Step 6, peaks and records: from which records of the log a value can be recomputed.

Per partition of the orders topic: from the first record of the value's hours to the last before the fence that stood
when the value was read. As text, JSON of the shape `{"orders": [[partition, first, last], ...]}`, both inclusive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec

from streams.keys import Keys
from streams.marks.cut import Cutter, Reads

#: partition -> local hour -> offset of the first record of that hour
FirstOffsets = Mapping[int, Mapping[int, int]]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, list[tuple[int, int, int]]]).decode


def evidence_text(topic: str, fences: Mapping[int, int], firsts: FirstOffsets, hours: Iterable[int]) -> str:
    """The evidence for a value over `hours` (local). `fences` maps partitions to the next offset not yet in the value.

    A partition without a record of those hours is left out.
    """
    wanted = list(hours)
    ranges = []
    for partition, fence in sorted(fences.items()):
        of_partition = firsts.get(partition, {})
        first = min((of_partition[hour] for hour in wanted if hour in of_partition), default=fence)
        if first < fence:
            ranges.append((partition, first, fence - 1))
    return _encode({topic: ranges}).decode()


def evidence_ranges(text: str) -> list[tuple[str, int, int, int]]:
    """(topic, partition, first, last) of an evidence text. Raises `msgspec.MsgspecError` on anything else."""
    return [(topic, *each) for topic, ranges in _decode(text).items() for each in ranges]


class Evidence:
    """Evidence texts for values of one cut: `fences` are those of the cut."""

    def __init__(self, topic: str, fences: Mapping[int, int], firsts: FirstOffsets) -> None:
        self._text = lru_cache(None)(lambda hours: evidence_text(topic, fences, firsts, hours))

    def of(self, hours: tuple[int, ...]) -> str:
        """The text for a value over these local hours."""
        return self._text(hours)


async def first_offsets(
    cutter: Cutter, keys: Keys, topic: str, partitions: Iterable[int], hours: Iterable[int]
) -> FirstOffsets:
    """First offsets of `hours` (local). Once written they stay, so they need not be read with the values."""
    wanted, of = sorted(set(hours)), sorted(partitions)
    if not wanted or not of:
        return {}
    reads = Reads()
    fields = tuple(map(str, wanted))
    for partition in of:
        reads.fields(keys.first_offsets(topic, partition), fields)
    _, replies = await cutter.cut(keys, reads)
    return {
        partition: {hour: int(offset) for hour, offset in zip(wanted, reply, strict=True) if offset is not None}
        for partition, reply in zip(of, replies, strict=True)
    }
