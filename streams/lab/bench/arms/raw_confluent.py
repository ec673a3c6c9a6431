"""The arm `raw confluent`: every record fetched in batches by librdkafka, nothing decoded.

The ceiling of what a Python process can read: its threads, which fetch and unpack, may use more than one core.
"""

from __future__ import annotations

from uuid import uuid4

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from streams.errors import Expected
from streams.lab.bench.child import begin, finish, main
from streams.lab.bench.measured import Measured, Task

#: librdkafka lets a fast reader wait for a second once its queue is full
_BACK_OFF_MS = 5
_WAIT_S = 1.0
#: a broker that gives nothing for so many waits has nothing more
_EMPTY_WAITS = 60


async def measure(task: Task) -> Measured:
    """Read all records."""
    consumer, partitions = _consumer(task), [TopicPartition(task.topic, each) for each in range(task.partitions)]
    try:
        for each in partitions:
            consumer.get_watermark_offsets(each, _WAIT_S)  # connects, as other arms are before they are measured
        left, waits, span = task.events, 0, begin(task)
        consumer.assign([TopicPartition(each.topic, each.partition, OFFSET_BEGINNING) for each in partitions])
        while left > 0:
            fetched = len(consumer.consume(task.chunk_records, _WAIT_S))
            left -= fetched
            waits = 0 if fetched else waits + 1
            if waits == _EMPTY_WAITS:
                raise Expected(f"the broker gave {task.events - left:,} of {task.events:,} records and nothing more")
        result = finish(task, span)
        _check(consumer, task)
        return result
    finally:
        consumer.close()


def _consumer(task: Task) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": task.kafka,
            "group.id": f"bench-{uuid4().hex[:12]}",
            "enable.auto.commit": False,
            "fetch.queue.backoff.ms": _BACK_OFF_MS,
        }
    )


def _check(consumer: Consumer, task: Task) -> None:
    """An error comes as a message, too: the positions say how many records there were. Raises `Expected`."""
    positions = consumer.position(consumer.assignment())
    if (read := sum(each.offset for each in positions)) < task.events:
        raise Expected(f"{read:,} records of {task.events:,} were read, the rest were errors")


if __name__ == "__main__":
    main(measure)
