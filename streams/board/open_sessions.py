"""What is streamed of sessions that have not closed, and the minutes that their pace is told by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.alerts import GROSS, Rule
from schemas.answers import Standing
from schemas.live import OpenSession, OpenSessions
from streams.board.book import Book, fields
from streams.board.sessions import Known, known
from streams.board.standings import standings
from streams.tally.counters import PLATFORM_ID

_SHOWN = 20
_RECENT_MINUTES = 10


class OpenReader:
    """Reads the open sessions. Raises `redis.RedisError`."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def read(self, as_of_ms: int) -> OpenSessions:
        """Those with the most GMV at the watermark `as_of_ms`."""
        rank = (Rule.RECORD_SESSION, GROSS, "platform", PLATFORM_ID)
        key = self._book.of("platform", PLATFORM_ID).ranking_open(*rank)
        count, best = await self._book.each([("ZCARD", key), ("ZREVRANGE", key, 0, _SHOWN - 1)])
        ids = [id.decode() for id in best]
        sessions = await self._known(ids)
        scopes = {scope: None for session in sessions for scope in session.scopes()}
        read = await standings(self._book, Rule.RECORD_SESSION, list(scopes))
        records = dict(zip(scopes, read, strict=True))
        stop = self._book.zone.minute(as_of_ms)
        minutes = await minute_sums(self._book, [("session", session.id) for session in sessions], stop)
        recent = [sum(of.get(stop - back, 0) for back in range(1, _RECENT_MINUTES + 1)) for of in minutes]
        shown = [self._session(*each, records) for each in zip(sessions, recent, strict=True)]
        return OpenSessions(count=count, top=sorted(shown, key=lambda each: (-each.gmv_fen, each.session_id)))

    async def _known(self, ids: Sequence[str]) -> list[Known]:
        commands: list[Any] = []
        for id in ids:
            keys = self._book.of("session", id)
            commands += [
                ("HMGET", keys.session(id), "started", "ended", "last_ms"),
                ("HGETALL", keys.session_hours(id)),
            ]
        replies = await self._book.pairs(commands)
        found = (known(id, *replies[2 * at : 2 * at + 2]) for at, id in enumerate(ids))
        return [each for each in found if each is not None]

    def _session(self, session: Known, recent: int, records: dict[tuple[str, str], Standing]) -> OpenSession:
        total = session.total(self._book.zone)
        gmv = total.get("g", 0)
        return OpenSession(
            session_id=session.id,
            declared=session.declared(),
            end_ms=session.end_ms,
            gmv_fen=gmv,
            net_gmv_fen=gmv - total.get("r", 0),
            orders_paid=total.get("p", 0),
            recent_fen=recent,
            records=[records[scope] for scope in session.scopes()],
        )


async def minute_sums(book: Book, tallies: Sequence[tuple[str, str]], stop: int) -> list[dict[int, int]]:
    """GMV by local minute of the hours that the last 60 minutes before `stop` touch, for each tally."""
    hours = range((stop - 60) // 60, (stop - 1) // 60 + 1)
    commands = [
        ("HGETALL", book.of(dimension, id).minutes(dimension, hour, id)) for dimension, id in tallies for hour in hours
    ]
    replies = iter(await book.each(commands))
    return [{minute: fen for hour in hours for minute, fen in _gmv(hour, next(replies))} for _ in tallies]


def _gmv(hour: int, reply: Any) -> list[tuple[int, int]]:
    return [(hour * 60 + int(name[:2]), int(value)) for name, value in fields(reply).items() if name[2:] == b"g"]
