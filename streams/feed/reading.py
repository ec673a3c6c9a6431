"""The feed: reads changed tallies of one shard, some hundred at a time, and makes the records of the topic of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis

from schemas.tallies import TallyState, encode_tally, hour_key, session_key
from streams.feed.states import Declared, Distinct, ReadAt, Terms, by_code, by_hour, hour_state, session_state
from streams.keys import Keys
from streams.retention.policy import LONG_HOUR_DIMENSIONS, Floors
from streams.scripts import lua_script
from streams.tally.counters import BUYER_HOUR_DIMENSIONS, COUNTERS, NONE_ID, TRADER_HOUR_DIMENSIONS

_CODES = "".join(COUNTERS)
_TWO_DIGITS = tuple(f"{number:02d}" for number in range(24))
_WHOLE, _COUNT, _DECLARED = 0, 1, 2

_pack = msgspec.msgpack.Encoder().encode

#: key and value of a record
Record = tuple[bytes, bytes]
Hour = tuple[str, str, int]


class TallyReader:
    """Reads tallies. Raises `redis.RedisError`."""

    def __init__(self, redis: Redis, terms: Terms) -> None:
        self._terms = terms
        self._script = lua_script(redis, "streams.feed", "read")

    async def hours(self, keys: Keys, hours: Sequence[Hour], floors: Floors, watermark_ms: int | None) -> list[Record]:
        """The records of these hours, without those that were purged or never stood there."""
        reads = _Reads(keys, floors.sketches)
        kept = [each for each in hours if each[2] >= _floor(each[0], floors)]
        for dimension, id, hour in kept:
            reads.hour(dimension, id, hour)
        version, replies = await self._read(reads)
        at, terms, values = ReadAt(version, watermark_ms), self._terms, iter(replies)
        records: list[Record] = []
        for dimension, id, hour in kept:
            codes = by_code(next(values))
            distinct = Distinct(*(next(values) for _ in _sketches(dimension, id, hour, floors.sketches)))
            if codes is not None:
                state = hour_state(terms, (dimension, id, hour), codes, distinct, at)
                records.append((hour_key(dimension, terms.zone.start_ms("hour", hour), id), encode_tally(state)))
        return records

    async def sessions(self, keys: Keys, ids: Sequence[str], watermark_ms: int | None) -> list[Record]:
        """The records of the totals of these sessions, without those that were purged."""
        reads = _Reads(keys)
        for id in ids:
            reads.session(id)
        version, replies = await self._read(reads)
        at = ReadAt(version, watermark_ms)
        threes = zip(replies[::3], replies[1::3], replies[2::3], strict=True)
        states = [self._session(id, *three, at) for id, three in zip(ids, threes, strict=True)]
        return [(session_key(state.id), encode_tally(state)) for state in states if state is not None]

    def _session(
        self, id: str, hours: list[bytes], said: list[bytes | None], buyers: int, at: ReadAt
    ) -> TallyState | None:
        if not hours and not any(said):
            return None
        started, ended, first_ms, last_ms = said
        declared = Declared((started or b"").decode(), (ended or b"").decode(), int(first_ms or 0), int(last_ms or 0))
        return session_state(self._terms, id, declared, by_hour(hours), buyers, at)

    async def _read(self, reads: _Reads) -> tuple[int, list[Any]]:
        version, *replies = await self._script(keys=[reads.sequence], args=[_pack([reads.keys, reads.how]), _CODES])
        return int(version), replies


class _Reads:
    """Keys, and how each is read (`read.lua`); `first_sketch` is the first local hour whose sketches are kept."""

    def __init__(self, keys: Keys, first_sketch: int = 0) -> None:
        self._keys = keys
        self._first_sketch = first_sketch
        self.sequence = keys.sequence()
        self.keys: list[str] = []
        self.how: list[str | int] = []

    def hour(self, dimension: str, id: str, hour: int) -> None:
        keys = self._keys
        if dimension == "session":
            self._add(keys.session_hours(id), str(hour))
        else:
            self._add(keys.hours(dimension, hour // 24, id), _TWO_DIGITS[hour % 24])
        for of in _sketches(dimension, id, hour, self._first_sketch):
            self._add(keys.sketch(of, dimension, hour, id), _COUNT)

    def session(self, id: str) -> None:
        self._add(self._keys.session_hours(id), _WHOLE)
        self._add(self._keys.session(id), _DECLARED)
        self._add(self._keys.session_buyers(id), _COUNT)

    def _add(self, key: str, how: str | int) -> None:
        self.keys.append(key)
        self.how.append(how)


def _sketches(dimension: str, id: str, hour: int, first_hour: int) -> tuple[str, ...]:
    """What is counted of the distinct ids of an hour; before the first hour whose sketches are kept, nothing."""
    if id == NONE_ID or dimension not in BUYER_HOUR_DIMENSIONS or hour < first_hour:
        return ()
    return ("buyers", "merchants", "anchors") if dimension in TRADER_HOUR_DIMENSIONS else ("buyers",)


def _floor(dimension: str, floors: Floors) -> int:
    """The first hour of a dimension that is kept; what stands below it is a part at most."""
    if dimension == "session":
        return 0  # its hours go with the session
    return floors.long_hours if dimension in LONG_HOUR_DIMENSIONS else floors.hours
