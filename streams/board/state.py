"""What is streamed, read from the store: one look at everything that the live page shows."""

from __future__ import annotations

import asyncio
from heapq import nsmallest
from time import monotonic

from schemas.alerts import Rule
from schemas.live import (
    Freshness,
    History,
    Leader,
    Minutes,
    RunningHour,
    Share,
    Snapshot,
)
from streams.board.book import Book
from streams.board.leaders import Leaders
from streams.board.open_sessions import OpenReader, minute_sums
from streams.board.standings import standings
from streams.board.tallies import twice
from streams.board.windows import Ranked
from streams.marks.names import hour_id
from streams.marks.store import MarkStore
from streams.marks.watermark import merge_shards
from streams.retention.floors import read_floors
from streams.tally.counters import PLATFORM_ID

_TOP = 10
_LEADERS_WITHIN_S = 0.2
#: history moves when something closes; standings of many scopes need not be read twice a second
_HISTORY_EVERY_S = 5.0


class StateReader:
    """Reads the state. Raises `redis.RedisError`."""

    def __init__(self, book: Book, leaders: Leaders) -> None:
        self._book = book
        self._leaders = leaders
        self._open = OpenReader(book)
        self._marks = MarkStore(book.redis, book.shards)
        self._readings: dict[str, asyncio.Task[tuple[int, list[Leader]]]] = {}
        self._leading_at: dict[str, tuple[int, list[Leader]]] = {}
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
            sessions=await self._open.read(as_of_ms),
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
                ("PFCOUNT", *twice(keys.sketch("buyers", "platform", hour, PLATFORM_ID))),
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
        (sums,) = await minute_sums(self._book, [("platform", PLATFORM_ID)], stop)
        shown = [sums.get(minute, 0) if minute >= floor else None for minute in range(stop - 60, stop)]
        return Minutes(start_ms=self._book.zone.start_ms("minute", stop - 60), gmv_fen=shown)

    async def _leading(self, dimension: str, hour: int) -> list[Leader] | None:
        """The leaders as they were read last, None while those of this hour were not.

        Where ids are many, a reading takes longer than everything else: it goes on while others are shown.
        """
        reading = self._readings.get(dimension)
        if reading is None:
            reading = self._readings[dimension] = asyncio.create_task(self._best(dimension, hour))
        if (await asyncio.wait({reading}, timeout=_LEADERS_WITHIN_S))[0]:
            del self._readings[dimension]
            self._leading_at[dimension] = reading.result()
        of_hour, leaders = self._leading_at.get(dimension, (None, None))
        return leaders if of_hour == hour else None

    async def _best(self, dimension: str, hour: int) -> tuple[int, list[Leader]]:
        sums = (await self._leaders.values(dimension, Ranked("hour", "hour", hour, hour + 1))).sums
        best = nsmallest(_TOP, sums, key=lambda id: (-sums[id].gmv_fen, id))
        leaders = [
            Leader(rank=at, id=id, gmv_fen=sums[id].gmv_fen, orders_paid=sums[id].orders_paid)
            for at, id in enumerate(best, start=1)
            if sums[id].gmv_fen
        ]
        return hour, leaders

    async def _channels(self, hour: int) -> list[Share]:
        sums = (await self._leaders.values("channel", Ranked("hour", "hour", hour, hour + 1))).sums
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

    # -- history -------------------------------------------------------------------------------
    async def _scopes(self, hour: int) -> History:
        """Standings of the platform and of the categories and clusters that sell most in the running hour."""
        read_at, history = self._history
        if history is None or monotonic() - read_at > _HISTORY_EVERY_S:
            scopes = [("platform", PLATFORM_ID)]
            for dimension in ("category", "cluster"):
                scopes += [(dimension, leader.id) for leader in await self._leading(dimension, hour) or ()]
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
