"""A changed session to raises."""

import msgspec
import pytest

from schemas.alerts import GROSS, NET
from streams.marks.acts import Holder, Raise, Withdraw
from streams.marks.records import (
    SILENCE_MS,
    Session,
    Sums,
    declared_scopes,
    parse_record_mark,
    scopes_to_place,
    session_acts,
    session_holder,
    total,
)
from streams.tally.sessions import END_OF_ID, Scopes
from streams.tally.windows import SHANGHAI

HOUR = 490_892
HOUR_MS = 3_600_000
T = SHANGHAI.start_ms("hour", HOUR)
TAIL_MS = 2 * HOUR_MS


def started(at_ms: int = T, event_id: str = "e1", cluster: str | None = "c1", title: str | None = None) -> str:
    """A declared start as the store has it."""
    scopes = Scopes("anchor-1", None, cluster, "womens-wear", "room-1", title)
    return f"{at_ms:015d}|{event_id}{END_OF_ID}{msgspec.json.encode(scopes).decode()}"


def session(start: str = "", end_ms: int | None = None, hours: dict[int, Sums] | None = None) -> Session:
    """A session with its last sign of life at T + 5."""
    return Session("s1", start, f"{end_ms:015d}|e9" if end_ms else "", T - 5, T + 5, hours or {})


def test_the_mark_is_read() -> None:
    assert parse_record_mark("session|a|b") == "a|b"
    for wrong in ("session", "hour|5", ""):
        with pytest.raises(ValueError, match="no changed mark"):
            parse_record_mark(wrong)


# -- start and end -----------------------------------------------------------------------------
@pytest.mark.parametrize("event_id", ["e1", "e|1", "||", '{"a":1}|', '|{"anchor_id":"x","category":"y"}', '|{"x":"'])
@pytest.mark.parametrize("title", [None, "a|b", '|{"anchor_id":"x"}'])
def test_scopes_are_those_of_the_start_whatever_its_event_is_called(event_id: str, title: str | None) -> None:
    assert declared_scopes(started(event_id=event_id, title=title)) == [
        ("anchor", "anchor-1"), ("cluster", "c1"), ("category", "womens-wear"), ("platform", "all"),
    ]  # fmt: skip


def test_a_null_or_none_scope_is_left_out_and_without_a_start_there_is_none() -> None:
    assert ("cluster", "(none)") not in declared_scopes(started(cluster="(none)"))
    assert [scope for scope, _ in declared_scopes(started(cluster=None))] == ["anchor", "category", "platform"]
    assert declared_scopes("") == []


def test_a_session_closes_at_its_declared_end() -> None:
    assert session_holder(session(started(T), T + 9)) == Holder("s1", T + 9, T, T + 9, T + 9)


def test_without_an_end_it_closes_six_hours_after_its_last_sign_of_life() -> None:
    close_ms = T + 5 + SILENCE_MS
    assert session_holder(session(started(T))) == Holder("s1", close_ms, T, None, close_ms)


def test_without_a_start_it_began_with_its_first_sign_of_life() -> None:
    assert session_holder(session("", T + 9)).start_ms == T - 5


# -- the total ---------------------------------------------------------------------------------
@pytest.mark.parametrize(("end_ms", "gross"), [(T - TAIL_MS, 1), (T - TAIL_MS + 1, 11), (T + 1, 11), (None, 11)])
def test_an_hour_counts_if_it_begins_before_the_end_and_the_tail(end_ms: int | None, gross: int) -> None:
    hours = {HOUR - 1: Sums(1, 0), HOUR: Sums(10, 0)}
    assert total(SHANGHAI, session(started(), end_ms, hours), TAIL_MS).gross_fen == gross


def test_refunds_move_net_alone() -> None:
    hours = {HOUR: Sums(10, 4), HOUR + 1: Sums(0, 3), HOUR + 2: Sums(0, 0)}
    assert total(SHANGHAI, session(started(), None, hours), TAIL_MS) == (10, 3, (HOUR, HOUR + 1))


# -- what follows ------------------------------------------------------------------------------
def test_a_session_is_raised_in_every_scope_by_both_metrics() -> None:
    it = session(started(), T + 9, {HOUR: Sums(10, 4)})
    totals = total(SHANGHAI, it, TAIL_MS)
    scopes = scopes_to_place(it, totals, set())
    acts = session_acts(it, totals, scopes, set(), "evidence", 7)
    found = {(act.ranking.metric, act.ranking.dimension, act.value) for act in acts if isinstance(act, Raise)}
    dimensions = ("anchor", "cluster", "category", "platform")
    assert found == {(metric, each, value) for metric, value in ((GROSS, 10), (NET, 6)) for each in dimensions}
    assert len(acts) == 8


def test_a_session_without_sales_stays_out_until_it_was_in() -> None:
    it = session(started(), T + 9)
    nothing = total(SHANGHAI, it, TAIL_MS)
    assert scopes_to_place(it, nothing, set()) == []
    assert scopes_to_place(it, nothing, {("anchor", "anchor-1")}) == [("anchor", "anchor-1")]


def test_a_session_leaves_the_scopes_that_an_earlier_start_takes_from_it() -> None:
    it = session(started(), T + 9, {HOUR: Sums(10, 0)})
    totals = total(SHANGHAI, it, TAIL_MS)
    placed = {("cluster", "c1"), ("cluster", "other")}
    acts = session_acts(it, totals, scopes_to_place(it, totals, placed), placed, "", 7)
    gone = [act for act in acts if isinstance(act, Withdraw)]
    assert [(act.ranking.metric, act.ranking.scope_id, act.version) for act in gone] == [
        (GROSS, "other", 7), (NET, "other", 7),
    ]  # fmt: skip
