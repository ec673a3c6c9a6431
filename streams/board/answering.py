"""What each question is answered: parameters, as `asking.py` has read them, to an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.alerts import GROSS, NET, Rule, Scope
from schemas.answers import HolderRanking, Passed, Ranking, Row, Session, Tallies
from streams.board.asking import HOLDERS, RANKINGS
from streams.board.book import Book, Moment
from streams.board.holders import Holders, Page
from streams.board.leaders import Leaders, Values
from streams.board.problems import Refused
from streams.board.sessions import Sessions
from streams.board.standings import standings
from streams.board.tallies import Tallies as Reader
from streams.board.tallies import floor_of, keeps
from streams.board.windows import Ranked, before, ranked, whole, year_of
from streams.retention.deeds import SKETCHES
from streams.retention.policy import Floors
from streams.tally.counters import MINUTE_DIMENSIONS, PEAK_HOUR_SCOPES, PLATFORM_ID, RECORD_SCOPES

#: windows of one page, and how many there are where no start is asked for
_PAGE = 400
_USUAL = {"minute": 60, "hour": 24, "day": 30}
_NOT_KEPT = "the window that it is compared with is older than what is kept"
_NO_BASE = "nothing was sold in the window that it is compared with"


class Answering:
    """Answers from one store. Raises `Refused`, and `redis.RedisError`."""

    def __init__(self, book: Book, leaders: Leaders) -> None:
        self._book = book
        self._leaders = leaders
        self._tallies = Reader(book)
        self._sessions = Sessions(book, self._tallies)
        self._holders = Holders(book)

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

    # -- rankings ------------------------------------------------------------------------------
    async def ranking(self, asked: dict[str, Any]) -> Ranking | HolderRanking | Passed:
        """`/v1/rankings/{ranking}`."""
        if asked["ranking"] in HOLDERS:
            return await self._of_scope(asked)
        if asked["scope"] not in (None, ("platform", PLATFORM_ID)):
            raise Refused(400, "ids are ranked in the whole platform: scope is of hours and sessions", "no-scope")
        if asked["by"] == "net":
            raise Refused(400, "by=net is of hours and sessions", "invalid-parameter")
        moment = await self._book.moment()
        at_ms = moment.as_of_ms if asked["at_ms"] is None else asked["at_ms"]
        if at_ms is None:
            raise Refused(409, "there is no watermark yet: say at_ms, or wait for events", "no-watermark")
        if asked["ranking"] == "passed":
            return await self._passed(asked, at_ms, moment)
        return await self._of_ids(asked, at_ms, moment)

    async def _of_ids(self, asked: dict[str, Any], at_ms: int, moment: Moment) -> Ranking:
        dimension, by = RANKINGS[asked["ranking"]], asked["by"]
        window = ranked(asked["window"], self._book.zone, at_ms)
        await self._refuse_old(dimension, window)
        if by == "growth":
            window = self._whole(window, moment)
            rows = await self._growth(dimension, window)
        else:
            if by in SKETCHES and not keeps(by, dimension):
                raise Refused(400, f"no distinct {by} are kept of {dimension}", "no-sketch")
            of = by if by in SKETCHES else ""
            rows = _rows(await self._leaders.values(dimension, window, of), by)
        start_ms, end_ms = window.bounds_ms(self._book.zone)
        shown, next = _page(rows, asked)
        return Ranking(
            ranking=asked["ranking"],
            by=by,
            window=asked["window"],
            start_ms=start_ms,
            end_ms=end_ms,
            as_of_ms=moment.as_of_ms,
            final=await self._leaders.final(dimension, window, moment),
            metric=GROSS,
            ids=len(rows),
            rows=shown,
            next=next,
        )

    def _whole(self, window: Ranked, moment: Moment) -> Ranked:
        """Growth compares closed windows alone."""
        if moment.as_of_ms is None:
            raise Refused(409, "there is no watermark yet", "no-watermark")
        closed_before = self._book.index(window.grain, moment.as_of_ms - moment.lateness_ms)
        found = whole(window, closed_before)
        if found is None:
            raise Refused(
                409,
                f"this {window.span} is not closed yet, and a part has no growth: say at_ms of an earlier one",
                "still-open",
            )
        return found

    async def _growth(self, dimension: str, window: Ranked) -> list[Row]:
        now = (await self._leaders.values(dimension, window)).sums
        earlier = before(window)
        if not await self._kept(dimension, earlier):
            reasons = {"value": _NOT_KEPT, "before": _NOT_KEPT}
            return [
                Row(rank=at, id=id, value=None, gmv_fen=now[id].gmv_fen, orders_paid=now[id].orders_paid, before=None,
                    reasons=reasons)
                for at, id in enumerate(sorted(now), start=1)
            ]  # fmt: skip
        base = (await self._leaders.values(dimension, earlier)).sums
        grown = [(id, each, base[id].gmv_fen if id in base else 0) for id, each in now.items()]
        grown.sort(key=lambda each: (-(each[1].gmv_fen / each[2]) if each[2] else 0.0, each[0]))
        return [
            Row(
                rank=at, id=id, value=round(100 * (each.gmv_fen / was - 1), 2) if was else None,
                gmv_fen=each.gmv_fen, orders_paid=each.orders_paid, before=was,
                reasons={} if was else {"value": _NO_BASE},
            )
            for at, (id, each, was) in enumerate(grown, start=1)
        ]  # fmt: skip

    async def _refuse_old(self, dimension: str, window: Ranked) -> None:
        if not await self._kept(dimension, window):
            raise Refused(404, f"{window.grain}s of {dimension} that old are not kept any more", "not-kept")

    async def _kept(self, dimension: str, window: Ranked) -> bool:
        floors = Floors(*map(max, zip(*[await self._book.floors(keys) for keys in self._book.shards], strict=True)))
        return window.first >= floor_of(dimension, window.grain, floors)

    async def _passed(self, asked: dict[str, Any], at_ms: int, moment: Moment) -> Passed:
        window = ranked("year", self._book.zone, at_ms)
        await self._refuse_old("cluster", window)
        values = await self._leaders.values("cluster", window)
        rows = [row for row in _rows(values, "gmv") if (row.gmv_fen or 0) > asked["above_fen"]]
        shown, next = _page(rows, asked)
        return Passed(
            year=year_of(window.first),
            above_fen=asked["above_fen"],
            as_of_ms=moment.as_of_ms,
            metric=GROSS,
            count=len(rows),
            rows=shown,
            next=next,
        )

    async def _of_scope(self, asked: dict[str, Any]) -> HolderRanking:
        kind, by = asked["ranking"], asked["by"]
        dimension, id = asked["scope"] or ("platform", PLATFORM_ID)
        if by not in ("gmv", "net"):
            raise Refused(400, "hours and sessions are ranked by gmv or net", "invalid-parameter")
        if kind == "sessions" and dimension not in RECORD_SCOPES:
            raise Refused(400, f"sessions are ranked in {', '.join(RECORD_SCOPES)}", "no-scope")
        moment, page, since_ms = await self._book.moment(), Page(asked["cursor"], asked["limit"] + 1), None
        if kind == "hours":
            rows, since_ms = await self._holders.hours(dimension, id, by, moment, page)
        else:
            rows = await self._holders.sessions(dimension, id, by, page)
        more = len(rows) > asked["limit"]
        metric = NET if by == "net" else GROSS
        return HolderRanking(
            ranking=kind,
            kind="hour" if kind == "hours" else "session",
            scope=Scope(dimension, id),
            by=by,
            as_of_ms=moment.as_of_ms,
            metric=metric,
            since_ms=since_ms,
            best=await self._best(kind, dimension, id, metric),
            rows=rows[: asked["limit"]],
            next=str(asked["cursor"] + asked["limit"]) if more else None,
        )

    async def _best(self, kind: str, dimension: str, id: str, metric: str) -> Any:
        """The best closed holder ever; hours are ranked for ever only by gross, in the scopes that have peaks."""
        rule = Rule.PEAK_HOUR if kind == "hours" else Rule.RECORD_SESSION
        if kind == "hours" and (metric == NET or dimension not in PEAK_HOUR_SCOPES):
            return None
        (standing,) = await standings(self._book, rule, [(dimension, id)], metric)
        return standing.best


def _rows(values: Values, by: str) -> list[Row]:
    """All rows, the greatest first; equals by their id."""

    def value(id: str) -> int:
        if by in SKETCHES:
            return values.distinct[id]
        return values.sums[id].gmv_fen if by == "gmv" else values.sums[id].orders_paid

    ids = sorted(values.sums, key=lambda id: (-value(id), id))
    return [
        Row(
            rank=at,
            id=id,
            value=value(id),
            gmv_fen=values.sums[id].gmv_fen,
            orders_paid=values.sums[id].orders_paid,
            before=None,
            reasons={},
        )
        for at, id in enumerate(ids, start=1)
    ]


def _page(rows: Sequence[Row], asked: dict[str, Any]) -> tuple[list[Row], str | None]:
    first, stop = asked["cursor"], asked["cursor"] + asked["limit"]
    return list(rows[first:stop]), str(stop) if stop < len(rows) else None
