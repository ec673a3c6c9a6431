"""Ids ranked in a window. Which ids there are, the settles have noted by the day (`Keys.ids`): nothing is scanned.

A ranking reads every id that has the day, whatever the number of those asked for. It is kept for as long as it took
times `REST` (a second at least), so that readers who all ask the same cost the store a tenth of its time at most.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple

from streams.board.book import Book, Command, Moment, fields
from streams.board.problems import Refused
from streams.board.tallies import sketches
from streams.board.windows import Ranked, year_of
from streams.tally.counters import PLATFORM_ID
from streams.tally.windows import DAY_MS

REST = 10.0
LEAST_KEPT_S = 1.0
#: replies that one ranking may cost: about ten seconds
MOST_READS = 1_000_000
#: hours take orders for 35 days, and their floor stays one more behind: what is older changes no more
_SETTLED_DAYS = 37
#: ids that are kept in memory, over all rankings: about 100 MB
_KEPT_IDS = 400_000


class Sum(NamedTuple):
    """What an id has in a window: GMV in fen and paid orders."""

    gmv_fen: int
    orders_paid: int


class Values(NamedTuple):
    """All ids of a window; `distinct` is the number that they are ranked by, if that is one."""

    sums: Mapping[str, Sum]
    distinct: Mapping[str, int]


class _Kept(NamedTuple):
    until: float
    values: Values


class Leaders:
    """Reads what ids have in windows."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._kept: dict[tuple[str, Ranked, str], _Kept] = {}
        self._locks: defaultdict[tuple[str, Ranked, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        #: (dimension, first day) -> the day up to which the sums are taken in, and they: days that change no more
        self._settled: dict[tuple[str, int], tuple[int, dict[str, Sum]]] = {}

    async def values(self, dimension: str, window: Ranked, of: str = "") -> Values:
        """The sums of all ids, and with `of` (`buyers`, …) their distinct counts; none of them is an older reading
        than it took to make times `REST`. Raises `Refused` if that is too much to read.
        """
        key = dimension, window, of
        async with self._locks[key]:  # those who ask the same wait for one reading
            kept = self._kept.get(key)
            if kept is not None and monotonic() < kept.until:
                return kept.values
            began = monotonic()
            values = await self._read(dimension, window, of)
            self._keep(key, began, values)
        return values

    def _keep(self, key: tuple[str, Ranked, str], began: float, values: Values) -> None:
        now = monotonic()
        self._kept.pop(key, None)
        self._kept[key] = _Kept(now + max(LEAST_KEPT_S, (now - began) * REST), values)
        left = _KEPT_IDS
        for each in reversed(list(self._kept)):
            left -= len(self._kept[each].values.sums) + 1
            if left < 0 and each != key:
                del self._kept[each]
        for each in [each for each, lock in self._locks.items() if each not in self._kept and not lock.locked()]:
            del self._locks[each]

    async def _read(self, dimension: str, window: Ranked, of: str) -> Values:
        ids = await self._ids(dimension, window.days())
        if window.grain == "hour":
            sums = await self._hours(dimension, window.first, ids)
        else:
            sums = await self._days(dimension, window, ids)
        if not of:
            return Values(sums, {})
        distinct = await self._distinct(dimension, window, of, sorted(sums))
        return Values(sums, {id: min(count, sums[id].orders_paid) for id, count in distinct.items()})

    async def final(self, dimension: str, window: Ranked, moment: Moment) -> bool:
        """Whether the window is closed, and nothing came to any of the ids behind that.

        Of a year that is said once its last hour takes no more orders.
        """
        end_ms = window.bounds_ms(self._book.zone)[1]
        if window.span == "year":
            whole = year_of(window.stop) > year_of(window.first)
            return whole and moment.closed(end_ms + _SETTLED_DAYS * DAY_MS)
        if not moment.closed(end_ms):
            return False
        at = b"%02d" % (window.first % 24) if window.grain == "hour" else b""
        replies = await self._book.each(
            [("HGETALL", keys.late(dimension, window.days()[0])) for keys in self._book.shards]
        )
        told = (int(value) for reply in replies for name, value in fields(reply).items() if name.startswith(at))
        return max(told, default=0) < end_ms + moment.lateness_ms

    # -- which ids -----------------------------------------------------------------------------
    async def _ids(self, dimension: str, days: Sequence[int]) -> dict[int, list[str]]:
        """The ids of each day."""
        if dimension == "platform":
            return {day: [PLATFORM_ID] for day in days}
        places = [(keys, day) for keys in self._book.shards for day in days]
        sizes = await self._book.each([("HLEN", keys.ids(dimension, day)) for keys, day in places])
        if (reads := sum(sizes)) > MOST_READS:
            raise Refused(
                422, f"{reads:,} tallies would have to be read: ask for an hour or a day, or for fewer ids", "too-much"
            )
        found: defaultdict[int, list[str]] = defaultdict(list)
        names = await self._book.each([("HKEYS", keys.ids(dimension, day)) for keys, day in places])
        for (_, day), reply in zip(places, names, strict=True):
            found[day] += [id.decode() for id in reply]
        return found

    # -- their sums ----------------------------------------------------------------------------
    async def _hours(self, dimension: str, hour: int, by_day: Mapping[int, list[str]]) -> dict[str, Sum]:
        ids, day, at = by_day.get(hour // 24, []), hour // 24, f"{hour % 24:02d}"
        commands: list[Command] = [
            ("HMGET", self._book.of(dimension, id).hours(dimension, day, id), f"{at}g", f"{at}p") for id in ids
        ]
        replies = await self._book.each(commands)
        return {
            id: Sum(int(gmv or 0), int(paid or 0)) for id, (gmv, paid) in zip(ids, replies, strict=True) if gmv or paid
        }

    async def _days(self, dimension: str, window: Ranked, by_day: Mapping[int, list[str]]) -> dict[str, Sum]:
        """The sums of days; those that change no more are read once."""
        through, kept = self._settled.get((dimension, window.first), (window.first, {}))
        if through > window.stop:
            through, kept = window.first, {}
        total = dict(kept)
        settled_before = await self._settled_before()
        for day in range(through, window.stop):
            _add(total, await self._day(dimension, day, by_day.get(day, [])))
            if window.span == "year" and day < settled_before:
                self._settled[dimension, window.first] = day + 1, dict(total)
        return total

    async def _settled_before(self) -> int:
        moment = await self._book.moment()
        return 0 if moment.as_of_ms is None else self._book.zone.day(moment.as_of_ms - _SETTLED_DAYS * DAY_MS)

    async def _day(self, dimension: str, day: int, ids: Sequence[str]) -> dict[str, Sum]:
        """Hours and what is rolled up of them, which a purge moves at one moment."""
        commands: list[Command] = []
        for id in ids:
            keys = self._book.of(dimension, id)
            commands += [
                ("HGETALL", keys.hours(dimension, day, id)),
                ("HMGET", keys.days(dimension, day, id), "g", "p"),
            ]
        replies = await self._book.pairs(commands)
        return {id: _of_day(*of) for id, of in zip(ids, zip(replies[::2], replies[1::2], strict=True), strict=True)}

    # -- their distinct ids --------------------------------------------------------------------
    async def _distinct(self, dimension: str, window: Ranked, of: str, ids: Sequence[str]) -> dict[str, int]:
        indexes = range(window.first, window.stop)
        cost = len(ids) * len(indexes) * (1 if window.grain == "hour" else 25)
        if cost > MOST_READS:
            raise Refused(422, f"{cost:,} sketches would have to be read: ask for an hour or a day", "too-much")
        commands: list[Command] = []
        for id in ids:
            keys = self._book.of(dimension, id)
            names = (name for at in indexes for name in sketches(keys, of, dimension, window.grain, at, id))
            commands.append(("PFCOUNT", *names))
        return {id: int(count) for id, count in zip(ids, await self._book.each(commands), strict=True)}


def _of_day(hours: Any, rolled: Sequence[bytes | None]) -> Sum:
    gmv, paid = (int(each or 0) for each in rolled)
    for name, value in fields(hours).items():
        if name[2:] == b"g":
            gmv += int(value)
        elif name[2:] == b"p":
            paid += int(value)
    return Sum(gmv, paid)


def _add(total: dict[str, Sum], more: Mapping[str, Sum]) -> None:
    for id, (gmv, paid) in more.items():
        had = total.get(id)
        total[id] = Sum(gmv, paid) if had is None else Sum(had.gmv_fen + gmv, had.orders_paid + paid)
