"""What Redis holds, under the names of the truth: stored hours and minutes, and what is derived from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from streams.keys import Keys, literal_glob
from streams.lab.audit.kept import common
from streams.lab.truth import Sketch, Tally
from streams.retention.deeds import SKETCHES
from streams.retention.floors import read_floors
from streams.retention.policy import Floors
from streams.tally.counters import with_net
from streams.tally.windows import DAY_MS, Zone

_BATCH = 500

Sums = defaultdict[Tally, defaultdict[str, int]]
#: a local day of a tally: dimension, day, id
Day = tuple[str, int, str]


@dataclass(slots=True)
class Stored:
    """Tallies with all their counters by name, and estimated distinct counts; complete above `floors`."""

    tallies: dict[Tally, dict[str, int]] = field(default_factory=dict)
    sketches: dict[Sketch, int] = field(default_factory=dict)
    floors: Floors = field(default_factory=Floors)


async def read_stored(redis: Redis, shards: Sequence[Keys], zone: Zone, late_days: int) -> Stored:
    """Everything the shards hold. A session's total takes the hours until `late_days` after its declared end.

    It may be read while a worker purges: a day and its hours are read at one moment, and the floors last.
    """
    sums: Sums = defaultdict(lambda: defaultdict(int))
    stored = Stored()
    for keys in shards:
        await _read_days(redis, keys, zone, sums)
        await _read_minutes(redis, keys, zone, sums)
        await _read_sessions(redis, keys, zone, late_days, sums)
        await _read_sketches(redis, keys, zone, stored)
    stored.tallies = {tally: with_net(counters) for tally, counters in sums.items()}
    stored.floors = common([await read_floors(redis, keys) for keys in shards])
    return stored


# -- sums ----------------------------------------------------------------------------------------
async def _read_days(redis: Redis, keys: Keys, zone: Zone, sums: Sums) -> None:
    """Days that have hours, and then those that were rolled up: a day that was moved in between is among both."""
    known: set[Day] = set()
    for family in ("hours", "days"):
        prefix = f"{keys.prefix}{family}:"
        async for batch in _scan(redis, prefix):
            names = [
                name.split(":", 2) for key in batch if not (name := key.removeprefix(prefix)).startswith("session:")
            ]
            days = [day for name in names if (day := (name[0], int(name[1]), name[2])) not in known]
            known.update(days)
            await _add_days(redis, keys, zone, days, sums)


async def _add_days(redis: Redis, keys: Keys, zone: Zone, days: Sequence[Day], sums: Sums) -> None:
    commands = [("HGETALL", key) for day in days for key in (keys.hours(*day), keys.days(*day))]
    replies = iter(await _at_one_moment(redis, commands))
    for dimension, day, id in days:
        for name, value in _integers(next(replies)).items():
            _add_hour(sums, dimension, id, day * 24 + int(name[:2]), name[2:], value, zone)
        for code, value in _integers(next(replies)).items():
            sums[Tally(dimension, id, "day", zone.start_ms("day", day))][code] += value


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
        ended = cast("bytes | None", await redis.hget(keys.session(session_id), "ended"))
        limit_ms = None if ended is None else int(ended[:15]) + late_days * DAY_MS
        for name, value in fields.items():
            hour, code = int(name[:-1]), name[-1]
            _add_hour(sums, "session", session_id, hour, code, value, zone)
            if limit_ms is None or zone.start_ms("hour", hour) < limit_ms:
                sums[Tally("session", session_id, "session", 0)][code] += value


# -- distinct counts -----------------------------------------------------------------------------
async def _read_sketches(redis: Redis, keys: Keys, zone: Zone, stored: Stored) -> None:
    for of in SKETCHES:
        days = await _read_hour_sketches(redis, keys, zone, of, stored)
        async for batch in _scan(redis, f"{keys.prefix}day-{of}:"):
            for key in batch:
                dimension, index, id = key.removeprefix(f"{keys.prefix}day-{of}:").split(":", 2)
                days.add((dimension, int(index), id))
        ordered = sorted(days)
        counts = await _each(redis, [("PFCOUNT", *_sketches_of_day(keys, of, day)) for day in ordered])
        for (dimension, day, id), count in zip(ordered, counts, strict=True):
            stored.sketches[Sketch(of, dimension, id, "day", zone.start_ms("day", day))] = count


async def _read_hour_sketches(redis: Redis, keys: Keys, zone: Zone, of: str, stored: Stored) -> set[Day]:
    days: set[Day] = set()
    prefix = f"{keys.prefix}{of}:"
    async for batch in _scan(redis, prefix):
        counts = await _each(redis, [("PFCOUNT", key) for key in batch])
        for key, count in zip(batch, counts, strict=True):
            dimension, rest = key.removeprefix(prefix).split(":", 1)
            if dimension == "session":
                stored.sketches[Sketch(of, "session", rest, "session", 0)] = count
                continue
            hour, id = rest.split(":", 1)
            stored.sketches[Sketch(of, dimension, id, "hour", zone.start_ms("hour", int(hour)))] = count
            days.add((dimension, int(hour) // 24, id))
    return days


def _sketches_of_day(keys: Keys, of: str, of_day: Day) -> list[str]:
    """One command counts them all, so that it does not matter which of them have been rolled up."""
    dimension, day, id = of_day
    hours = range(day * 24, day * 24 + 24)
    return [keys.day_sketch(of, dimension, day, id), *(keys.sketch(of, dimension, hour, id) for hour in hours)]


# -- reading -------------------------------------------------------------------------------------
async def _hashes(redis: Redis, prefix: str) -> AsyncIterator[tuple[str, dict[str, int]]]:
    """Key (without `prefix`) and integer fields of every hash under `prefix`."""
    async for batch in _scan(redis, prefix):
        for key, fields in zip(batch, await _each(redis, [("HGETALL", key) for key in batch]), strict=True):
            yield key.removeprefix(prefix), _integers(fields)


def _integers(fields: Mapping[bytes, bytes]) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in fields.items()}


async def _scan(redis: Redis, prefix: str) -> AsyncIterator[list[str]]:
    """The keys under `prefix` in batches, each key once (a scan may give one twice)."""
    pattern = literal_glob(prefix) + "*"
    seen: set[str] = set()
    cursor = 0
    while True:
        scanned = await redis.scan(cursor, match=pattern, count=_BATCH)
        cursor, found = cast("tuple[int, list[bytes]]", scanned)
        batch = [key for key in (each.decode() for each in found) if key not in seen]
        seen.update(batch)
        if batch:
            yield batch
        if not cursor:
            return


async def _each(redis: Redis, commands: Iterable[tuple[str, ...]]) -> list[Any]:
    return await _sent(redis.pipeline(transaction=False), commands)


async def _at_one_moment(redis: Redis, commands: Iterable[tuple[str, ...]]) -> list[Any]:
    return await _sent(redis.pipeline(transaction=True), commands)


async def _sent(pipeline: Pipeline, commands: Iterable[tuple[str, ...]]) -> list[Any]:
    async with pipeline as pipe:
        for command in commands:
            pipe.execute_command(*command)
        return await pipe.execute()
