"""What hashes and sorted sets of the store's shapes take, by how much is in them: tried out on the very store.

A small hash is one packed block; beyond `hash-max-listpack-entries` it is a table that takes several times as much.
Larger windows than a short run can fill are priced by this.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis

from streams.tally.counters import COUNTERS

#: fields that are tried
FIELDS: Final = (1, 2, 4, 8, 16, 32, 64, 96, 128, 129, 192, 256, 480)
_MEMBERS = 1_000
_VALUE = 1_234_567
_CODES = tuple(COUNTERS)


@dataclass(frozen=True, slots=True)
class Shapes:
    """`hash_bytes` are (fields, bytes of the key), ascending; `member_bytes` is one more member of a large sorted set.

    `sketch_bytes` is a sketch of distinct ids that is full, `small_sketch_bytes` one of ten ids.
    """

    hash_bytes: Sequence[tuple[int, int]]
    member_bytes: float
    sketch_bytes: int
    small_sketch_bytes: int

    def hash_of(self, fields: float) -> float:
        """Bytes of a hash of so many fields: between what was tried, in a straight line."""
        counts = [count for count, _ in self.hash_bytes]
        at = min(max(bisect_left(counts, fields), 1), len(counts) - 1)
        (low, low_bytes), (high, high_bytes) = self.hash_bytes[at - 1], self.hash_bytes[at]
        return low_bytes + (max(fields, 0.0) - low) / (high - low) * (high_bytes - low_bytes)


async def try_shapes(redis: Redis, prefix: str) -> Shapes:
    """Put one of each under `prefix`, look, and take it away."""
    key = f"{prefix}hours:anchor:20000:anchor-0000001"
    sizes = []
    for fields in FIELDS:
        names = {f"{at // len(_CODES):02d}{_CODES[at % len(_CODES)]}": _VALUE for at in range(fields)}
        await redis.delete(key)
        await redis.hset(key, mapping=names)  # type: ignore[arg-type]  # the stub allows only text for names
        sizes.append((fields, await _bytes(redis, key)))
    await redis.delete(key)
    await redis.zadd(key, {f"{20_000_000 + at:015d}session-{at:08d}": _VALUE + at for at in range(_MEMBERS)})
    member_bytes = await _bytes(redis, key) / _MEMBERS
    await redis.delete(key)
    await redis.pfadd(key, *(f"buyer-{at:08d}" for at in range(10)))
    small = await _bytes(redis, key)
    await redis.pfadd(key, *(f"buyer-{at:08d}" for at in range(20_000)))
    full = await _bytes(redis, key)
    await redis.delete(key)
    return Shapes(sizes, member_bytes, full, small)


async def _bytes(redis: Redis, key: str) -> int:
    return int(await redis.memory_usage(key, samples=0) or 0)
