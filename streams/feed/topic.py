"""The feed: records into the topic `tallies`, in whole batches.

Appended to a batch, a record costs a tenth of what `AIOKafkaProducer.send` does. The partition of a key is fixed by its
bytes, so that compaction finds all records of a key in one place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.feed.reading import Record
from streams.marks.lease import LEASE_MS
from streams.outbox.publisher import LeaseRanOut

#: a batch that is not acknowledged by then has failed: well within a lease
_REQUEST_MS = LEASE_MS // 3
_BATCH_BYTES = 256 << 10


class TalliesTopic:
    """Sends records. Raises `KafkaError`: some may be in the topic then, send what is newest again."""

    def __init__(self, bootstrap_servers: str, topic: str, clock_ms: Callable[[], int]) -> None:
        self._servers = bootstrap_servers
        self._topic = topic
        self._clock_ms = clock_ms
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def send(self, records: Iterable[Record], left_s: Callable[[], float]) -> None:
        """Send records and await that the topic has them all; `left_s` tells for how long we may."""
        producer = await self._started()
        partitions = len(await producer.partitions_for(self._topic))
        waiting = []
        for partition, batch in _batches(producer.create_batch, records, partitions, self._clock_ms()):
            if left_s() * 1000 < _REQUEST_MS:
                raise LeaseRanOut("the lease ran out before the tallies were sent")
            waiting.append(await producer.send_batch(batch, self._topic, partition=partition))
        for done in await asyncio.gather(*waiting, return_exceptions=True):
            if isinstance(done, BaseException):
                raise done

    async def close(self) -> None:
        """End the producer."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._servers,
                    acks="all",
                    max_batch_size=_BATCH_BYTES,
                    request_timeout_ms=_REQUEST_MS,
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer


def _batches(
    create: Callable[[], BatchBuilder], records: Iterable[Record], partitions: int, now_ms: int
) -> list[tuple[int, BatchBuilder]]:
    """Batches by partition, each as full as it gets, those of a partition in their order."""
    full: list[tuple[int, BatchBuilder]] = []
    open_: dict[int, BatchBuilder] = {}
    for key, value in records:
        partition = crc32(key) % partitions
        batch = open_.get(partition)
        if batch is None or batch.append(timestamp=now_ms, key=key, value=value) is None:
            if batch is not None:
                full.append((partition, batch))
            batch = open_[partition] = create()
            batch.append(timestamp=now_ms, key=key, value=value)
    return full + list(open_.items())
