"""Keeps imported history in the rankings: what the topic `history` has and a shard has not is raised there.

How far a shard has come stands beside its rankings and is written after them, so the two go back together where Redis
loses its last writes, and nothing that was imported is missing for longer than a look.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from redis.asyncio import Redis

from schemas.history import Imported
from streams.errors import LogReplaced
from streams.history.raises import raises_of, reader_of
from streams.history.topic import row_of
from streams.keys import Keys, shard_of
from streams.marks.acts import Terms
from streams.marks.lease import Held, Lease
from streams.marks.raising import Raiser
from streams.scripts import lua_script

_log = logging.getLogger(__name__)

#: rows that are raised before it is noted how far a shard has come
BATCH = 1_000
_POLL_MS = 200


class HistoryKeeper:
    """Raises imported rows in all shards, each under a lease. One `work` at a time; repeating is harmless.

    `clock_ms` is asked for latency alone.
    """

    def __init__(
        self,
        redis: Redis,
        keys: Sequence[Keys],
        terms: Terms,
        bootstrap_servers: str,
        topic: str,
        worker_id: str,
        clock_ms: Callable[[], int],
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._raiser = Raiser(redis, terms)
        self._at_least = lua_script(redis, "streams.marks", "at_least")
        self._leases = [Lease(redis, each.lease("history"), worker_id) for each in keys]
        self._servers = bootstrap_servers
        self._place = TopicPartition(topic, 0)
        self._clock_ms = clock_ms
        self._consumer: AIOKafkaConsumer | None = None
        self._seen = [0] * len(keys)
        self._end: int | None = None
        #: whether every shard had all rows when it was looked at first, and none went back since
        self.ready = False

    async def work(self) -> None:
        """Raise what is missing; returns once this worker's shards have all rows.

        Raises `redis.RedisError`, `NotHistory`, and `LogReplaced` where the topic lost rows. A Kafka that is away is
        waited for by calling again.
        """
        try:
            while await self._some():
                continue
        except (KafkaError, TimeoutError) as error:
            _log.debug("imported history waits: %r", error)
            await self.close()

    async def has_all(self, shard: int) -> bool:
        """Whether a shard has every row that is known of now. Raises `redis.RedisError`."""
        return self._end is not None and await self._came_to(shard) >= self._end

    async def close(self) -> None:
        """End the consumer, and give the leases back."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()
        for lease in self._leases:
            await lease.release()

    # -- one look --------------------------------------------------------------------------------
    async def _some(self) -> bool:
        """Raise some rows in the shards that are ours and lag; says whether there may be more."""
        consumer = await self._started()
        came_to = {shard: await self._came_to(shard) for shard in range(len(self._keys))}
        self._note(came_to)
        ours = {shard: at for shard, at in came_to.items() if await self._leases[shard].hold() is not Held.NOT}
        low = min((ours or came_to).values())
        if await consumer.position(self._place) != low:
            consumer.seek(self._place, low)
        fetched = await consumer.getmany(self._place, timeout_ms=_POLL_MS, max_records=BATCH)
        records: list[ConsumerRecord] = fetched.get(self._place, [])
        self._look_at_end(consumer, max(came_to.values()))
        if not ours or not records:
            self.ready = self.ready or all([await self.has_all(shard) for shard in came_to])
            return self._end is None  # no answer yet
        for shard, at in ours.items():
            await self._raise(shard, [each for each in records if each.offset >= at], records[-1].offset + 1)
        return True

    def _note(self, came_to: Mapping[int, int]) -> None:
        if any(at < self._seen[shard] for shard, at in came_to.items()):
            self.ready = False  # Redis went back
        self._seen = list(came_to.values())

    def _look_at_end(self, consumer: AIOKafkaConsumer, furthest: int) -> None:
        # the end as a fetch reports it: some brokers answer a question for the latest offset wrongly
        end = consumer.highwater(self._place)
        if end is None:
            return
        self._end = end
        if end < furthest:
            raise LogReplaced(
                f"{self._place.topic} ends at offset {end}, but rows up to {furthest} stand in the rankings: the topic "
                "was recreated or truncated; count anew under another HIGHTIDE_GROUP"
            )

    async def _came_to(self, shard: int) -> int:
        found = await self._redis.get(self._keys[shard].history())
        return int(found or 0)

    async def _raise(self, shard: int, records: Sequence[ConsumerRecord], next: int) -> None:
        keys = self._keys[shard]
        rows = [row_of(record.topic, record.offset, record.value) for record in records]
        here = sorted(filter(lambda row: self._is_in(row, shard), rows), key=_place)
        for reader, of_reader in groupby(here, key=reader_of):
            acts = [each for row in of_reader for each in raises_of(row)]
            await self._raiser.apply(keys, reader, acts, watermark_ms=0, detected_at_ms=self._clock_ms())
        await self._at_least(keys=[keys.history()], args=[next])

    def _is_in(self, row: Imported, shard: int) -> bool:
        return shard_of(row.scope.dimension, row.scope.id, len(self._keys)) == shard

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._servers, enable_auto_commit=False, auto_offset_reset="earliest"
            )
            try:
                await consumer.start()
                consumer.assign([self._place])
                consumer.seek(self._place, 0)
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer


def _place(row: Imported) -> tuple[str, int, str]:
    """By reader, then as they close: an earlier one that is raised first spares people an alert."""
    return reader_of(row), row.end_ms, row.id
