"""What is answered of tallies and sessions: parameters, as `asking.py` has read them, to an answer."""

from __future__ import annotations

from typing import Any

from schemas.alerts import GROSS
from schemas.answers import Session, Tallies
from streams.board.book import Book, Moment
from streams.board.problems import Refused
from streams.board.sessions import Sessions
from streams.board.tallies import Tallies as Reader
from streams.tally.counters import MINUTE_DIMENSIONS

#: windows of one page, and how many there are where no start is asked for
_PAGE = 400
_USUAL = {"minute": 60, "hour": 24, "day": 30}


class Answering:
    """Answers from one store. Raises `Refused`, and `redis.RedisError`."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._tallies = Reader(book)
        self._sessions = Sessions(book, self._tallies)

    # -- tallies -------------------------------------------------------------------------------
    async def tallies(self, asked: dict[str, Any]) -> Tallies:
        """`/v1/tallies/{dimension}/{id}`."""
        dimension, id, grain = asked["dimension"], asked["id"], asked["grain"]
        if grain == "minute" and dimension not in MINUTE_DIMENSIONS:
            raise Refused(400, f"minutes are kept of {', '.join(sorted(MINUTE_DIMENSIONS))} alone", "no-minutes")
        moment = await self._book.moment()
        first, stop = self._span(asked, grain, moment)
        end = min(stop, first + _PAGE)
        windows = await self._tallies.windows(dimension, id, grain, first, end, moment) if end > first else []
        return Tallies(
            dimension=dimension,
            id=id,
            grain=grain,
            metric=GROSS,
            as_of_ms=moment.as_of_ms,
            windows=windows,
            next=str(max(0, self._book.zone.start_ms(grain, end))) if end < stop else None,
        )

    def _span(self, asked: dict[str, Any], grain: str, moment: Moment) -> tuple[int, int]:
        """The windows asked for: from the one that holds `from_ms` (or the cursor) to the last that begins in time."""
        from_ms, to_ms, cursor = asked["from_ms"], asked["to_ms"], asked["cursor"]
        if to_ms is not None and from_ms is not None and to_ms < from_ms:
            raise Refused(400, "to_ms is before from_ms", "invalid-parameter")
        if to_ms is not None:
            stop = self._book.index(grain, to_ms - 1) + 1
        elif moment.as_of_ms is None:
            raise Refused(409, "there is no watermark yet: say from_ms and to_ms, or wait for events", "no-watermark")
        else:
            stop = self._book.index(grain, moment.as_of_ms) + 1
        if cursor is not None:
            return self._book.index(grain, cursor), stop
        return (stop - _USUAL[grain] if from_ms is None else self._book.index(grain, from_ms)), stop

    async def session(self, asked: dict[str, Any]) -> Session:
        """`/v1/sessions/{id}`."""
        found = await self._sessions.session(asked["id"], await self._book.moment())
        if found is None:
            raise Refused(404, "no event of a session of this name was counted, or it is older than what is kept")
        return found
