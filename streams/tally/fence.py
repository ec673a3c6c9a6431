"""Reading fences back: the accounting that the settle script writes beside the tallies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from faust.types import TP
from redis.asyncio import Redis

from streams.keys import Keys


class Fence(NamedTuple):
    """A fence as it stands in one shard.

    `next` and `origin` are offsets; `counted`, `resends` and `rejected` are records since the origin, `holes` the
    offsets that had none; `arrival_ms` is the largest arrival settled, `trusted_ms` the largest event time that is not
    ahead of its arrival (0: none yet); `last_crc` and `last_ms` identify the last record settled.
    """

    next: int
    origin: int
    counted: int
    resends: int
    rejected: int
    holes: int
    arrival_ms: int
    trusted_ms: int
    last_crc: int
    last_ms: int

    @property
    def gap(self) -> int:
        """consumed - counted - resends - rejected: 0, always. Consumed is every offset that had a record."""
        return self.next - self.origin - self.holes - self.counted - self.resends - self.rejected


async def read_fence(redis: Redis, keys: Keys, tp: TP) -> Fence | None:
    """The fence of `tp` in one shard; None if there is none. Raises `redis.RedisError`."""
    values = cast("list[bytes | None]", await redis.hmget(keys.fence(tp.topic, tp.partition), Fence._fields))
    if values[0] is None:
        return None
    return Fence(*(int(value or 0) for value in values))


async def read_fences(redis: Redis, keys: Keys) -> dict[TP, Fence]:
    """All fences of one shard, in the order of their topics and partitions. Raises `redis.RedisError`."""
    fences = {}
    for tp in await read_partitions(redis, keys):
        fence = await read_fence(redis, keys, tp)
        if fence is not None:
            fences[tp] = fence
    return fences


async def read_partitions(redis: Redis, keys: Keys) -> list[TP]:
    """The partitions that have a fence in one shard, in order. Raises `redis.RedisError`."""
    return parse_partitions(cast("set[bytes]", await redis.smembers(keys.partitions())))


def parse_partitions(members: Iterable[bytes]) -> list[TP]:
    """The members of `Keys.partitions` as partitions, in order."""
    return sorted(_partition(member) for member in members)


def partition_member(tp: TP) -> str:
    """How a partition is named in `Keys.partitions`: the number first, so that a topic may contain anything."""
    return f"{tp.partition}:{tp.topic}"


def _partition(member: bytes) -> TP:
    number, _, topic = member.decode().partition(":")
    return TP(topic, int(number))
