"""Writes the stream of what was told: every revision of the `alerts` topic, for readers that know Redis alone.

The entry of the record at offset `n` is `n + 1`-0, so a repetition changes nothing, and a Redis that went back is
filled again from where it ends. The topic's one partition gives the order.
"""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from redis.asyncio import Redis

from streams.errors import LogReplaced
from streams.keys import Keys
from streams.marks.lease import Held, Lease
from streams.scripts import lua_script

#: what the stream keeps at least
KEPT = 100_000
#: how long one look waits for an alert; also how soon a Redis that went back is noticed
_LOOK_MS = 500
_LOOKS = 4
#: how long a broker holds a fetch that finds nothing. Kafka ends it with the first record, some others do not
_FETCH_MS = 100
#: so many in a row, some ten seconds, without what was told, and it is not there any more
_SHORT_LOOKS = 20
#: how soon whoever has not got the lease asks for it again
_ASK_AGAIN_S = 1.0
#: of one script: some 100 KiB
_BATCH = 100


class Telling:
    """Copies the topic into the stream, in one worker at a time. One `work` at a time."""

    def __init__(self, redis: Redis, keys: Keys, bootstrap_servers: str, topic: str, worker_id: str) -> None:
        self._append = lua_script(redis, "streams.notify", "append")
        self._key = keys.told()
        self._lease = Lease(redis, keys.lease("notify"), worker_id)
        self._servers = bootstrap_servers
        self._place = TopicPartition(topic, 0)
        self._consumer: AIOKafkaConsumer | None = None
        self._next = 0
        #: looks in a row that found the log to end before where it was told to
        self._short = 0

    async def work(self) -> None:
        """Some looks in a row if it is ours to do, so that an alert need not wait for the next nudge; else a rest.

        Raises as `look` does.
        """
        for _ in range(_LOOKS):
            if await self._lease.hold() is Held.NOT:
                await self._leave()
                await asyncio.sleep(_ASK_AGAIN_S)
                return
            await self.look()

    async def look(self) -> int:
        """Append what the topic has beyond the stream, waiting a little for it; returns how many.

        Raises `redis.RedisError` or `KafkaError`: call again; `LogReplaced` if the topic is another now.
        """
        ends = int(await self._append(keys=[self._key], args=[self._next, KEPT]))
        consumer = await self._at(ends)
        found = await consumer.getmany(self._place, timeout_ms=_LOOK_MS)
        self._check(consumer, found.get(self._place, []))
        return await self._take(found.get(self._place, []))

    async def close(self) -> None:
        """Give the lease back and leave Kafka."""
        await self._leave()
        await self._lease.release()

    def _check(self, consumer: AIOKafkaConsumer, found: list[ConsumerRecord]) -> None:
        """Whether the log still reaches as far as it was told. A new leader may for a moment not show all of it."""
        end = consumer.highwater(self._place)
        begins_anew = bool(found) and found[0].offset < self._next
        self._short = self._short + 1 if not found and end is not None and end < self._next else 0
        if begins_anew or self._short >= _SHORT_LOOKS:
            raise LogReplaced(
                f"the topic {self._place.topic} was told up to offset {self._next} and does not reach that far now: it "
                "was recreated or truncated; put it back, or start under another HIGHTIDE_GROUP"
            )

    async def _take(self, records: list[ConsumerRecord]) -> int:
        for first in range(0, len(records), _BATCH):
            batch = records[first : first + _BATCH]
            args = [part for each in batch for part in (each.offset, each.value or b"")]
            ends = int(await self._append(keys=[self._key], args=[self._next, KEPT, *args]))
            if ends != batch[-1].offset + 1:
                self._next = -1  # it went back under us: the next look goes to where it ends
                return first
            self._next = ends
        return len(records)

    async def _at(self, offset: int) -> AIOKafkaConsumer:
        """The consumer, standing at `offset`."""
        if offset > self._next:
            await self._leave()  # what an open one knows of the end may be older than that
        if self._consumer is None:
            self._consumer = await started_at(self._servers, self._place, offset)
        elif offset != self._next:
            self._consumer.seek(self._place, offset)
        self._next = offset
        return self._consumer

    async def _leave(self) -> None:
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await consumer.stop()


async def started_at(bootstrap_servers: str, place: TopicPartition, offset: int) -> AIOKafkaConsumer:
    """A consumer of one partition, outside of any group, that stands at `offset`. Raises `KafkaError`."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=_FETCH_MS,
    )
    try:
        await consumer.start()
        consumer.assign([place])
        consumer.seek(place, offset)
    except BaseException:
        await consumer.stop()
        raise
    return consumer
