"""What Redis holds, under the names of the truth: stored hours and minutes, and what is derived from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

from redis.asyncio import Redis

from streams.keys import Keys
from streams.lab.truth import Sketch, Tally
from streams.tally.counters import with_net
from streams.tally.windows import DAY_MS, Zone

_BATCH = 500


@dataclass(slots=True)
class Stored:
    """Tallies with all their counters by name, and estimated distinct counts."""

    tallies: dict[Tally, dict[str, int]] = field(default_factory=dict)
    sketches: dict[Sketch, int] = field(default_factory=dict)


async def read_stored(redis: Redis, shards: list[Keys], zone: Zone, late_days: int) -> Stored:
    """Everything the shards hold. A session's total takes the hours until `late_days` after its declared end."""
    sums: defaultdict[Tally, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    stored = Stored()
    for keys in shards:
        await _read_hours(redis, keys, zone, sums)
        await _read_minutes(redis, keys, zone, sums)
        await _read_sessions(redis, keys, zone, late_days, sums)
        await _read_sketches(redis, keys, zone, stored)
    stored.tallies = {tally: with_net(counters) for tally, counters in sums.items()}
    return stored


Sums = defaultdict[Tally, defaultdict[str, int]]


async def _read_hours(redis: Redis, keys: Keys, zone: Zone, sums: Sums) -> None:
    async for key, fields in _hashes(redis, keys.prefix + "hours:"):
        dimension, rest = key.split(":", 1)
        if dimension == "session":
            continue
        day, id = rest.split(":", 1)
        for name, value in fields.items():
            hour = int(day) * 24 + int(name[:2])
            _add_hour(sums, dimension, id, hour, name[2:], value, zone)


def _add_hour(sums: Sums, dimension: str, id: str, hour: int, code: str, value: int, zone: Zone) -> None:
    sums[Tally(dimension, id, "hour", zone.start_ms("hour", hour))][code] += value
    sums[Tally(dimension, id, "day", zone.start_ms("day", hour // 24))][code] += value


async def _read_minutes(redis: Redis, keys: Keys, zone: Zone, sums: Sums) -> None:
    async for key, fields in _hashes(redis, keys.prefix + "minutes:"):
        dimension, hour, id = key.split(":", 2)
        for name, value in fields.items():
            minute = int(hour) * 60 + int(name[:2])
            sums[Tally(dimension, id, "minute", zone.start_ms("minute", minute))][name[2:]] += value


async def _read_sessions(redis: Redis, keys: Keys, zone: Zone, late_days: int, sums: Sums) -> None:
    async for session_id, fields in _hashes(redis, keys.prefix + "hours:session:"):
        ended = await redis.hget(keys.session(session_id), "ended")
        limit_ms = None if ended is None else int(ended.split(b"|", 1)[0]) + late_days * DAY_MS
        for name, value in fields.items():
            hour, code = int(name[:-1]), name[-1]
            _add_hour(sums, "session", session_id, hour, code, value, zone)
            if limit_ms is None or zone.start_ms("hour", hour) < limit_ms:
                sums[Tally("session", session_id, "session", 0)][code] += value


async def _read_sketches(redis: Redis, keys: Keys, zone: Zone, stored: Stored) -> None:
    for of in ("buyers", "merchants", "anchors"):
        days: defaultdict[tuple[str, int, str], list[str]] = defaultdict(list)
        async for batch in _scan(redis, f"{keys.prefix}{of}:"):
            counts = await _each(redis, [("PFCOUNT", key) for key in batch])
            for key, count in zip(batch, counts, strict=True):
                dimension, rest = key.removeprefix(f"{keys.prefix}{of}:").split(":", 1)
                if dimension == "session":
                    stored.sketches[Sketch(of, "session", rest, "session", 0)] = count
                    continue
                hour, id = rest.split(":", 1)
                stored.sketches[Sketch(of, dimension, id, "hour", zone.start_ms("hour", int(hour)))] = count
                days[dimension, int(hour) // 24, id].append(key)
        counts = await _each(redis, [("PFCOUNT", *hours) for hours in days.values()])
        for (dimension, day, id), count in zip(days, counts, strict=True):
            stored.sketches[Sketch(of, dimension, id, "day", zone.start_ms("day", day))] = count


async def _hashes(redis: Redis, prefix: str) -> AsyncIterator[tuple[str, dict[str, int]]]:
    """Key (without `prefix`) and integer fields of every hash under `prefix`."""
    async for batch in _scan(redis, prefix):
        for key, fields in zip(batch, await _each(redis, [("HGETALL", key) for key in batch]), strict=True):
            yield key.removeprefix(prefix), {name.decode(): int(value) for name, value in fields.items()}


async def _scan(redis: Redis, prefix: str) -> AsyncIterator[list[str]]:
    """The keys under `prefix` in batches, each key once (a scan may give one twice)."""
    pattern = "".join(f"\\{letter}" if letter in "*?[]\\" else letter for letter in prefix) + "*"
    seen: set[str] = set()
    cursor = 0
    while True:
        cursor, found = await redis.scan(cursor, match=pattern, count=_BATCH)
        batch = [key for key in (each.decode() for each in found) if key not in seen]
        seen.update(batch)
        if batch:
            yield batch
        if not cursor:
            return


async def _each(redis: Redis, commands: Iterable[tuple[str, ...]]) -> list[dict[bytes, bytes] | int]:
    async with redis.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        return await pipe.execute()
