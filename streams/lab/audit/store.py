"""What Redis holds, under the names of the truth: stored hours and minutes, and what is derived from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

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

#: a local day of a tally: dimension, day, id
Day = tuple[str, int, str]
#: sums of one window by counter code
Codes = defaultdict[str, int]


class Sink(Protocol):
    """Takes what is read. A window that comes again replaces what came before: the later reading is the newer one."""

    def tallies(self, found: Mapping[Tally, dict[str, int]]) -> None:
        """Tallies with all their counters by name."""

    def sketches(self, found: Mapping[Sketch, int]) -> None:
        """Estimated distinct counts."""

    def note(self, days: Iterable[Day]) -> None:
        """Remember days of which sketches were seen."""

    def noted(self) -> Iterable[list[Day]]:
        """The days since the last time this was asked, each once, in batches."""


@dataclass(slots=True)
class Stored:
    """Tallies with all their counters by name, and estimated distinct counts; complete above `floors`."""

    tallies: dict[Tally, dict[str, int]] = field(default_factory=dict)
    sketches: dict[Sketch, int] = field(default_factory=dict)
    floors: Floors = field(default_factory=Floors)


class _InMemory:
    """A sink for stores that fit."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._days: set[Day] = set()

    def tallies(self, found: Mapping[Tally, dict[str, int]]) -> None:
        self._stored.tallies.update(found)

    def sketches(self, found: Mapping[Sketch, int]) -> None:
        self._stored.sketches.update(found)

    def note(self, days: Iterable[Day]) -> None:
        self._days.update(days)

    def noted(self) -> Iterator[list[Day]]:
        days, self._days = sorted(self._days), set()
        yield from (days[at : at + _BATCH] for at in range(0, len(days), _BATCH))


async def read_into(redis: Redis, shards: Sequence[Keys], zone: Zone, late_days: int, sink: Sink) -> Floors:
    """Give everything that the shards hold to `sink`; returns the floors above which it is complete.

    A session's total takes the hours until `late_days` after its declared end. It may be read while a worker purges: a
    day and its hours are read at one moment, and the floors last.
    """
    for keys in shards:
        await _read_days(redis, keys, zone, sink)
        await _read_minutes(redis, keys, zone, sink)
        await _read_sessions(redis, keys, zone, late_days, sink)
        for of in SKETCHES:
            await _read_sketches(redis, keys, zone, of, sink)
    return common([await read_floors(redis, keys) for keys in shards])


async def read_stored(redis: Redis, shards: Sequence[Keys], zone: Zone, late_days: int) -> Stored:
    """As `read_into`, into memory."""
    stored = Stored()
    stored.floors = await read_into(redis, shards, zone, late_days, _InMemory(stored))
    return stored


# -- sums ----------------------------------------------------------------------------------------
async def _read_days(redis: Redis, keys: Keys, zone: Zone, sink: Sink) -> None:
    """Days that have hours, and then those that were rolled up; one that is moved in between is read again."""
    for family in ("hours", "days"):
        prefix = f"{keys.prefix}{family}:"
        async for batch in _scan(redis, prefix):
            names = [
                name.split(":", 2) for key in batch if not (name := key.removeprefix(prefix)).startswith("session:")
            ]
            days = [(name[0], int(name[1]), name[2]) for name in names]
            commands = [("HGETALL", key) for day in days for key in (keys.hours(*day), keys.days(*day))]
            replies = iter(await _at_one_moment(redis, commands))
            for day in days:
                sink.tallies(_day(day, _integers(next(replies)), _integers(next(replies)), zone))


def _day(
    of_day: Day, hours: Mapping[str, int], rolled_up: Mapping[str, int], zone: Zone
) -> dict[Tally, dict[str, int]]:
    dimension, day, id = of_day
    sums = _Sums()
    for name, value in hours.items():
        sums.add_hour(dimension, id, day * 24 + int(name[:2]), name[2:], value, zone)
    for code, value in rolled_up.items():
        sums.add(Tally(dimension, id, "day", zone.start_ms("day", day)), code, value)
    return sums.named()


async def _read_minutes(redis: Redis, keys: Keys, zone: Zone, sink: Sink) -> None:
    async for key, fields in _hashes(redis, keys.prefix + "minutes:"):
        dimension, hour, id = key.split(":", 2)
        sums = _Sums()
        for name, value in fields.items():
            start_ms = zone.start_ms("minute", int(hour) * 60 + int(name[:2]))
            sums.add(Tally(dimension, id, "minute", start_ms), name[2:], value)
        sink.tallies(sums.named())


async def _read_sessions(redis: Redis, keys: Keys, zone: Zone, late_days: int, sink: Sink) -> None:
    async for session_id, fields in _hashes(redis, keys.prefix + "hours:session:"):
        ended = cast("bytes | None", await redis.hget(keys.session(session_id), "ended"))
        limit_ms = None if ended is None else int(ended[:15]) + late_days * DAY_MS
        sums = _Sums()
        for name, value in fields.items():
            hour, code = int(name[:-1]), name[-1]
            sums.add_hour("session", session_id, hour, code, value, zone)
            if limit_ms is None or zone.start_ms("hour", hour) < limit_ms:
                sums.add(Tally("session", session_id, "session", 0), code, value)
        sink.tallies(sums.named())


class _Sums:
    """Sums of a few windows."""

    def __init__(self) -> None:
        self._sums: defaultdict[Tally, Codes] = defaultdict(lambda: defaultdict(int))

    def add(self, tally: Tally, code: str, value: int) -> None:
        self._sums[tally][code] += value

    def add_hour(self, dimension: str, id: str, hour: int, code: str, value: int, zone: Zone) -> None:
        self.add(Tally(dimension, id, "hour", zone.start_ms("hour", hour)), code, value)
        self.add(Tally(dimension, id, "day", zone.start_ms("day", hour // 24)), code, value)

    def named(self) -> dict[Tally, dict[str, int]]:
        return {tally: with_net(counters) for tally, counters in self._sums.items()}


# -- distinct counts -----------------------------------------------------------------------------
async def _read_sketches(redis: Redis, keys: Keys, zone: Zone, of: str, sink: Sink) -> None:
    async for batch in _scan(redis, f"{keys.prefix}{of}:"):
        names = [key.removeprefix(f"{keys.prefix}{of}:") for key in batch]
        # named twice: of a single sketch Redis would store the count inside of it, and an audit writes nothing
        counts = await _each(redis, [("PFCOUNT", key, key) for key in batch])
        sink.sketches({_sketch(of, name, zone): count for name, count in zip(names, counts, strict=True)})
        hours = [name.split(":", 2) for name in names if not name.startswith("session:")]
        sink.note((dimension, int(hour) // 24, id) for dimension, hour, id in hours)
    prefix = f"{keys.prefix}day-{of}:"
    async for batch in _scan(redis, prefix):
        days = [key.removeprefix(prefix).split(":", 2) for key in batch]
        sink.note((dimension, int(day), id) for dimension, day, id in days)
    for noted in sink.noted():
        counts = await _each(redis, [("PFCOUNT", *_sketches_of_day(keys, of, day)) for day in noted])
        found = zip(noted, counts, strict=True)
        sink.sketches(
            {
                Sketch(of, dimension, id, "day", zone.start_ms("day", day)): count
                for (dimension, day, id), count in found
            }
        )


def _sketch(of: str, name: str, zone: Zone) -> Sketch:
    dimension, rest = name.split(":", 1)
    if dimension == "session":
        return Sketch(of, "session", rest, "session", 0)
    hour, id = rest.split(":", 1)
    return Sketch(of, dimension, id, "hour", zone.start_ms("hour", int(hour)))


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
    """The keys under `prefix` in batches; a scan may give one twice."""
    pattern = literal_glob(prefix) + "*"
    cursor = 0
    while True:
        scanned = await redis.scan(cursor, match=pattern, count=_BATCH)
        cursor, found = cast("tuple[int, list[bytes]]", scanned)
        if found:
            yield [each.decode() for each in found]
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
