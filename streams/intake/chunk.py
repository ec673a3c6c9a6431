"""Step 1, chunk: consecutive records of one partition, handed to an agent as one event."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from faust.types import TP


class Record(Protocol):
    """What we use of a Kafka record: aiokafka's own record has these fields."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Chunk(NamedTuple):
    """`records` of `tp` with offsets in `[start, end)`.

    `start` and `end` are consumer positions, not record offsets: on a compacted or transactional topic the range may
    hold offsets without a record, or no record at all (a commit marker). `epoch` names the seek that this chunk was
    read after; a chunk of an older epoch is dropped. `highwater` is the end of the log as the fetch saw it.
    """

    tp: TP
    epoch: int
    start: int
    end: int
    highwater: int
    records: Sequence[Record]


class StartAt(NamedTuple):
    """Where a partition is to be read from, and the epoch that its chunks will carry."""

    offset: int
    epoch: int
