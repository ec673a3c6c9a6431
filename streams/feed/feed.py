"""The feed: changed tallies of every shard to the topic `tallies`, one leased publisher a shard.

What settles left is read, its tallies are read as they stand, published, and only then taken away: a worker that dies
in between leaves all of it to the next. Between two passes over a shard lies a second, so a tally that changes all the
time is told about once a second.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from aiokafka.errors import KafkaError
from redis.asyncio import Redis

from streams.failpoints import failpoint
from streams.feed.marks import ChangedTallies, Taken
from streams.feed.reading import Record, TallyReader
from streams.feed.states import Terms
from streams.feed.sweep import Sweep
from streams.feed.topic import TalliesTopic
from streams.keys import Keys
from streams.marks.lease import Held, Lease
from streams.retention.floors import read_floors

#: tallies that a pass takes at most, but for the last settle among them
ENOUGH = 20_000
EVERYTHING = 1 << 60
#: and that one script reads: some 2 ms of Redis
_AT_ONCE = 300


class TalliesFeed:
    """Publishes what changed. Raises `redis.RedisError` and `KafkaError`: nothing is lost, call again.

    `watermark_ms` tells the watermark, None if there is none yet. One pass over a shard at a time.
    """

    def __init__(
        self,
        redis: Redis,
        keys: Sequence[Keys],
        terms: Terms,
        topic: TalliesTopic,
        watermark_ms: Callable[[], Awaitable[int | None]],
        worker_id: str,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._topic = topic
        self._watermark_ms = watermark_ms
        self._changed = ChangedTallies(redis)
        self._reader = TallyReader(redis, terms)
        self._sweeps = [Sweep(redis, each) for each in keys]
        self._leases = [Lease(redis, each.lease("tallies"), worker_id) for each in keys]

    async def publish_pass(self, shard: int) -> int:
        """Publish what changed in a shard; returns how many tallies the topic took."""
        keys, lease, sweep = self._keys[shard], self._leases[shard], self._sweeps[shard]
        whole = bool(await self._redis.exists(keys.feed()))
        if whole:
            sweep.restart()
        if (whole and not await self._redis.exists(keys.changed_tallies())) or await lease.hold() is Held.NOT:
            return 0
        taken = await self._changed.take(keys, ENOUGH)
        last = not whole and await sweep.page(taken.changed)
        try:
            told = await self._tell(keys, lease, taken)
        except Exception as error:
            sweep.restart()
            if isinstance(error, KafkaError):
                await self._changed.merge(keys, await self._changed.take(keys, EVERYTHING))
            raise
        failpoint("after_feed")
        await self._changed.published(keys, taken)
        if last:
            await self._redis.set(keys.feed(), 1)
        return told

    async def _tell(self, keys: Keys, lease: Lease, taken: Taken) -> int:
        records = await self._read(keys, taken)
        if records:
            await lease.hold()  # reading took its time; if it is another's by now, nothing is sent
            await self._topic.send(records, lambda: lease.left_s)
        return len(records)

    async def _read(self, keys: Keys, taken: Taken) -> list[Record]:
        """The records of all that has changed; read again where a purge went on meanwhile, which leaves parts."""
        # before the values: what happened up to then is in them
        watermark_ms, floors = await self._watermark_ms(), await read_floors(self._redis, keys)
        records: list[Record] = []
        for hours in _slices(taken.changed.hours):
            records += await self._reader.hours(keys, hours, floors, watermark_ms)
        for ids in _slices(taken.changed.sessions):
            records += await self._reader.sessions(keys, ids, watermark_ms)
        return records if await read_floors(self._redis, keys) == floors else await self._read(keys, taken)

    async def close(self) -> None:
        """Give the leases back and end the producer."""
        for lease in self._leases:
            await lease.release()
        await self._topic.close()


async def switched_off(redis: Redis, keys: Sequence[Keys]) -> None:
    """Forget what is not published: once the feed is on again, everything is. Raises `redis.RedisError`."""
    for each in keys:
        await redis.delete(each.feed(), each.changed_tallies())


def _slices(items: Any) -> Iterator[list[Any]]:
    rest = iter(items)
    while part := list(islice(rest, _AT_ONCE)):
        yield part
