"""The drain of aiokafka's fetcher: records as its C code makes them, and positions that move behind what has none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from streams.intake.draining import _drain

PLACE = TopicPartition("orders", 0)
PRODUCER = 7
#: where a batch of version 2 has its checksum, what that is of, and the bit that says "no record of anyone's"
CRC_AT, ATTRIBUTES_AT, CONTROL = 17, 21, 0x20


def batch(first: int, values: list[bytes], control: bool = False) -> bytes:
    """A batch of a transactional producer from offset `first` on; `control` makes it a marker."""
    builder = DefaultRecordBatchBuilder(2, 0, 1, PRODUCER, 0, 0, 1 << 16)
    for at, value in enumerate(values):
        builder.append(at, 1_000, b"\x00\x00\x00\x01" if control else b"key", value, [])
    made = bytearray(builder.build())
    made[0:8] = first.to_bytes(8, "big")
    if control:
        made[ATTRIBUTES_AT + 1] |= CONTROL
    made[CRC_AT:ATTRIBUTES_AT] = calc_crc32c(bytes(made[ATTRIBUTES_AT:])).to_bytes(4, "big")
    return bytes(made)


class Fetched:
    """A fetcher that holds one answer for one partition, whose consumer stands at `position`."""

    def __init__(self, position: int, *batches: bytes, aborted: list[tuple[int, int]] | None = None) -> None:
        self.state = SimpleNamespace(position=position, consumed_to=self._consumed_to, paused=False)
        self.state.has_valid_position = True
        assignment = SimpleNamespace(active=True, tps={PLACE}, state_value=lambda _: self.state)
        records = PartitionRecords(
            PLACE, MemoryRecords(b"".join(batches)), aborted, position, None, None, True, READ_COMMITTED
        )
        self._records = {PLACE: FetchResult(PLACE, assignment=assignment, partition_records=records, backoff=0)}
        self._subscriptions = SimpleNamespace(is_assigned=lambda _: True)
        self._wait_consume_future = None

    def _notify(self, future: Any) -> None:
        """Nobody waits for this fetcher."""

    def _consumed_to(self, position: int) -> None:
        self.state.position = position

    def drain(self) -> dict[Any, list[bytes]]:
        return {place: [record.value for record in found] for place, found in _drain(self, {PLACE}).items()}


def test_records_come_as_they_lie_there() -> None:
    fetched = Fetched(0, batch(0, [b"a", b"b"]), batch(2, [b"c"]))
    assert fetched.drain() == {PLACE: [b"a", b"b", b"c"]}
    assert fetched.state.position == 3


def test_the_position_moves_behind_a_marker_that_follows_records() -> None:
    fetched = Fetched(0, batch(0, [b"a"]), batch(1, [b"marker"], control=True))
    assert (fetched.drain(), fetched.state.position) == ({PLACE: [b"a"]}, 2)


def test_a_marker_alone_is_an_answer_without_records() -> None:
    fetched = Fetched(4, batch(4, [b"marker"], control=True))
    assert (fetched.drain(), fetched.state.position) == ({PLACE: []}, 5)


def test_what_was_aborted_is_an_answer_without_records() -> None:
    fetched = Fetched(0, batch(0, [b"a", b"b"]), aborted=[(PRODUCER, 0)])
    assert (fetched.drain(), fetched.state.position) == ({PLACE: []}, 2)


def test_nothing_is_taken_of_a_partition_that_was_seeked_meanwhile() -> None:
    fetched = Fetched(0, batch(0, [b"a"]))
    fetched.state.position = 9
    assert (fetched.drain(), fetched.state.position) == ({}, 9)
