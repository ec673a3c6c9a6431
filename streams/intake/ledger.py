"""Step 1, chunk: the reading position of every assigned partition, without Kafka or asyncio.

The ledger turns "the consumer stood at a, now it stands at b, and gave these records" into chunks that cover the log
without a gap. Two rules carry it, both learned from lost events:

- `expected` follows the consumer's position even when the records are dropped, so that the next chunk can not claim
  the dropped range as its own;
- a hole inside or before the records is read again once; only a hole that comes back is believed (compacted and
  transactional topics have holes, a seek that raced a fetch has them only once).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from faust.types import TP

from streams.intake.chunk import Chunk, Record, StartAt


@dataclass(slots=True)
class _Reading:
    expected: int
    epoch: int
    #: the holes seen since `expected` last moved, each as (first offset, next offset)
    holes: frozenset[tuple[int, int]] = frozenset()


@dataclass(slots=True)
class Reread:
    """The consumer must seek `tp` back to `offset`: a hole was seen for the first time."""

    tp: TP
    offset: int


@dataclass(slots=True)
class ReadingLedger:
    """What each assigned partition is expected to give next. Owned by the consumer's thread."""

    _readings: dict[TP, _Reading] = field(default_factory=dict)

    def start(self, tp: TP, at: StartAt) -> None:
        """The consumer was seeked: the next record is expected at `at.offset`, under a new epoch."""
        self._readings[tp] = _Reading(at.offset, at.epoch)

    def forget(self, keep: set[TP]) -> None:
        """Drop partitions that are no longer assigned."""
        for tp in self._readings.keys() - keep:
            del self._readings[tp]

    def expected(self) -> dict[TP, int]:
        """Next offset of every partition."""
        return {tp: reading.expected for tp, reading in self._readings.items()}

    def drop(self, tp: TP, position: int) -> None:
        """Records up to `position` were taken from the consumer and thrown away."""
        if reading := self._readings.get(tp):
            reading.expected = position

    def take(self, tp: TP, records: Sequence[Record], position: int, highwater: int) -> Chunk | Reread | None:
        """The consumer gave `records` and now stands at `position`.

        Returns a chunk, the order to read a hole again, or None for a partition that was never started (its records
        are not ours: the seek after an assignment has not happened yet).
        """
        reading = self._readings.get(tp)
        if reading is None:
            return None
        start = reading.expected
        if _has_hole(records, start):
            holes = _holes(records, start, position)
            seen, reading.holes = reading.holes, reading.holes | holes
            # Records from before `start` are no hole: the log was reset under us. Never believed; the heartbeat, which
            # sees a log that ends below the fence, says so.
            if not holes <= seen or (records and records[0].offset < start):
                return Reread(tp, start)
        reading.holes = frozenset()
        reading.expected = position
        return Chunk(tp, reading.epoch, start, position, highwater, records)


def _has_hole(records: Sequence[Record], start: int) -> bool:
    if not records:  # commit markers alone, or an aborted transaction: else the consumer would not have moved
        return True
    first, last = records[0].offset, records[-1].offset
    return first != start or last - first + 1 != len(records)


def _holes(records: Sequence[Record], start: int, position: int) -> frozenset[tuple[int, int]]:
    """Every run of offsets without a record, from `start` to the last record; without any, all up to `position`."""
    if not records:
        return frozenset({(start, position)})
    ends = [start, *(record.offset + 1 for record in records)]
    return frozenset((end, record.offset) for end, record in zip(ends, records, strict=False) if record.offset != end)
