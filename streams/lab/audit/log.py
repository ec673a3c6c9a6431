"""Reading the log again, outside any consumer group, one partition after the other and a batch at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.rejects import origin_of
from streams.errors import LogReplaced, ServerMissing
from streams.lab.truth import Record
from streams.topic_admin import partitions_of

#: a broker that gives nothing for this long although there is more to read is taken for gone
_SILENCE_S = 30
_POLL_MS = 500
_WAIT_MS = 10
#: most records of a batch: what is held in memory at once, beside what the client has fetched ahead
_BATCH = 10_000


class Log:
    """What Kafka holds. `names` maps full topic names to the contract's. Made by `open_log`.

    Raises `ServerMissing` if the broker falls silent, `LogReplaced` if it no longer has what is asked for.
    """

    def __init__(
        self,
        kafka: str,
        consumer: AIOKafkaConsumer,
        names: Mapping[str, str],
        partitions: Mapping[str, Collection[int]],
    ) -> None:
        self._kafka = kafka
        self._partitions = partitions
        self._consumer = consumer
        self._names = names

    async def first(self, topic: str, partition: int) -> int:
        """The first offset that the partition still has."""
        if partition not in self._partitions.get(topic, ()):
            raise LogReplaced(f"Kafka has no partition {partition} of {topic} any more")
        place = TopicPartition(topic, partition)
        return int((await self._consumer.beginning_offsets([place]))[place])

    async def offset_at(self, topic: str, partition: int, time_ms: int) -> int | None:
        """The first offset that arrived at `time_ms` (epoch ms) or later; None if there is none."""
        place = TopicPartition(topic, partition)
        found = (await self._consumer.offsets_for_times({place: max(0, time_ms)}))[place]
        return None if found is None else int(found.offset)

    async def batches(self, topic: str, partition: int, start: int, stop: int) -> AsyncIterator[list[Record]]:
        """The records with offsets in `[start, stop)`, in order; markers of transactions are offsets without one."""
        place = TopicPartition(topic, partition)
        self._consumer.assign([place])
        self._consumer.seek(place, start)
        silent_ms = 0
        while (position := await self._consumer.position(place)) < stop:
            fetched = (await self._consumer.getmany(place, timeout_ms=_POLL_MS, max_records=_BATCH)).get(place, [])
            silent_ms = 0 if fetched else silent_ms + _POLL_MS
            if fetched:
                yield [self._record(each) for each in fetched if each.offset < stop]
            elif await self._consumer.position(place) == position:
                self._refuse_nothing(place, position, stop, silent_ms)

    def _record(self, each: object) -> Record:
        record = each
        return Record(
            self._names[record.topic],  # type: ignore[attr-defined]
            record.partition,  # type: ignore[attr-defined]
            record.offset,  # type: ignore[attr-defined]
            record.timestamp,  # type: ignore[attr-defined]
            record.key,  # type: ignore[attr-defined]
            record.value,  # type: ignore[attr-defined]
            origin_of(record.headers),  # type: ignore[attr-defined]
        )

    def _refuse_nothing(self, place: TopicPartition, position: int, stop: int, silent_ms: int) -> None:
        end = self._consumer.highwater(place)
        if end is not None and end < stop:
            raise LogReplaced(
                f"{place.topic}/{place.partition} ends at offset {end}, but there were records up to {stop}: the topic "
                "was recreated or truncated"
            )
        if silent_ms >= _SILENCE_S * 1000:
            raise ServerMissing(f"Kafka at {self._kafka} gave no record of {place} for {_SILENCE_S} s at {position}")


@asynccontextmanager
async def open_log(kafka: str, names: Mapping[str, str]) -> AsyncIterator[Log]:
    """The log of the broker at `kafka`, for as long as the context lasts. Raises as `Log` does."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 << 20,
        # a fetch that waits at the end of one partition would hold up the first one of the next
        fetch_max_wait_ms=_WAIT_MS,
    )
    try:
        await consumer.start()
        yield Log(kafka, consumer, names, await partitions_of(kafka, names))
    except KafkaError as error:
        if "OffsetOutOfRange" in type(error).__name__:
            raise LogReplaced(f"Kafka no longer has every record that was counted ({error})") from error
        raise ServerMissing(f"Kafka at {kafka} stopped answering ({error!r})") from error
    finally:
        await consumer.stop()
