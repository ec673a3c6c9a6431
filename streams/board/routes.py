"""The table of what can be asked over HTTP: each path with its parameters, its answer and who gives it.

The router and the OpenAPI document are both made of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from schemas import answers
from streams.board import asking
from streams.board.answering import Answering
from streams.board.rankings import Rankings
from streams.board.told import ToldAlerts

Answerer = Callable[["Desk", dict[str, Any]], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Desk:
    """Who answers."""

    answering: Answering
    rankings: Rankings
    told: ToldAlerts


@dataclass(frozen=True, slots=True)
class Route:
    """One path. `refusals` are the statuses, beside those of every path, that it may answer with."""

    path: str
    name: str
    summary: str
    parameters: tuple[asking.Parameter, ...]
    answers: tuple[type, ...]
    answer: Answerer
    refusals: tuple[int, ...] = ()


ROUTES: Final = (
    Route(
        "/v1/tallies/{dimension}/{id}",
        "tallies",
        "The windows of one tally, oldest first",
        (asking.DIMENSION, asking.ID, asking.GRAIN, asking.FROM_MS, asking.TO_MS, asking.CURSOR),
        (answers.Tallies,),
        lambda desk, asked: desk.answering.tallies(asked),
        (409,),
    ),
    Route(
        "/v1/sessions/{id}",
        "session",
        "One session: its total, its hours and the records of its scopes",
        (asking.SESSION_ID,),
        (answers.Session,),
        lambda desk, asked: desk.answering.session(asked),
        (404,),
    ),
    Route(
        "/v1/rankings/{ranking}",
        "ranking",
        "Ids of an hour, a day or the year to date; the best hours or sessions of a scope; clusters past a sum",
        (
            asking.RANKING,
            asking.SCOPE,
            asking.BY,
            asking.WINDOW,
            asking.AT_MS,
            asking.ABOVE_FEN,
            asking.TOP,
            asking.RANK,
        ),
        (answers.Ranking, answers.HolderRanking, answers.Passed),
        lambda desk, asked: desk.rankings.ranking(asked),
        (404, 409, 422),
    ),
    Route(
        "/v1/alerts",
        "alerts",
        "Revisions of alerts as they were published, newest first",
        (asking.SINCE, asking.RULE, asking.STATE, asking.ALERT_SCOPE, asking.LIMIT, asking.BEFORE),
        (answers.Alerts,),
        lambda desk, asked: desk.told.page(asked),
    ),
)
