"""Imported holders among those of the log, in the truth."""

from __future__ import annotations

import pytest

from streams.lab.truth import Ranking, Rules
from streams.lab.truth.holders import GROSS, NET, Holder
from streams.lab.truth.imported import ImportedTruth, Row

RULES = Rules(lateness_ms=2)
HOURS = Ranking("peak.hour", GROSS, "anchor", "a")
FUR = Ranking("record.session", GROSS, "category", "fur")


def hour(at: int, fen: int) -> Holder:
    return Holder(at, f"h{at}", "hour", at, at + 1, at + 1, fen)


def row(at: int, fen: int) -> Row:
    return Row("hour", "anchor", "a", f"h{at}", at, at + 1, fen, None)


def merged(rows: list[Row], log: dict[Ranking, list[Holder]], watermark_ms: int | None = 100) -> dict:
    found = ImportedTruth(rows, watermark_ms, RULES).merged(log.items())
    return {ranking: [(each.id, each.value_fen) for each in closed] for ranking, closed, _ in found}


def test_they_stand_in_the_order_in_which_they_close() -> None:
    assert merged([row(3, 5), row(1, 9)], {HOURS: [hour(2, 7)]}) == {HOURS: [("h1", 9), ("h2", 7), ("h3", 5)]}
    assert merged([row(3, 5)], {}) == {HOURS: [("h3", 5)]}


@pytest.mark.parametrize(("of_log", "stands"), [(4, 5), (5, 5), (6, 6)])
def test_of_the_same_hour_the_larger_counts(of_log: int, stands: int) -> None:
    assert merged([row(1, 5)], {HOURS: [hour(1, of_log)]}) == {HOURS: [("h1", stands)]}


def test_of_the_same_session_the_log_counts() -> None:
    own = Holder(4, "s", "session", 0, 4, 4, 3)
    sessions = [
        Row("session", "category", "fur", "s", 0, 4, 9, 8),
        Row("session", "category", "fur", "t", 0, 5, 2, None),
    ]
    assert merged(sessions, {FUR: [own]}) == {FUR: [("s", 3), ("t", 2)], FUR._replace(metric=NET): [("s", 8)]}


@pytest.mark.parametrize(("watermark_ms", "closed"), [(None, False), (3, False), (4, True)])
def test_they_close_like_any_other(watermark_ms: int | None, closed: bool) -> None:
    assert merged([row(1, 5)], {}, watermark_ms) == ({HOURS: [("h1", 5)]} if closed else {})


def test_what_sold_nothing_is_no_history() -> None:
    assert merged([row(1, 0)], {}) == {}
