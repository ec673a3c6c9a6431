"""What is answered of rankings: ids of a window here, the hours and sessions of a scope in `scopes.py`."""

from __future__ import annotations

from typing import Any

from schemas.alerts import GROSS
from schemas.answers import HolderRanking, Passed, Ranking, Row
from streams.board.asking import HOLDERS, RANKINGS
from streams.board.book import Book, Moment
from streams.board.leaders import Leaders
from streams.board.problems import Refused
from streams.board.rows import NO_BASE, NOT_KEPT, grown_by, growth_row, in_order, page_of, rows_of
from streams.board.scopes import ScopeRankings
from streams.board.tallies import floor_of, keeps
from streams.board.windows import Ranked, before, ranked, whole, year_of
from streams.retention.deeds import SKETCHES
from streams.retention.policy import Floors
from streams.tally.counters import PLATFORM_ID


class Rankings:
    """Answers from one store. Raises `Refused`, and `redis.RedisError`."""

    def __init__(self, book: Book, leaders: Leaders) -> None:
        self._book = book
        self._leaders = leaders
        self._scopes = ScopeRankings(book)

    async def ranking(self, asked: dict[str, Any]) -> Ranking | HolderRanking | Passed:
        """`/v1/rankings/{ranking}`."""
        if asked["ranking"] in HOLDERS:
            return await self._scopes.ranking(asked)
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
            ids, shown, next = await self._growth(dimension, window, asked)
        else:
            if by in SKETCHES and not keeps(by, dimension):
                raise Refused(400, f"no distinct {by} are kept of {dimension}", "no-sketch")
            of = by if by in SKETCHES else ""
            values = await self._leaders.values(dimension, window, of)
            order, next = page_of(in_order(values, by), asked)
            ids, shown = len(values.sums), rows_of(order, values, by, asked["cursor"])
        start_ms, end_ms = window.bounds_ms(self._book.zone)
        return Ranking(
            ranking=asked["ranking"],
            by=by,
            window=asked["window"],
            start_ms=start_ms,
            end_ms=end_ms,
            as_of_ms=moment.as_of_ms,
            final=await self._leaders.final(dimension, window, moment),
            metric=GROSS,
            ids=ids,
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

    async def _growth(self, dimension: str, window: Ranked, asked: dict[str, Any]) -> tuple[int, list[Row], str | None]:
        """How many ids there are, a page of them by growth, and the cursor of the next."""
        now, earlier = (await self._leaders.values(dimension, window)).sums, before(window)
        kept = await self._kept(dimension, earlier)
        base = (await self._leaders.values(dimension, earlier)).sums if kept else {}
        order = sorted(now, key=lambda id: (-grown_by(now[id], base.get(id)), id))
        ids, next = page_of(order, asked)
        why = NO_BASE if kept else NOT_KEPT
        rows = [growth_row(at, id, now[id], base.get(id), why, kept) for at, id in enumerate(ids, asked["cursor"] + 1)]
        return len(now), rows, next

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
        passed = [id for id in in_order(values, "gmv") if values.sums[id].gmv_fen > asked["above_fen"]]
        shown, next = page_of(passed, asked)
        return Passed(
            year=year_of(window.first),
            above_fen=asked["above_fen"],
            as_of_ms=moment.as_of_ms,
            metric=GROSS,
            count=len(passed),
            rows=rows_of(shown, values, "gmv", asked["cursor"]),
            next=next,
        )
