"""What rules would have told over the past."""

from __future__ import annotations

import msgspec

from schemas.alerts import GROSS, Alert, Holder, Rule, Scope, State
from streams.rules.backtest import backtest
from streams.rules.book import parse_rules

BOOK = parse_rules(
    """
[[rule]]
kind = "peak.hour"
name = "hours"
about = "hours of clusters"
scopes = ["cluster"]
floor_yuan = 10

[[rule]]
kind = "milestone"
name = "sums"
about = "a session reaches a sum"
sums_yuan = [10, 20]
""",
    "r.toml",
)


def revision(id: str, number: int, state: State, value_fen: int = 1_000, as_of_ms: int | None = 4_000) -> Alert:
    return Alert(
        alert_id=id, revision=number, rule=Rule.PEAK_HOUR, state=state, scope=Scope("cluster", "x"),
        holder=Holder("hour", id, 0, 10_000), metric=GROSS, value_fen=value_fen, previous=None, event_time_ms=1,
        detected_at_ms=1, as_of_ms=as_of_ms, reason=None, evidence=[], text="",
    )  # fmt: skip


REVISIONS = [
    revision("a", 1, State.PROVISIONAL),
    revision("a", 2, State.CONFIRMED, as_of_ms=12_000),
    revision("b", 1, State.PROVISIONAL, value_fen=999),  # below the floor, then above
    revision("b", 2, State.CONFIRMED, as_of_ms=12_000),
    revision("b", 3, State.SUPERSEDED, as_of_ms=13_000),
    revision("c", 1, State.CONFIRMED, value_fen=999),
    revision("d", 2, State.RETRACTED),
]


def test_each_alert_counts_once_from_the_first_revision_that_is_told() -> None:
    [hours, _] = backtest(BOOK, REVISIONS, {}, 0, 20_000)
    assert (hours.fired, hours.standing, hours.retracted) == (2, 1, 1)
    assert hours.lead_s == 3.0  # of 6 s and of none, after the end
    assert hours.why is None


def test_only_holders_that_end_within_are_looked_at() -> None:
    assert backtest(BOOK, REVISIONS, {}, 0, 10_001)[0].fired == 2
    assert backtest(BOOK, REVISIONS, {}, 0, 10_000)[0].fired == 0
    assert backtest(BOOK, REVISIONS, {}, 10_000, 20_000)[0].fired == 2
    nothing = backtest(BOOK, REVISIONS, {}, 10_001, 20_000)[0]
    assert (nothing.fired, nothing.lead_s, nothing.why) == (0, None, "no alert had an end and a watermark")


def test_a_lead_is_unknown_without_a_watermark() -> None:
    told = [msgspec.structs.replace(REVISIONS[0], as_of_ms=None)]
    assert backtest(BOOK, told, {}, 0, 20_000)[0].lead_s is None


def test_milestones_are_counted_in_totals() -> None:
    totals = {"below": (5, 999), "one": (5, 1_000), "both": (5, 2_000), "later": (50, 2_000)}
    sums = backtest(BOOK, [], totals, 0, 50)[1]
    assert (sums.fired, sums.standing, sums.retracted, sums.lead_s) == (3, 3, 0, None)
    assert sums.why
