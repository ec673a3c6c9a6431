"""The best hours and sessions of a scope."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from typing import Any, Literal, NamedTuple

import msgspec

from schemas.alerts import GROSS, NET, Holder, Rule
from schemas.answers import HolderRow
from streams.board.book import Book, Moment, fields
from streams.board.standings import holder
from streams.board.tallies import floor_of, session_hours
from streams.marks.names import hour_id
from streams.tally.windows import DAY_MS

#: a day more than anything is kept
_DAYS = 402
_ORDER_DIGITS = 16  # fifteen digits and a bar stand before a closed holder's id


class Page(NamedTuple):
    """Rows from `first` on, at most `limit`."""

    first: int
    limit: int


class Holders:
    """Reads the hours and sessions of scopes."""

    def __init__(self, book: Book) -> None:
        self._book = book

    # -- hours ---------------------------------------------------------------------------------
    async def hours(
        self, dimension: str, id: str, by: str, moment: Moment, page: Page
    ) -> tuple[list[HolderRow], int | None]:
        """The best hours of a scope that are kept, and from when on (epoch ms) they are; the earlier of equals first.

        `by` is `gmv` or `net`.
        """
        keys = self._book.of(dimension, id)
        floors = await self._book.floors(keys)
        floor = floor_of(dimension, "hour", floors)
        hours = {hour: sums for hour, sums in (await self._sums(dimension, id, moment)).items() if hour >= floor}
        best = nlargest(page.first + page.limit, ((codes[by], -hour) for hour, codes in hours.items() if codes["gmv"]))
        rows = [
            self._hour(page.first + at, -hour, value, moment)
            for at, (value, hour) in enumerate(best[page.first :], start=1)
        ]
        return rows, self._book.zone.start_ms("hour", floor) if floor else None

    async def _sums(self, dimension: str, id: str, moment: Moment) -> dict[int, dict[str, int]]:
        keys = self._book.of(dimension, id)
        if dimension == "session":
            (reply,) = await self._book.each([("HGETALL", keys.session_hours(id))])
            found = session_hours(reply)
        else:
            if moment.as_of_ms is None:
                return {}
            last = self._book.zone.day(moment.as_of_ms + DAY_MS)  # nothing is counted further ahead of its arrival
            days = range(last - _DAYS, last + 1)
            replies = await self._book.each([("HGETALL", keys.hours(dimension, day, id)) for day in days])
            found = {}
            for day, reply in zip(days, replies, strict=True):
                for name, value in fields(reply).items():
                    found.setdefault(day * 24 + int(name[:2]), {})[name[2:].decode()] = int(value)
        return {
            hour: {"gmv": codes.get("g", 0), "net": codes.get("g", 0) - codes.get("r", 0)}
            for hour, codes in found.items()
        }

    def _hour(self, rank: int, hour: int, value: int, moment: Moment) -> HolderRow:
        start_ms, end_ms = self._book.window("hour", hour)
        state: Literal["open", "closed"] = "closed" if moment.closed(end_ms) else "open"
        return HolderRow(
            rank=rank, holder=Holder("hour", hour_id(hour), start_ms, end_ms), state=state, value_fen=value
        )

    # -- sessions ------------------------------------------------------------------------------
    async def sessions(self, dimension: str, id: str, by: str, page: Page) -> list[HolderRow]:
        """The best sessions of a scope, open and closed, of all that are kept. `by` is `gmv` or `net`."""
        metric = NET if by == "net" else GROSS
        keys, rank = self._book.of(dimension, id), (Rule.RECORD_SESSION, metric, dimension, id)
        last = page.first + page.limit - 1
        closed, opened = await self._book.at_once(
            [
                ("ZREVRANGE", keys.ranking_closed(*rank), 0, last, "WITHSCORES"),
                ("ZREVRANGE", keys.ranking_open(*rank), 0, last, "WITHSCORES"),
            ]
        )
        found = [(value, "closed", name[_ORDER_DIGITS:]) for name, value in _scored(closed)]
        found += [(value, "open", name) for name, value in _scored(opened)]
        found.sort(key=lambda each: (-each[0], each[2]))
        shown = found[page.first : page.first + page.limit]
        entries = await self._book.each([("HGET", keys.ranking(*rank), b"h:" + name) for _, _, name in shown])
        return _session_rows(page.first, shown, entries)


def _session_rows(
    first: int, shown: Sequence[tuple[int, str, bytes]], entries: Sequence[bytes | None]
) -> list[HolderRow]:
    rows = []
    for at, ((value, state, _), packed) in enumerate(zip(shown, entries, strict=True), start=first + 1):
        if packed is not None:  # it left the ranking between the two readings
            who = holder(msgspec.msgpack.decode(packed), "session")
            rows.append(HolderRow(rank=at, holder=who, state=state, value_fen=value))  # type: ignore[arg-type]
    return rows


def _scored(flat: Any) -> list[tuple[bytes, int]]:
    """Members with their whole scores, whichever of its two shapes the reply has."""
    pairs = flat if flat and isinstance(flat[0], list | tuple) else list(zip(flat[::2], flat[1::2], strict=True))
    return [(name, int(float(value))) for name, value in pairs]
