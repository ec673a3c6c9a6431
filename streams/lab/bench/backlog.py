"""Filling a topic fast with a ring's events under simulated arrivals: as much as one likes, from one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.errors import ServerMissing
from streams.lab.bench.live.ring import Ready, Ring

#: events that are under way at one time
_AT_ONCE: Final = 10_000
#: no partition is ahead of another by more than this: half of the silence that takes it for idle
_SLICE_MS: Final = 30_000
_BATCH_BYTES: Final = 900_000


@dataclass(frozen=True, slots=True)
class Span:
    """`events` evenly over `[from_ms, until_ms)` of arrivals, from number `first` of a ring on."""

    first: int
    events: int
    from_ms: int
    until_ms: int

    @property
    def at_once(self) -> int:
        """How many may be under way: bounded by number, and by the time that they span."""
        in_slice = _SLICE_MS * self.events // max(1, self.until_ms - self.from_ms)
        return max(1, min(_AT_ONCE, in_slice))

    def arrivals(self, numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Numbers of the ring, each with its arrival."""
        for number in numbers:
            yield number, self.from_ms + (number - self.first) * (self.until_ms - self.from_ms) // self.events


async def fill_span(
    kafka: str, topic: str, ring: Ring, span: Span, on_sent: Callable[[int], None] = lambda sent: None
) -> None:
    """Send a span and wait for its acknowledgement. Raises `ServerMissing`."""
    numbers = iter(range(span.first, span.first + span.events))
    sent = 0
    async with _producer(kafka) as producer:
        while part := list(islice(numbers, span.at_once)):
            await _send(producer, topic, ((ring.ready(number, at), at) for number, at in span.arrivals(part)))
            sent += len(part)
            on_sent(sent)


@asynccontextmanager
async def _producer(kafka: str) -> AsyncIterator[Any]:
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", enable_idempotence=False, max_batch_size=_BATCH_BYTES
    )
    try:
        await producer.start()
        yield producer
    except (KafkaError, OSError) as error:
        raise ServerMissing(f"Kafka at {kafka} does not take our records ({error!r})") from error
    finally:
        await producer.stop()


async def _send(producer: Any, topic: str, records: Iterable[tuple[Ready, int]]) -> None:
    builders: dict[int, Any] = {}
    futures = []
    for record, arrival_ms in records:
        builder = builders.get(record.partition)
        if builder is None:
            builder = builders[record.partition] = producer.create_batch()
        if builder.append(timestamp=arrival_ms, key=record.key, value=record.value) is None:
            futures.append(await producer.send_batch(builder, topic, partition=record.partition))
            builder = builders[record.partition] = producer.create_batch()
            builder.append(timestamp=arrival_ms, key=record.key, value=record.value)
    futures += [await producer.send_batch(each, topic, partition=at) for at, each in builders.items()]
    await asyncio.gather(*futures)
