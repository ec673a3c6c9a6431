"""One session as it is answered: declared, total, hours, and the records of its scopes."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Literal, NamedTuple

import msgspec

from schemas.alerts import GROSS, Rule
from schemas.answers import Declared, Session, Standing, Window
from streams.board.book import Book, Moment
from streams.board.standings import standings
from streams.board.tallies import Codes, Tallies, counters, session_hours, twice, why_none
from streams.marks.records import SILENCE_MS, declared_scopes
from streams.tally.sessions import END_OF_ID, TAIL_DAYS, Scopes
from streams.tally.windows import DAY_MS, Zone

_TAIL_MS = TAIL_DAYS * DAY_MS
_NO_START = "no session.started came"
_decode = msgspec.json.Decoder(Scopes).decode


class Known(NamedTuple):
    """What the store has of a session, from its two hashes (`started`, `ended` and times; hours by local index)."""

    id: str
    started: str
    ended: str
    last_ms: int
    hours: dict[int, Codes]

    @property
    def end_ms(self) -> int | None:
        """The declared end."""
        return int(self.ended[:15]) if self.ended else None

    @property
    def close_ms(self) -> int:
        """When its window ends: as declared, else after hours of silence."""
        return self.last_ms + SILENCE_MS if self.end_ms is None else self.end_ms

    def state(self, moment: Moment) -> Literal["open", "ended", "closed"]:
        """Where it is in its life."""
        if moment.closed(self.close_ms):
            return "closed"
        return "open" if self.end_ms is None else "ended"

    def total(self, zone: Zone) -> Codes:
        """The sums of the hours that count for it."""
        sums: Codes = defaultdict(int)
        for hour, codes in self.hours.items():
            if self.end_ms is None or zone.start_ms("hour", hour) < self.end_ms + _TAIL_MS:
                for code, value in codes.items():
                    sums[code] += value
        return sums

    def declared(self) -> Declared:
        """What its start said. The text is time, event id, JSON (`streams/tally/sessions.py`)."""
        if not self.started:
            return Declared()
        said = _decode(self.started[self.started.rindex(END_OF_ID) + 1 :])
        return Declared(start_ms=int(self.started[:15]), **msgspec.structs.asdict(said))

    def scopes(self) -> list[tuple[str, str]]:
        """Where its record counts, the widest first."""
        return declared_scopes(self.started)[::-1]


def known(id: str, hash: list[Any], hours: Any) -> Known | None:
    """A session from the replies of its two keys; None if there is none of that name."""
    started, ended, last_ms = ((each or b"").decode() for each in hash)
    found = session_hours(hours)
    if not last_ms and not found:
        return None
    return Known(id, started, ended, int(last_ms or 0), found)


class Sessions:
    """Reads sessions."""

    def __init__(self, book: Book, tallies: Tallies) -> None:
        self._book = book
        self._tallies = tallies

    async def session(self, id: str, moment: Moment) -> Session | None:
        """One session; None if there is none of that name."""
        keys = self._book.of("session", id)
        hash, hours, buyers = await self._book.at_once(
            [
                ("HMGET", keys.session(id), "started", "ended", "last_ms"),
                ("HGETALL", keys.session_hours(id)),
                ("PFCOUNT", *twice(keys.session_buyers(id))),
            ]
        )
        session = known(id, hash, hours)
        if session is None:
            return None
        records = await standings(self._book, Rule.RECORD_SESSION, session.scopes())
        windows = await self._windows(session, moment)
        return self._answer(session, int(buyers), records, windows, moment)

    async def _windows(self, session: Known, moment: Moment) -> list[Window]:
        """The hours with anything in them. They may lie days apart: orders are paid long after the end."""
        found: list[Window] = []
        for day in sorted({hour // 24 for hour in session.hours}):
            of_day = sorted(hour for hour in session.hours if hour // 24 == day)
            windows = await self._tallies.windows("session", session.id, "hour", of_day[0], of_day[-1] + 1, moment)
            found += [each for each in windows if self._book.index("hour", each.start_ms) in session.hours]
        return found

    def _answer(
        self, session: Known, buyers: int, records: list[Standing], windows: list[Window], moment: Moment
    ) -> Session:
        distinct: dict[str, int | str] = {
            of: why_none(of, "session", session.id, "session") for of in ("merchants", "anchors")
        }
        declared = session.declared()
        # what is paid in the 30 days behind the end still counts, so nothing is final before they are over
        settled = session.close_ms + _TAIL_MS
        return Session(
            session_id=session.id,
            state=session.state(moment),
            declared=declared,
            end_ms=session.end_ms,
            last_ms=session.last_ms or None,
            metric=GROSS,
            as_of_ms=moment.as_of_ms,
            final=moment.closed(settled) and all(each.final for each in windows),
            total=counters(session.total(self._book.zone), {"buyers": buyers, **distinct}),
            hours=windows,
            records=records,
            reasons={} if session.started else {"declared": _NO_START},
        )
