"""Step 2, admit: refunds that came before their order are driven again once it has been paid.

The settle of the payment notes their offsets (`Keys.redrive`); whoever holds the lease reads those records from the
log and sends each to the end of its partition with its origin in a header. A worker may die anywhere in between: a
record that is sent twice settles once, by its origin.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faust.types import TP
from redis.asyncio import Redis

from schemas.rejects import ORIGIN_HEADER, origin_of, reject_key
from streams.failpoints import failpoint
from streams.keys import Keys, home_shard
from streams.marks.lease import Held, Lease
from streams.tally.fence import read_partitions

_log = logging.getLogger(__name__)

#: records that are driven again between two looks at the lease
BATCH = 100
#: a record that the log does not give, or does not take, within this time is tried again later
_WITHIN_S = 5.0


class Redriver:
    """Drives due records of the topic `orders` again. `work` is to be called about once a second; one call at a time.

    `driven` is called for each record that Kafka acknowledged.
    """

    def __init__(
        self,
        redis: Redis,
        keys: Sequence[Keys],
        bootstrap_servers: str,
        producer: AIOKafkaProducer,
        topic: str,
        worker_id: str,
        driven: Callable[[], object],
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._servers = bootstrap_servers
        self._producer = producer
        self._topic = topic
        self._driven = driven
        self._leases = [Lease(redis, each.lease("redrive"), worker_id) for each in keys]
        self._consumer: AIOKafkaConsumer | None = None

    async def work(self) -> None:
        """Drive again what is due in every shard whose lease we have. Raises `redis.RedisError` while Redis is away."""
        for shard in range(len(self._keys)):
            if await self._leases[shard].hold() is Held.NOT:
                continue
            for tp in await self._partitions(shard):
                try:
                    await self._drive(shard, tp)
                except (KafkaError, TimeoutError) as error:
                    _log.warning("early refunds of %s/%d wait: %r", tp.topic, tp.partition, error)
                    await self._forget_consumer()

    async def close(self) -> None:
        """Give the leases back, at the end of the worker."""
        for lease in self._leases:
            await lease.release()
        await self._forget_consumer()

    async def _partitions(self, shard: int) -> list[TP]:
        """The partitions of this home shard that have something due."""
        here = [
            tp
            for tp in await read_partitions(self._redis, self._keys[shard])
            if tp.topic == self._topic and home_shard(tp.partition, len(self._keys)) == shard
        ]
        async with self._redis.pipeline(transaction=False) as pipe:
            for tp in here:
                pipe.hlen(self._keys[shard].redrive(*tp))
            due = await pipe.execute()
        return [tp for tp, count in zip(here, due, strict=True) if count]

    async def _drive(self, shard: int, tp: TP) -> None:
        key = self._keys[shard].redrive(*tp)
        _, found = await self._redis.hscan(key, count=BATCH)
        for offset in sorted(map(int, found)):
            record = await self._record(tp, offset)
            if record is None:
                _log.warning("%s/%d: the refund at offset %d is gone from the log", tp.topic, tp.partition, offset)
            elif await self._sent(tp, record):
                self._driven()
                failpoint("after_redrive_before_forget")
            await self._redis.hdel(key, str(offset))

    async def _record(self, tp: TP, offset: int) -> ConsumerRecord | None:
        """The record at `offset`; None if the log does not have it any more."""
        async with asyncio.timeout(_WITHIN_S):
            consumer, partition = await self._started(), TopicPartition(*tp)
            consumer.assign([partition])
            first = (await consumer.beginning_offsets([partition]))[partition]
            if offset < first:
                return None
            consumer.seek(partition, offset)
            record = await consumer.getone(partition)
        return record if record.offset == offset else None

    async def _sent(self, tp: TP, record: ConsumerRecord) -> bool:
        """Whether Kafka took it; one that it never will must not hold back the others."""
        try:
            async with asyncio.timeout(_WITHIN_S):
                await self._send(tp, record)
        except MessageSizeTooLargeError:
            _log.warning("%s/%d: the refund at offset %d has headers too large to be sent again", *tp, record.offset)
            return False
        return True

    async def _send(self, tp: TP, record: ConsumerRecord) -> None:
        origin = origin_of(record.headers) or reject_key(tp.topic, tp.partition, record.offset).decode()
        others = [(name, value) for name, value in record.headers if name != ORIGIN_HEADER]
        await self._producer.send_and_wait(
            tp.topic,
            value=record.value,
            key=record.key,
            partition=tp.partition,
            timestamp_ms=record.timestamp,
            headers=[*others, (ORIGIN_HEADER, origin.encode())],
        )

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._servers, enable_auto_commit=False, auto_offset_reset="none"
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer

    async def _forget_consumer(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()
