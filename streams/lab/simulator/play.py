"""Playing a scenario into Kafka, in slices of simulated time.

All records of a slice are acknowledged before the next one is sent, so no partition is ever more than a slice ahead of
another: without that, a reader's watermark could run ahead of a partition that merely was sent later.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from streams.errors import ServerMissing
from streams.lab.simulator.pace import Pace
from streams.lab.simulator.partitions import partition_of
from streams.lab.simulator.planned import ORDERS, SESSIONS, Planned

#: half of the silence after which a partition counts as idle, so that none does for being sent later
SLICE_MS: Final = 30_000
_BATCH_BYTES: Final = 512 * 1024


@dataclass(frozen=True)
class Target:
    """Where to play to. `orders` and `sessions` are full topic names, prefix included."""

    kafka: str
    orders: str
    sessions: str


@dataclass
class Played:
    """What has been acknowledged so far: records, the arrival of the last one, and where each partition began.

    `first_offsets` maps (topic of the contract, partition) to the offset of its first record: 0 if it was empty.
    """

    records: int = 0
    arrival_ms: int = 0
    first_offsets: dict[tuple[str, int], int] = field(default_factory=dict)


async def play(
    records: Iterable[Planned], target: Target, pace: Pace, on_slice: Callable[[Played], None] = lambda played: None
) -> Played:
    """Send `records` (in arrival order) to `target` and wait until the last one is acknowledged.

    `on_slice` is called after each slice. Cancelling it stops after what the broker has already been given.
    Raises ServerMissing if the broker does not answer or stops answering.
    """
    async with _producer(target) as producer:
        return await _play(producer, records, target, pace, on_slice)


async def partition_counts(target: Target) -> dict[str, int]:
    """How many partitions the two topics have, by their names in the contract. Raises ServerMissing."""
    async with _producer(target) as producer:
        return await _partitions(producer, target)


@asynccontextmanager
async def _producer(target: Target) -> AsyncIterator[Any]:
    """A started producer; it can not be idempotent, because the embedded broker is not (resends are judged anyway)."""
    producer = AIOKafkaProducer(
        bootstrap_servers=target.kafka, acks="all", enable_idempotence=False, max_batch_size=_BATCH_BYTES
    )
    try:
        await producer.start()
        yield producer
    except (KafkaError, OSError) as error:
        raise ServerMissing(f"Kafka at {target.kafka} does not take our records ({error!r})") from error
    finally:
        await producer.stop()


async def _play(
    producer: Any, records: Iterable[Planned], target: Target, pace: Pace, on_slice: Callable[[Played], None]
) -> Played:
    names = {ORDERS: target.orders, SESSIONS: target.sessions}
    partitions = await _partitions(producer, target)
    played = Played()
    for run in slices(records):
        await pace.until(run[0].arrival_ms)
        sent = {
            place: await _send(producer, names[place[0]], place[1], batch)
            for place, batch in _split(run, partitions).items()
        }
        await asyncio.gather(*chain.from_iterable(sent.values()))
        for place, futures in sent.items():
            played.first_offsets.setdefault(place, futures[0].result().offset)
        played.records += len(run)
        played.arrival_ms = run[-1].arrival_ms
        on_slice(played)
    return played


def slices(records: Iterable[Planned]) -> Iterator[list[Planned]]:
    """Cut `records` at multiples of `SLICE_MS` of their arrival; empty slices are left out."""
    for _, run in groupby(records, key=lambda record: record.arrival_ms // SLICE_MS):
        yield list(run)


async def _partitions(producer: Any, target: Target) -> dict[str, int]:
    return {
        ORDERS: len(await producer.partitions_for(target.orders)),
        SESSIONS: len(await producer.partitions_for(target.sessions)),
    }


def _split(run: Iterable[Planned], partitions: dict[str, int]) -> dict[tuple[str, int], list[Planned]]:
    batches: defaultdict[tuple[str, int], list[Planned]] = defaultdict(list)
    for record in run:
        batches[record.topic, partition_of(record.key, partitions[record.topic])].append(record)
    return batches


async def _send(
    producer: Any, topic: str, partition: int, records: list[Planned]
) -> list[asyncio.Future[RecordMetadata]]:
    """Hand the records of one partition over in batches; each future is done once its batch is acknowledged."""
    futures = []
    builder = producer.create_batch()
    for record in records:
        if not _append(builder, record):
            futures.append(await producer.send_batch(builder, topic, partition=partition))
            builder = producer.create_batch()
            if not _append(builder, record):
                raise ValueError(f"a record of {len(record.value)} bytes is larger than a batch of {_BATCH_BYTES}")
    futures.append(await producer.send_batch(builder, topic, partition=partition))
    return futures


def _append(builder: Any, record: Planned) -> bool:
    stamp, key = record.arrival_ms, record.key.encode()
    return builder.append(timestamp=stamp, key=key, value=record.value) is not None
