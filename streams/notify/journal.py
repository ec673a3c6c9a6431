"""Writes and reads the topic `deliveries`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from schemas.deliveries import Record, decode_record, encode_record, key_of
from streams.notify.ledger import Ledger
from streams.outbox.published import EmptyAnswers

_POLL_MS = 100
#: how long a broker holds a fetch that finds nothing: it is how the end is found
_NOTHING_MORE_MS = 50


class Journal:
    """The topic's one partition. `producer` acknowledges by all replicas, and is somebody else's to stop."""

    def __init__(self, bootstrap_servers: str, topic: str, producer: AIOKafkaProducer) -> None:
        self._servers = bootstrap_servers
        self._producer = producer
        self.place = TopicPartition(topic, 0)

    async def write(self, record: Record) -> None:
        """Append, and wait until it is acknowledged. Raises `KafkaError`."""
        await self._producer.send_and_wait(
            self.place.topic, encode_record(record), key=key_of(record).encode(), partition=self.place.partition
        )

    async def read(self) -> tuple[Ledger, int]:
        """All of it that was acknowledged before, and the offset behind it. Raises `KafkaError`."""
        ledger, position = Ledger(), 0
        async with aclosing(pages_to_end(self._servers, self.place)) as pages:
            async for page in pages:
                position = page[-1].offset + 1
                for record in records_of(page):
                    ledger.note(record)
        return ledger, position


def records_of(page: Iterable[ConsumerRecord]) -> list[Record]:
    """What stands in some records of the topic; what is no record of ours is left out."""
    found = []
    for each in page:
        try:
            found.append(decode_record(each.value or b""))
        except msgspec.MsgspecError:
            continue
    return found


async def pages_to_end(bootstrap_servers: str, place: TopicPartition) -> AsyncGenerator[list[ConsumerRecord]]:
    """A partition from its beginning to its end as it is when it is reached. Raises `KafkaError`."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=_NOTHING_MORE_MS,
    )
    empty, at_end = EmptyAnswers(), False
    try:
        await consumer.start()
        consumer.assign([place])
        consumer.seek(place, 0)
        while not at_end:
            if page := (await consumer.getmany(place, timeout_ms=_POLL_MS)).get(place):
                yield page
            at_end = await is_at_end(consumer, place, empty)
    finally:
        await consumer.stop()


async def is_at_end(consumer: AIOKafkaConsumer, place: TopicPartition, empty: EmptyAnswers) -> bool:
    """Whether everything is read; the end as a fetch reports it, some brokers answer a question for it wrongly."""
    end, position = consumer.highwater(place), await consumer.position(place)
    if end is None:
        return False
    return bool(position >= end or empty.are(place, position, consumer.last_poll_timestamp(place)))
