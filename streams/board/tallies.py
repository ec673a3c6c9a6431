"""The windows of one tally as they are answered: counters, distinct counts, whether they are final."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.answers import Counters, Window
from streams.board.book import Book, Command, Moment, fields
from streams.keys import Keys
from streams.retention.deeds import SKETCHES
from streams.retention.policy import LONG_HOUR_DIMENSIONS, Floors
from streams.tally.counters import BUYER_HOUR_DIMENSIONS, COUNTERS, NONE_ID, TRADER_HOUR_DIMENSIONS, with_net
from streams.tally.index import late_field

#: sums of one window by counter code
Codes = dict[str, int]

_NAMES = (*COUNTERS.values(), "net_gmv_fen", "net_gmv_booked_fen")
_BELOW = "older than what is kept"
_NO_MINUTES = "no distinct counts are kept by the minute"


def keeps(of: str, dimension: str) -> bool:
    """Whether hours and days of a dimension keep a sketch of distinct `buyers`, `merchants` or `anchors`."""
    return dimension in (BUYER_HOUR_DIMENSIONS if of == "buyers" else TRADER_HOUR_DIMENSIONS)


def unknown(reason: str) -> Counters:
    """Counters of which nothing is known."""
    return Counters(**dict.fromkeys((*_NAMES, *SKETCHES), None), reasons=dict.fromkeys((*_NAMES, *SKETCHES), reason))


def counters(codes: Codes, distinct: Mapping[str, int | str]) -> Counters:
    """Sums, with what is known of distinct ids: a number each, or why there is none.

    An estimate that is above the number of orders is off: each of them has one buyer, merchant and anchor at most.
    """
    reasons = {of: reason for of, reason in distinct.items() if isinstance(reason, str)}
    most = codes.get("p", 0)
    numbers = {of: None if isinstance(number, str) else min(number, most) for of, number in distinct.items()}
    return Counters(**with_net(codes), **numbers, reasons=reasons)


class Tallies:
    """Reads the windows of tallies."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def windows(self, dimension: str, id: str, grain: str, first: int, stop: int, moment: Moment) -> list[Window]:
        """The windows `[first, stop)` (local indexes), each whether anything was counted in it or not."""
        keys = self._book.of(dimension, id)
        floors = await self._book.floors(keys)
        codes = await self._sums(keys, dimension, id, grain, first, stop)
        late = await self._late(keys, dimension, id, grain, first, stop)
        sketched = self._sketched(dimension, id, grain, first, stop, floors)
        distinct = await self._distinct(keys, dimension, id, grain, sketched)
        floor = floor_of(dimension, grain, floors)
        found = []
        for index in range(first, stop):
            start_ms, end_ms = self._book.window(grain, index)
            known = index >= floor
            # minutes become final with their hour: what comes late is noted by the hour
            closes_ms = self._book.window("hour", index // 60)[1] if grain == "minute" else end_ms
            final = known and moment.closed(closes_ms) and late.get(index, 0) < closes_ms + moment.lateness_ms
            told = counters(codes.get(index, {}), distinct[index]) if known else unknown(_BELOW)
            found.append(Window(start_ms=start_ms, end_ms=end_ms, final=final, counters=told))
        return found

    # -- sums ----------------------------------------------------------------------------------
    async def _sums(self, keys: Keys, dimension: str, id: str, grain: str, first: int, stop: int) -> dict[int, Codes]:
        if dimension == "session" and grain != "minute":
            return await self._session_sums(keys, id, grain)
        if grain == "day":
            return await self._days(keys, dimension, id, range(first, stop))
        size = 60 if grain == "minute" else 24
        of_parent = keys.minutes if grain == "minute" else keys.hours
        parents = range(first // size, -(-stop // size))
        replies = await self._book.at_once([("HGETALL", of_parent(dimension, parent, id)) for parent in parents])
        sums: defaultdict[int, Codes] = defaultdict(dict)
        for parent, reply in zip(parents, replies, strict=True):
            for name, value in fields(reply).items():
                sums[parent * size + int(name[:2])][name[2:].decode()] = int(value)
        return sums

    async def _days(self, keys: Keys, dimension: str, id: str, days: Sequence[int]) -> dict[int, Codes]:
        """A day is its hours and what was rolled up of it, read at one moment."""
        commands: list[Command] = [
            ("HGETALL", key) for day in days for key in (keys.hours(dimension, day, id), keys.days(dimension, day, id))
        ]
        replies = iter(await self._book.at_once(commands))
        return {day: summed_day(next(replies), next(replies)) for day in days}

    async def _session_sums(self, keys: Keys, id: str, grain: str) -> dict[int, Codes]:
        (reply,) = await self._book.at_once([("HGETALL", keys.session_hours(id))])
        sums: defaultdict[int, Codes] = defaultdict(lambda: defaultdict(int))
        for hour, codes in session_hours(reply).items():
            for code, value in codes.items():
                sums[hour if grain == "hour" else hour // 24][code] += value
        return sums

    # -- what came late ------------------------------------------------------------------------
    async def _late(self, keys: Keys, dimension: str, id: str, grain: str, first: int, stop: int) -> dict[int, int]:
        """Window -> the watermark at which an order last came to one of its hours, behind the end of that."""
        per_hour = {"minute": 60, "hour": 1}.get(grain, 0)
        hours = range(first // per_hour, -(-stop // per_hour)) if per_hour else range(first * 24, stop * 24)
        days = range(hours.start // 24, -(-hours.stop // 24))
        all_day = [[late_field(day * 24 + hour, id) for hour in range(24)] for day in days]
        commands: list[Command] = [
            ("HMGET", keys.late(dimension, day), *names) for day, names in zip(days, all_day, strict=True)
        ]
        found: defaultdict[int, int] = defaultdict(int)
        for day, reply in zip(days, await self._book.at_once(commands), strict=True):
            for at, told in enumerate(reply):
                hour = day * 24 + at
                touched = range(hour * per_hour, (hour + 1) * per_hour) if per_hour else [day]
                for index in touched if told is not None else ():
                    found[index] = max(found[index], int(told))
        return found

    # -- distinct ids --------------------------------------------------------------------------
    def _sketched(
        self, dimension: str, id: str, grain: str, first: int, stop: int, floors: Floors
    ) -> dict[int, dict[str, str]]:
        """For each window and kind of ids why none are known; "" where they are counted."""
        reasons = {of: why_none(of, dimension, id, grain) for of in SKETCHES}
        old = {of: reason or _BELOW for of, reason in reasons.items()}
        floor = floors.sketches if grain == "hour" else floors.days
        return {index: reasons if index >= floor else old for index in range(first, stop)}

    async def _distinct(
        self, keys: Keys, dimension: str, id: str, grain: str, sketched: Mapping[int, Mapping[str, str]]
    ) -> dict[int, dict[str, int | str]]:
        counted = [(index, of) for index, why in sketched.items() for of in SKETCHES if not why[of]]
        commands = [("PFCOUNT", *sketches(keys, of, dimension, grain, index, id)) for index, of in counted]
        found: dict[int, dict[str, int | str]] = {index: dict(why) for index, why in sketched.items()}
        for (index, of), reply in zip(counted, await self._book.each(commands), strict=True):
            found[index][of] = int(reply)
        return found


def floor_of(dimension: str, grain: str, floors: Floors) -> int:
    """The first window (local index) that is kept of a dimension."""
    if grain == "minute":
        return floors.minutes
    if dimension == "session":
        return floors.sessions * (24 if grain == "hour" else 1)
    if grain == "day":
        return floors.days
    return floors.long_hours if dimension in LONG_HOUR_DIMENSIONS else floors.hours


def why_none(of: str, dimension: str, id: str, grain: str) -> str:
    """Why no distinct count is known; "" where one is kept."""
    if grain == "minute":
        return _NO_MINUTES
    if dimension == "session" and of == "buyers":
        return "" if grain == "session" else "distinct buyers of a session are kept for its whole life"
    if not keeps(of, dimension):
        return f"no distinct {of} are kept of {dimension}"
    return f"no distinct {of} are kept of {id}" if id == NONE_ID else ""


def sketches(keys: Keys, of: str, dimension: str, grain: str, index: int, id: str) -> list[str]:
    """The sketches whose union one hour or day is: of a day its own and those of its hours."""
    if grain == "hour":
        return twice(keys.sketch(of, dimension, index, id))
    hours = range(index * 24, index * 24 + 24)
    return [keys.day_sketch(of, dimension, index, id), *(keys.sketch(of, dimension, hour, id) for hour in hours)]


def twice(sketch: str) -> list[str]:
    """A sketch as PFCOUNT takes it without writing: of a single one it stores the count inside of it."""
    return [sketch, sketch]


def summed_day(hours: Any, rolled_up: Any) -> Codes:
    """The sums of a day from its hours and its rolled up hash."""
    sums: defaultdict[str, int] = defaultdict(int)
    for name, value in fields(hours).items():
        sums[name[2:].decode()] += int(value)
    for code, value in fields(rolled_up).items():
        sums[code.decode()] += int(value)
    return sums


def session_hours(reply: Any) -> dict[int, Codes]:
    """The hours (local indexes) of a session."""
    hours: defaultdict[int, Codes] = defaultdict(dict)
    for name, value in fields(reply).items():
        hours[int(name[:-1])][name[-1:].decode()] = int(value)
    return hours
