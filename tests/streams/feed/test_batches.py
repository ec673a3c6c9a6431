"""Records in batches: each key in one partition, in its order, nothing lost where a batch is full."""

from functools import partial
from zlib import crc32

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch

from streams.feed.topic import _batches

RECORDS = [(f"hour|{number % 40}|city|x".encode(), b"%d" % number) for number in range(1_000)]


def read(batch: BatchBuilder) -> list[tuple[bytes, bytes]]:
    return [(record.key, record.value) for record in DefaultRecordBatch(memoryview(batch._build()))]


def test_a_key_stays_in_one_partition_and_keeps_its_order() -> None:
    batches = _batches(partial(BatchBuilder, 2_000, 0), RECORDS, 4, 5)
    found: dict[int, list[tuple[bytes, bytes]]] = {}
    for partition, batch in batches:
        found.setdefault(partition, []).extend(read(batch))
    assert len(batches) > len(found) > 1, "several batches a partition"
    assert {partition: [each for each in RECORDS if crc32(each[0]) % 4 == partition] for partition in range(4)} == found
    assert sum(map(len, found.values())) == len(RECORDS)


def test_nothing_makes_no_batch() -> None:
    assert _batches(partial(BatchBuilder, 2_000, 0), [], 4, 5) == []
