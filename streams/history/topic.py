"""The topic `history` as a whole: reading every row of it, and adding to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from time import monotonic

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.history import Imported, decode_imported, encode_imported
from streams.errors import Expected, ServerMissing, TopicsWrong

_POLL_MS = 200
#: how long a broker holds a fetch that finds nothing, which is how the end is found
_NOTHING_MORE_MS = 50
_SILENCE_S = 30.0


class NotHistory(Expected):
    """The topic holds a record that is no row of history: another program writes to it, look before you go on."""

    exit_code = 78


def row_of(topic: str, offset: int, value: bytes | None) -> Imported:
    """The row in a record. Raises `NotHistory`."""
    try:
        return decode_imported(value or b"")
    except msgspec.MsgspecError as error:
        raise NotHistory(f"{topic} holds no row of history at offset {offset} ({error})") from error


async def read_history(kafka: str, topic: str) -> AsyncIterator[Imported]:
    """Every row that the topic holds, in its order; none if there is no such topic.

    Raises `ServerMissing` and `NotHistory`.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest",
        fetch_max_wait_ms=_NOTHING_MORE_MS,
    )  # fmt: skip
    try:
        await consumer.start()
        # all names, not this one: a broker may create a topic because it was asked about it
        if topic not in await consumer.topics():
            return
        async for row in _rows(consumer, TopicPartition(topic, 0)):
            yield row
    except (KafkaError, OSError) as error:
        raise ServerMissing(f"Kafka at {kafka} stopped answering ({error!r}): start the command again") from error
    finally:
        await consumer.stop()


async def _rows(consumer: AIOKafkaConsumer, place: TopicPartition) -> AsyncIterator[Imported]:
    consumer.assign([place])
    heard_at = monotonic()
    # the end as a fetch reports it: some brokers answer a question for the latest offset wrongly
    while (end := consumer.highwater(place)) is None or await consumer.position(place) < end:
        for record in (await consumer.getmany(place, timeout_ms=_POLL_MS)).get(place, []):
            heard_at = monotonic()
            yield row_of(place.topic, record.offset, record.value)
        if monotonic() - heard_at > _SILENCE_S:
            raise OSError(f"nothing came for {_SILENCE_S:.0f} s")


async def add_history(kafka: str, topic: str, rows: Sequence[Imported]) -> None:
    """Append rows, in their order; all are acknowledged on return. Raises `ServerMissing`: some may be in then.

    Repeating is harmless: rows that are in already say the same.
    """
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=5)
    try:
        await producer.start()
        if not await producer.partitions_for(topic):
            raise TopicsWrong(f"Kafka at {kafka} has no topic {topic}: run `hightide topics create`")
        sent = [await producer.send(topic, encode_imported(row), key=row.key, partition=0) for row in rows]
        await producer.flush()
        for each in sent:
            await each
    except (KafkaError, OSError) as error:
        raise ServerMissing(f"Kafka at {kafka} did not take the rows ({error!r}): start the command again") from error
    finally:
        await producer.stop()
