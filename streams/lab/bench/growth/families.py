"""What fills the store: its keys by family, how many there are, and what one takes, by a sample of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from redis.asyncio import Redis

from streams.keys import literal_glob

_AT_ONCE = 2_000
_SAMPLE = 400
#: families by a dimension, which stands behind these words of a key
_DIMENSION_AT: Final = {"ranking": 3, "open": 3, "closed": 3}
_TALLIES: Final = frozenset({"hours", "days", "minutes", "buyers", "merchants", "anchors", "day-buyers"})
_WINDOWED: Final = frozenset({"hours", "minutes"})


@dataclass(frozen=True, slots=True)
class Family:
    """All keys of a kind. Means over a sample: `bytes` a key as the store tells them, `parts` of it, `windows` in it.

    `parts` are fields or members (0: a string); `windows` are the hours or minutes that have fields.
    """

    name: str
    keys: int
    bytes: float
    parts: float
    windows: float

    @property
    def total_bytes(self) -> float:
        """Of all keys."""
        return self.keys * self.bytes


@dataclass(slots=True)
class _Sample:
    keys: int = 0
    kept: list[bytes] = field(default_factory=list)

    def take(self, key: bytes, rnd: Random) -> None:
        """Every key with the same chance."""
        self.keys += 1
        if len(self.kept) < _SAMPLE:
            self.kept.append(key)
        elif (at := rnd.randrange(self.keys)) < _SAMPLE:
            self.kept[at] = key


async def families(redis: Redis, group: str) -> list[Family]:
    """Every family of a group, the largest first. Looks at each key's name, and into a few hundred of each family."""
    samples: dict[str, _Sample] = {}
    rnd = Random(1)
    async for key in redis.scan_iter(match=f"{literal_glob(group)}:*", count=_AT_ONCE):
        samples.setdefault(family_of(key.decode(errors="replace")), _Sample()).take(key, rnd)
    found = [await _family(redis, name, sample) for name, sample in samples.items()]
    return sorted(found, key=lambda family: -family.total_bytes)


def family_of(key: str) -> str:
    """The kind of a key, with its dimension if it has one: `hours anchor`, `ranking peak.hour anchor`."""
    words = key.split(":")[2:]
    kind = words[0]
    if kind in _DIMENSION_AT:
        return f"{kind} {words[1]} {words[_DIMENSION_AT[kind]]}"
    return f"{kind} {words[1]}" if kind in _TALLIES else kind


async def _family(redis: Redis, name: str, sample: _Sample) -> Family:
    async with redis.pipeline(transaction=False) as pipe:
        for key in sample.kept:
            pipe.memory_usage(key, samples=0)
            pipe.type(key)
        answers = await pipe.execute()
    sizes = [int(size) for size in answers[::2] if size]
    parts = await _parts(redis, sample.kept, answers[1::2])
    windows = [len({field[:-1] for field in each}) for each in parts] if name.split()[0] in _WINDOWED else []
    return Family(name, sample.keys, _mean(sizes), _mean([len(each) for each in parts]), _mean(windows))


async def _parts(redis: Redis, keys: Sequence[bytes], types: Sequence[bytes]) -> list[list[bytes]]:
    """Fields or members of hashes, sets and sorted sets."""
    async with redis.pipeline(transaction=False) as pipe:
        for key, type in zip(keys, types, strict=True):
            if type == b"hash":
                pipe.hkeys(key)
            elif type == b"zset":
                pipe.zrange(key, 0, -1)
            elif type == b"set":
                pipe.smembers(key)
        return [list(each) for each in await pipe.execute()]


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0.0
