"""Changed hours and minutes to raises."""

import pytest

from schemas.alerts import GROSS, Rule
from streams.marks.acts import Holder, Ranking
from streams.marks.peaks import DayMark, HourMark, SpanValue, day_span, hour_raise, parse_peak_marks, span_raise
from streams.tally.windows import SHANGHAI

#: 2025-12-31, and its hour 20, as local indexes
DAY = 20_453
HOUR = DAY * 24 + 20


def test_marks_are_read_whatever_their_ids_hold() -> None:
    marks = parse_peak_marks([(f"hour|{HOUR}|cluster|a|b:c", 3), (f"minute|{DAY * 1_440 + 5}|anchor|minute|7", 4)])
    assert marks.hours == {HourMark(HOUR, "cluster", "a|b:c"): 3}
    assert marks.days == {DayMark(DAY, "anchor", "minute|7"): {5: 4}}


def test_minutes_of_one_day_are_looked_at_together() -> None:
    first = DAY * 1_440
    minutes = (first, first + 1_439, first + 1_440)
    marks = parse_peak_marks((f"minute|{minute}|platform|all", minute - first) for minute in minutes)
    assert marks.days == {
        DayMark(DAY, "platform", "all"): {0: 0, 1_439: 1_439}, DayMark(DAY + 1, "platform", "all"): {0: 1_440},
    }  # fmt: skip


def test_what_has_no_peak_is_left_out() -> None:
    members = [
        f"hour|{HOUR}|city|x", f"hour|{HOUR}|cluster|(none)", "minute|5|session|s", "minute|5|province|p",
    ]  # fmt: skip
    assert parse_peak_marks((member, 5) for member in members) == ({}, {})


@pytest.mark.parametrize("member", ["day|5|cluster|x", "hour|5|cluster", "hour|five|cluster|x", ""])
def test_what_no_settle_writes_is_refused(member: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_peak_marks([(member, 5)])


def test_an_hour_is_a_holder_of_its_scope() -> None:
    act = hour_raise(SHANGHAI, HourMark(HOUR, "session", "s1"), 500, "evidence", 7)
    start_ms = SHANGHAI.start_ms("hour", HOUR)
    end_ms = start_ms + 3_600_000
    assert act.ranking == Ranking(Rule.PEAK_HOUR, GROSS, "session", "s1", "hour")
    assert act.holder == Holder("2025-12-31T20", start_ms, start_ms, end_ms, end_ms)
    assert (act.value, act.evidence, act.version) == (500, "evidence", 7)


def test_the_best_span_of_a_day_closes_with_the_day() -> None:
    mark = DayMark(DAY, "cluster", "c")
    span = day_span(mark, {90: 5, 149: 5}, [149])
    assert span == SpanValue(DAY * 1_440 + 90, 10, (DAY * 24 + 1, DAY * 24 + 2))
    act = span_raise(SHANGHAI, mark, span, "", 7)
    day_ms = SHANGHAI.start_ms("day", DAY)
    assert act.ranking == Ranking(Rule.PEAK_ROLLING, GROSS, "cluster", "c", "span")
    assert act.holder == Holder("2025-12-31", day_ms, day_ms + 90 * 60_000, day_ms + 150 * 60_000, day_ms + 86_400_000)


def test_a_span_on_a_full_hour_touches_one_hour() -> None:
    span = day_span(DayMark(DAY, "cluster", "c"), {60: 5, 119: 5}, [60])
    assert span is not None
    assert span.hours == (DAY * 24 + 1,)


def test_a_day_without_sales_has_no_span() -> None:
    assert day_span(DayMark(DAY, "cluster", "c"), {60: 0}, [60]) is None
