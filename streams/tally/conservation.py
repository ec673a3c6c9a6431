"""Step 4, settle: does every dimension add up to the same? Asked while it runs, and answered at settled moments.

Every event is added to each dimension once, so what the shards have settled of a dimension is what they have settled of
the platform: always within a partition's settle, and over all shards once they have settled the same records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from streams.keys import Keys
from streams.metrics import Metrics
from streams.tally.counters import DIMENSIONS, TOTALS
from streams.tally.fence import read_partitions


class Totals(NamedTuple):
    """One shard at one moment: next offset by (topic, partition), and `dimension:code` -> what was ever settled."""

    fences: Mapping[tuple[str, int], int]
    sums: Mapping[str, int]


def summed(shards: Iterable[Totals]) -> Counter[str]:
    """The totals of all shards together, by `dimension:code`."""
    together: Counter[str] = Counter()
    for shard in shards:
        together.update(shard.sums)
    return together


def dimension_gap(shards: Sequence[Totals]) -> int | None:
    """The largest difference, in fen or orders, between a dimension and the platform. 0, always. Pure.

    None when this is no settled moment: the shards stand at different offsets. A shard's totals follow from its fences,
    so shards with equal fences are of one moment, whenever each of them was read.
    """
    if any(shard.fences != shards[0].fences for shard in shards):
        return None
    sums = summed(shards)
    return max(
        abs(sums[f"{dimension}:{code}"] - sums[f"{DIMENSIONS[0]}:{code}"])
        for dimension in DIMENSIONS
        for code in TOTALS
    )


async def read_totals(redis: Redis, keys: Keys) -> Totals:
    """Totals and fences of one shard as they stand at one moment. Raises `redis.RedisError`."""
    partitions = await read_partitions(redis, keys)
    async with redis.pipeline(transaction=True) as pipe:
        pipe.hgetall(keys.totals())
        for tp in partitions:
            pipe.hget(keys.fence(tp.topic, tp.partition), "next")
        sums, *fences = await pipe.execute()
    return Totals(
        {(tp.topic, tp.partition): int(next) for tp, next in zip(partitions, fences, strict=True) if next is not None},
        {name.decode(): int(value) for name, value in sums.items()},
    )


class Conservation:
    """Call `look()` every few seconds. Every worker does: it reads one small hash a shard."""

    def __init__(self, redis: Redis, keys: Sequence[Keys], metrics: Metrics, on_gap: Callable[[int], None]) -> None:
        self._redis = redis
        self._keys = keys
        self._metrics = metrics
        self._on_gap = on_gap
        self._told = 0

    async def look(self) -> None:
        """Measure, unless the shards are amid settling: then the last measure stays. Raises `redis.RedisError`."""
        gap = dimension_gap([await read_totals(self._redis, keys) for keys in self._keys])
        if gap is None:
            return
        self._metrics.dimension_gap.set(gap)
        if gap and gap != self._told:
            self._on_gap(gap)
        self._told = gap
