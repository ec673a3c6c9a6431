"""Topics read from their beginning to their end, outside any group."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.topic_admin import partitions_of

_SILENCE_S = 20.0


async def read_topics(kafka: str, topics: Iterable[str]) -> dict[tuple[str, int], list[ConsumerRecord]]:
    """Every record by topic and partition, in the order of offsets. Raises `TimeoutError` if the broker is silent."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
        fetch_max_wait_ms=50,  # the embedded broker does not wake a fetch that waits
    )
    await consumer.start()
    try:
        known = await partitions_of(kafka, topics)
        places = [TopicPartition(name, number) for name, numbers in known.items() for number in numbers]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        found: dict[tuple[str, int], list[ConsumerRecord]] = {(each.topic, each.partition): [] for each in places}
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(_SILENCE_S) as silence:
            left = set(places)
            while left:
                for place, batch in (await consumer.getmany(*left, timeout_ms=100)).items():
                    found[place.topic, place.partition] += batch
                    silence.reschedule(now() + _SILENCE_S)
                left = {place for place in left if not await _at_end(consumer, place)}
        return found
    finally:
        await consumer.stop()


async def _at_end(consumer: AIOKafkaConsumer, place: TopicPartition) -> bool:
    # the end is taken from the answers to fetches: the embedded broker's own answer to that question is wrong
    end = consumer.highwater(place)
    return end is not None and await consumer.position(place) >= end
