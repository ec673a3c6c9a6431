"""Reading the rejects topic once from its beginning to its end: the last state of every reject that is meant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.rejects import Rejected, decode_rejected
from streams.errors import ServerMissing, TopicsWrong
from streams.rejects.choice import Choice
from streams.topic_admin import partitions_of

_POLL_MS = 200
#: a broker that gives nothing for this long although there is more to read is taken for gone
_SILENCE_S = 30.0


@dataclass(slots=True)
class Reading:
    """What was found: the rejects that are meant, by key, and what else lay in the topic.

    `read` counts records, `strangers` those that are no rejects; `partitions` are those of the topics that were asked
    about, as Kafka has them now.
    """

    found: dict[bytes | None, Rejected] = field(default_factory=dict)
    read: int = 0
    strangers: int = 0
    partitions: dict[str, set[int]] = field(default_factory=dict)

    def take(self, key: bytes | None, value: bytes | None, choice: Choice, keep_bytes: bool) -> None:
        """One record of the topic; a later one of the same key replaces an earlier one, also by not being meant."""
        self.read += 1
        try:
            reject = decode_rejected(value or b"")
        except msgspec.MsgspecError:
            self.strangers += 1
            return
        self.found.pop(key, None)
        if choice.matches(reject):
            self.found[key] = reject if keep_bytes else msgspec.structs.replace(reject, raw=None, head=None, key=None)


async def read_rejects(
    kafka: str,
    topic: str,
    choice: Choice,
    keep_bytes: bool,
    on_progress: Callable[[int], None],
    ask_about: Iterable[str] = (),
) -> Reading:
    """Everything that the topic holds when it is first looked at. Memory is that of the rejects that are meant.

    Without `keep_bytes` they are kept without raw bytes, head and key. Raises `TopicsWrong` if there is no such topic,
    `ServerMissing` if Kafka does not answer.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    reading = Reading()
    try:
        await consumer.start()
        known = await partitions_of(kafka, [topic, *ask_about])
        _assign(consumer, kafka, topic, known)
        reading.partitions = {each: set(known.get(each, ())) for each in ask_about}
        await _read_to_end(consumer, reading, choice, keep_bytes, on_progress)
    except (KafkaError, OSError) as error:  # a timeout is an OSError
        raise ServerMissing(f"Kafka at {kafka} stopped answering ({error!r}): start the command again") from error
    finally:
        await consumer.stop()
    return reading


def _assign(consumer: AIOKafkaConsumer, kafka: str, topic: str, known: Mapping[str, Iterable[int]]) -> None:
    if topic not in known:
        raise TopicsWrong(
            f"Kafka at {kafka} has no topic {topic}: is HIGHTIDE_TOPIC_PREFIX the worker's? "
            "`hightide topics create` makes it"
        )
    consumer.assign([TopicPartition(topic, number) for number in known[topic]])


async def _read_to_end(
    consumer: AIOKafkaConsumer,
    reading: Reading,
    choice: Choice,
    keep_bytes: bool,
    on_progress: Callable[[int], None],
) -> None:
    ends: dict[TopicPartition, int] = {}
    waiting, heard_at = set(consumer.assignment()), monotonic()
    while waiting:
        fetched = await consumer.getmany(*waiting, timeout_ms=_POLL_MS)
        for records in fetched.values():
            for record in records:
                reading.take(record.key, record.value, choice, keep_bytes)
        on_progress(reading.read)
        unread = {each for each in waiting if not await _is_read(consumer, each, ends)}
        if fetched or unread != waiting:
            heard_at = monotonic()
        elif monotonic() - heard_at > _SILENCE_S:
            raise OSError(f"nothing came for {_SILENCE_S:.0f} s")
        waiting = unread


async def _is_read(consumer: AIOKafkaConsumer, partition: TopicPartition, ends: dict[TopicPartition, int]) -> bool:
    # the end as the first fetch told it: rejects that come meanwhile must not keep us here, and some brokers answer a
    # question for the latest offset wrongly
    if (end := consumer.highwater(partition)) is None:
        return False
    async with asyncio.timeout(_SILENCE_S):
        return bool(await consumer.position(partition) >= ends.setdefault(partition, end))
