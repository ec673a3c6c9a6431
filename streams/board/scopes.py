"""What is answered of rankings: the best hours and sessions of a scope."""

from __future__ import annotations

from typing import Any

from schemas.alerts import GROSS, NET, Rule, Scope
from schemas.answers import HolderRanking
from streams.board.book import Book
from streams.board.holders import Holders, Page
from streams.board.problems import Refused
from streams.board.standings import standings
from streams.tally.counters import PEAK_HOUR_SCOPES, PLATFORM_ID, RECORD_SCOPES


class ScopeRankings:
    """Answers from one store. Raises `Refused`, and `redis.RedisError`."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._holders = Holders(book)

    async def ranking(self, asked: dict[str, Any]) -> HolderRanking:
        """`/v1/rankings/hours` and `/v1/rankings/sessions`."""
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
