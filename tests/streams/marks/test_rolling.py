"""The best 60 minutes of a day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.marks.rolling import Span, best_span, hours_around


def slow(minutes: dict[int, int], changed: set[int] | None = None) -> Span | None:
    """Every span of the day (that holds a changed minute), one by one."""
    best = None
    for start in range(1_381):
        inside = range(start, start + 60)
        if changed is not None and not changed & set(inside):
            continue
        value = sum(minutes.get(minute, 0) for minute in inside)
        if value > 0 and (best is None or value > best.value):
            best = Span(start, value)
    return best


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ({}, None),
        ({600: 0}, None),
        ({600: 5}, Span(541, 5)),
        ({0: 5}, Span(0, 5)),
        ({1_439: 5}, Span(1_380, 5)),
        ({600: 5, 659: 5}, Span(600, 10)),
        ({600: 5, 660: 5}, Span(541, 5)),
    ],
)
def test_the_best_span_is_the_earliest_of_equals_inside_its_day(minutes, expected) -> None:
    assert best_span(minutes, minutes) == expected


@pytest.mark.parametrize(
    ("minute", "hours"),
    [
        (0, {0}),
        (1, {0, 1}),
        (59, {0, 1}),
        (60, {0, 1}),
        (119, {1, 2}),
        (61, {0, 1, 2}),
        (1_439, {23}),
        (1_438, {22, 23}),
    ],
)
def test_hours_around_hold_every_minute_of_every_span(minute: int, hours: set[int]) -> None:
    assert hours_around([minute]) == hours
    spans = [start for start in range(1_381) if start <= minute < start + 60]
    assert {each // 60 for start in spans for each in (start, start + 59)} <= hours


few_minutes = st.dictionaries(
    st.one_of(st.integers(0, 130), st.integers(1_300, 1_439)), st.integers(0, 3), min_size=1, max_size=20
)


@given(minutes=few_minutes, data=st.data())
def test_it_finds_what_a_slow_search_finds(minutes: dict[int, int], data: st.DataObject) -> None:
    changed = data.draw(st.sets(st.sampled_from(sorted(minutes)), min_size=1, max_size=3))
    known = {minute: value for minute, value in minutes.items() if minute // 60 in hours_around(changed)}
    assert best_span(known, changed) == slow(minutes, changed)


@given(payments=st.lists(st.tuples(st.integers(0, 150), st.integers(0, 3)), max_size=25), data=st.data())
def test_looking_at_what_changed_alone_finds_the_best_of_the_day(payments, data) -> None:
    """The holder keeps the greater value, of equals the earlier start: then looks may come at any moment."""
    minutes: dict[int, int] = {}
    changed: set[int] = set()
    best: Span | None = None
    for minute, amount in payments:
        minutes[minute] = minutes.get(minute, 0) + amount
        changed.add(minute)
        if data.draw(st.booleans()):
            best, changed = _better(best, best_span(minutes, changed)), set()
    assert _better(best, best_span(minutes, changed)) == slow(minutes)


def _better(one: Span | None, other: Span | None) -> Span | None:
    return max((each for each in (one, other) if each), key=lambda span: (span.value, -span.start), default=None)
