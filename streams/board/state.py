"""What is streamed, read from the store: one look at everything that the live page shows."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

from schemas.alerts import GROSS, Rule
from schemas.answers import Standing
from schemas.live import (
    Freshness,
    History,
    Leader,
    Minutes,
    OpenSession,
    OpenSessions,
    RunningHour,
    Share,
    Snapshot,
)
from streams.board.book import Book, fields
from streams.board.leaders import Leaders, Sum
from streams.board.sessions import Known, known
from streams.board.standings import standings
from streams.board.windows import Ranked
from streams.marks.names import hour_id
from streams.marks.store import MarkStore
from streams.marks.watermark import merge_shards
from streams.retention.floors import read_floors
from streams.tally.counters import PLATFORM_ID

_TOP, _OPEN, _SCOPES = 10, 20, 12
_RECENT_MINUTES = 10
#: history moves when something closes; standings of many scopes need not be read twice a second
_HISTORY_EVERY_S = 5.0


class StateReader:
    """Reads the state. Raises `redis.RedisError`."""

    def __init__(self, book: Book, leaders: Leaders) -> None:
        self._book = book
        self._leaders = leaders
        self._marks = MarkStore(book.redis, book.shards)
        self._history: tuple[float, History | None] = (0.0, None)

    async def read(self, now_ms: int) -> Snapshot:
        """Everything but the alerts, at the clock's `now_ms`."""
        moment = await self._book.moment()
        partitions = merge_shards(await self._marks.progress())
        as_of_ms = moment.as_of_ms
        freshness = Freshness(
            as_of_ms=as_of_ms,
            now_ms=now_ms,
            behind_ms=None if as_of_ms is None else now_ms - as_of_ms,
            unread=any(each.unread for each in partitions),
            store=True,
        )
        if as_of_ms is None:
            return nothing(freshness)
        hour = self._book.zone.hour(as_of_ms)
        return Snapshot(
            freshness=freshness,
            hour=await self._running(hour),
            minutes=await self._minutes(as_of_ms),
            clusters=await self._leading("cluster", hour),
            anchors=await self._leading("anchor", hour),
            channels=await self._channels(hour),
            sessions=await self._open(as_of_ms),
            history=await self._scopes(hour),
            alerts=[],
            alerts_after=None,
        )

    # -- the running hour ----------------------------------------------------------------------
    async def _running(self, hour: int) -> RunningHour:
        keys, at = self._book.of("platform", PLATFORM_ID), f"{hour % 24:02d}"
        sums, buyers = await self._book.at_once(
            [
                ("HMGET", keys.hours("platform", hour // 24, PLATFORM_ID), *(f"{at}{code}" for code in "gpr")),
                ("PFCOUNT", keys.sketch("buyers", "platform", hour, PLATFORM_ID)),
            ]
        )
        gmv, paid, refunds = (int(each or 0) for each in sums)
        (standing,) = await standings(self._book, Rule.PEAK_HOUR, [("platform", PLATFORM_ID)])
        start_ms, end_ms = self._book.window("hour", hour)
        return RunningHour(
            id=hour_id(hour),
            start_ms=start_ms,
            end_ms=end_ms,
            gmv_fen=gmv,
            net_gmv_fen=gmv - refunds,
            orders_paid=paid,
            buyers=min(int(buyers), paid),  # as in `tallies.counters`
            best=standing.best,
            reasons={} if standing.best else {"best": "no hour has closed yet"},
        )

    async def _minutes(self, as_of_ms: int) -> Minutes:
        stop = self._book.zone.minute(as_of_ms) + 1
        keys = self._book.of("platform", PLATFORM_ID)
        floor = (await read_floors(self._book.redis, keys)).minutes
        (sums,) = await self._minute_sums([("platform", PLATFORM_ID)], stop)
        shown = [sums.get(minute, 0) if minute >= floor else None for minute in range(stop - 60, stop)]
        return Minutes(start_ms=self._book.zone.start_ms("minute", stop - 60), gmv_fen=shown)

    async def _minute_sums(self, tallies: Sequence[tuple[str, str]], stop: int) -> list[dict[int, int]]:
        """GMV by local minute of the hours that the last 60 minutes before `stop` touch, for each tally."""
        hours = range((stop - 60) // 60, (stop - 1) // 60 + 1)
        commands = [
            ("HGETALL", self._book.of(dimension, id).minutes(dimension, hour, id))
            for dimension, id in tallies
            for hour in hours
        ]
        replies = iter(await self._book.each(commands))
        return [{minute: fen for hour in hours for minute, fen in _gmv(hour, next(replies))} for _ in tallies]

    async def _leading(self, dimension: str, hour: int) -> list[Leader]:
        sums = await self._sums(dimension, hour)
        best = sorted(sums.items(), key=lambda each: (-each[1].gmv_fen, each[0]))[:_TOP]
        return [
            Leader(rank=at, id=id, gmv_fen=each.gmv_fen, orders_paid=each.orders_paid)
            for at, (id, each) in enumerate(best, start=1)
            if each.gmv_fen
        ]

    async def _sums(self, dimension: str, hour: int) -> dict[str, Sum]:
        return dict((await self._leaders.values(dimension, Ranked("hour", "hour", hour, hour + 1))).sums)

    async def _channels(self, hour: int) -> list[Share]:
        sums = await self._sums("channel", hour)
        total = sum(each.gmv_fen for each in sums.values())
        return [
            Share(
                id=id,
                gmv_fen=each.gmv_fen,
                orders_paid=each.orders_paid,
                share=each.gmv_fen / total if total else None,
            )
            for id, each in sorted(sums.items(), key=lambda each: (-each[1].gmv_fen, each[0]))
        ]

    # -- open sessions -------------------------------------------------------------------------
    async def _open(self, as_of_ms: int) -> OpenSessions:
        rank = (Rule.RECORD_SESSION, GROSS, "platform", PLATFORM_ID)
        key = self._book.of("platform", PLATFORM_ID).ranking_open(*rank)
        count, best = await self._book.each([("ZCARD", key), ("ZREVRANGE", key, 0, _OPEN - 1)])
        ids = [id.decode() for id in best]
        sessions = await self._known(ids)
        scopes = {scope: None for session in sessions for scope in session.scopes()}
        read = await standings(self._book, Rule.RECORD_SESSION, list(scopes))
        records = dict(zip(scopes, read, strict=True))
        stop = self._book.zone.minute(as_of_ms)
        minutes = await self._minute_sums([("session", session.id) for session in sessions], stop)
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

    # -- history -------------------------------------------------------------------------------
    async def _scopes(self, hour: int) -> History:
        """Standings of the platform and of the categories and clusters that sell most in the running hour."""
        read_at, history = self._history
        if history is None or monotonic() - read_at > _HISTORY_EVERY_S:
            scopes = [("platform", PLATFORM_ID)]
            for dimension in ("category", "cluster"):
                scopes += [(dimension, leader.id) for leader in (await self._leading(dimension, hour))[:_SCOPES]]
            history = History(
                hours=await standings(self._book, Rule.PEAK_HOUR, scopes),
                sessions=await standings(self._book, Rule.RECORD_SESSION, scopes),
            )
            self._history = monotonic(), history
        return history


def nothing(freshness: Freshness) -> Snapshot:
    """The state while there is no watermark."""
    return Snapshot(
        freshness=freshness,
        hour=None,
        minutes=None,
        clusters=None,
        anchors=None,
        channels=None,
        sessions=None,
        history=None,
        alerts=[],
        alerts_after=None,
    )


def _gmv(hour: int, reply: Any) -> list[tuple[int, int]]:
    return [(hour * 60 + int(name[:2]), int(value)) for name, value in fields(reply).items() if name[2:] == b"g"]
