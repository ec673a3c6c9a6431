"""Reading the log again, from each partition's origin to its fence, outside any consumer group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.rejects import origin_of
from streams.errors import LogReplaced, ServerMissing
from streams.lab.truth import Record

#: a broker that gives nothing for this long although there is more to read is taken for gone
_SILENCE_S = 30


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets `[start, stop)` of one partition of the full topic name."""

    topic: str
    partition: int
    start: int
    stop: int


async def read_spans(
    kafka: str, spans: list[Span], names: Mapping[str, str], on_progress: Callable[[int], None]
) -> list[Record]:
    """Every record in `spans`; `names` maps full topic names to the contract's. `on_progress` is given records so far.

    Raises `ServerMissing` if the broker falls silent, `LogReplaced` if it no longer has the first records.
    """
    wanted = {TopicPartition(span.topic, span.partition): span for span in spans if span.stop > span.start}
    if not wanted:
        return []
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="none", max_partition_fetch_bytes=4 << 20
    )
    try:
        await consumer.start()
        consumer.assign(list(wanted))
        for partition, span in wanted.items():
            consumer.seek(partition, span.start)
        return await _read(consumer, wanted, names, on_progress)
    except KafkaError as error:
        if "OffsetOutOfRange" in type(error).__name__:
            raise LogReplaced(f"Kafka no longer has every record that was counted ({error})") from error
        raise ServerMissing(f"Kafka at {kafka} stopped answering ({error!r})") from error
    finally:
        await consumer.stop()


async def _read(
    consumer: AIOKafkaConsumer,
    wanted: Mapping[TopicPartition, Span],
    names: Mapping[str, str],
    on_progress: Callable[[int], None],
) -> list[Record]:
    records: list[Record] = []
    left = dict(wanted)
    while left:
        fetched = await consumer.getmany(*left, timeout_ms=_SILENCE_S * 1000, max_records=20_000)
        if not fetched:
            raise ServerMissing(f"Kafka gave no record for {_SILENCE_S} s, although the fences say there are more")
        for partition, batch in fetched.items():
            stop = wanted[partition].stop
            name = names[partition.topic]
            records += [
                Record(name, each.partition, each.offset, each.timestamp, each.key, each.value, origin_of(each.headers))
                for each in batch
                if each.offset < stop
            ]
            if batch[-1].offset >= stop - 1:
                del left[partition]
                consumer.pause(partition)
        on_progress(len(records))
    return records
