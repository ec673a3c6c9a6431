"""The arm `raw aiokafka`: every record fetched in batches, nothing decoded. What no reader above aiokafka can beat."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.lab.bench.child import begin, finish, main
from streams.lab.bench.measured import Measured, Task

#: as much a fetch as the worker asks for
_FETCH_BYTES = 4 << 20


async def measure(task: Task) -> Measured:
    """Read all records."""
    async with reader(task) as consumer:
        left, span = task.events, begin(task)
        while left > 0:
            fetched = await consumer.getmany(timeout_ms=1_000, max_records=task.chunk_records)
            left -= sum(map(len, fetched.values()))
        return finish(task, span)


@asynccontextmanager
async def reader(task: Task) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of the whole topic from its beginning, without a group."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=task.kafka,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
    consumer.assign([TopicPartition(task.topic, partition) for partition in range(task.partitions)])
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


if __name__ == "__main__":
    main(measure, uvloop.new_event_loop)
