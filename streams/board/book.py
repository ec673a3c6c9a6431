"""The board's view of the store: where things lie, how far they are read, and from when on they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis

from streams.keys import Keys, shard_keys, shard_of
from streams.retention.floors import read_floors
from streams.retention.policy import Floors
from streams.settings import Settings
from streams.tally.windows import GRAIN_MS, Zone

#: commands that one round trip carries: between two of them Redis answers others
BATCH = 400

Command = tuple[str | int | bytes, ...]


class Moment(NamedTuple):
    """When something was read: the watermark (epoch ms, None while there is none) as it stood *before* that."""

    as_of_ms: int | None
    lateness_ms: int

    def closed(self, end_ms: int) -> bool:
        """Whether a window that ends at `end_ms` is closed."""
        return self.as_of_ms is not None and self.as_of_ms >= end_ms + self.lateness_ms


class Book:
    """Reads of one application. Raises `redis.RedisError`."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self.redis = redis
        self.shards: list[Keys] = [shard_keys(settings.group, shard) for shard in range(settings.shards)]
        self.zone: Zone = settings.zone
        self.min_history = settings.min_history
        self._lateness_ms = settings.lateness_s * 1000

    def of(self, dimension: str, id: str) -> Keys:
        """The keys of the shard that keeps an id."""
        return self.shards[shard_of(dimension, id, len(self.shards))]

    async def moment(self) -> Moment:
        """Now. To be asked before what it is said of."""
        told: Any = await self.redis.get(self.shards[0].watermark())
        return Moment(None if told is None else int(told), self._lateness_ms)

    async def floors(self, keys: Keys) -> Floors:
        """From when on a shard keeps what."""
        return await read_floors(self.redis, keys)

    def window(self, grain: str, index: int) -> tuple[int, int]:
        """Start and end (epoch ms) of a window."""
        start_ms = self.zone.start_ms(grain, index)
        return start_ms, start_ms + GRAIN_MS[grain]

    def index(self, grain: str, time_ms: int) -> int:
        """The local index of the window that holds an instant."""
        return (time_ms + self.zone.offset_ms) // GRAIN_MS[grain]

    async def at_once(self, commands: Sequence[Command]) -> list[Any]:
        """The replies of one moment. All keys lie in one shard."""
        return await self._sent(commands, at_one_moment=True) if commands else []

    async def each(self, commands: Sequence[Command]) -> list[Any]:
        """The replies, read in batches, of no one moment."""
        replies: list[Any] = []
        for first in range(0, len(commands), BATCH):
            replies += await self._sent(commands[first : first + BATCH], at_one_moment=False)
        return replies

    async def pairs(self, commands: Sequence[Command]) -> list[Any]:
        """As `each`, but every two that follow each other are of one moment."""
        replies: list[Any] = []
        for first in range(0, len(commands), BATCH):
            replies += await self._sent(commands[first : first + BATCH], at_one_moment=True)
        return replies

    async def _sent(self, commands: Iterable[Command], *, at_one_moment: bool) -> list[Any]:
        async with self.redis.pipeline(transaction=at_one_moment) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return await pipe.execute()


def fields(flat: Any) -> dict[bytes, bytes]:
    """The reply of HGETALL, whichever of its two shapes it has."""
    if isinstance(flat, dict):
        return flat
    return dict(zip(flat[::2], flat[1::2], strict=True))
