"""How long everything is kept: below, at and above each edge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.timely import HOUR_RETENTION_MS
from streams.marks.watermark import Progress
from streams.retention.policy import (
    GRAINS,
    Floors,
    Unread,
    arrived_ms,
    due_floors,
    held_back,
    raised,
)
from streams.tally.fold import MINUTE_RETENTION_MS
from streams.tally.windows import DAY_MS, HOUR_MS, SHANGHAI
from tests.streams.retention.mill import t

TAIL_MS = 30 * DAY_MS


def due(at_ms: int, tail_ms: int = TAIL_MS) -> Floors:
    return due_floors(at_ms, SHANGHAI, tail_ms, 30 * DAY_MS)


@pytest.mark.parametrize(("at", "first_kept"), [((9, 12.99), (5, 12)), ((9, 13), (5, 13)), ((9, 13.01), (5, 13))])
def test_minutes_are_kept_for_three_days_and_one_more(at: tuple[int, float], first_kept: tuple[int, float]) -> None:
    assert due(t(*at)).minutes == SHANGHAI.minute(t(*first_kept))


@pytest.mark.parametrize(
    ("kind", "days"),
    [
        ("hours", 36),
        ("sketches", 36),
        ("orders", 31),
        ("first_offsets", 66),
        ("long_hours", 401),
        ("days", 401),
        ("sessions", 401),
    ],
)
def test_the_rest_goes_by_whole_local_days(kind: str, days: int) -> None:
    midnight_ms = t(days + 3)
    for at_ms, first_day in ((midnight_ms - 1, 2), (midnight_ms, 3), (midnight_ms + 1, 3)):
        assert due(at_ms).start_ms(kind, SHANGHAI) == t(first_day)


def test_every_kind_has_a_grain() -> None:
    assert tuple(GRAINS) == Floors._fields


def test_first_offsets_are_kept_as_long_as_a_session_may_change() -> None:
    assert due(t(99), 0).first_offsets == SHANGHAI.hour(t(63))
    assert due(t(99), 35 * DAY_MS).first_offsets == SHANGHAI.hour(t(28))


def test_no_floor_is_below_the_beginning_of_all_days() -> None:
    assert due(0) == Floors()
    assert due(5 * DAY_MS)._replace(minutes=0) == Floors()


@given(
    at_ms=st.integers(t(0), t(900)),
    lag_ms=st.integers(0, DAY_MS - HOUR_MS),
    minute_late_ms=st.integers(0, MINUTE_RETENTION_MS),
    late_ms=st.integers(0, HOUR_RETENTION_MS + HOUR_MS),
)
def test_what_may_be_added_by_a_partition_that_lags_lies_above(
    at_ms: int, lag_ms: int, minute_late_ms: int, late_ms: int
) -> None:
    """Admission takes hours up to 35 days before the arrival, the one that began before that included."""
    arrival_ms, floors = at_ms - lag_ms, due(at_ms)
    assert SHANGHAI.minute(arrival_ms - minute_late_ms) >= floors.minutes
    assert SHANGHAI.day(arrival_ms - 30 * DAY_MS) >= floors.orders
    hour = SHANGHAI.hour(arrival_ms - late_ms)
    if hour >= SHANGHAI.hour(arrival_ms - HOUR_RETENTION_MS):
        assert hour >= floors.hours
        assert hour >= floors.sketches
        assert hour >= floors.first_offsets


# -- how far the input has come ----------------------------------------------------------------
def partition(arrival_ms: int, unread: bool) -> Progress:
    return Progress("orders", 0, 5, arrival_ms, arrival_ms, unread)


@pytest.mark.parametrize(
    ("watermark_ms", "partitions", "expected"),
    [
        (None, [], None),
        (0, [], None),
        (100, [], 100),
        (100, [partition(50, unread=False)], 100),
        (100, [partition(50, unread=True)], 50),
        (100, [partition(150, unread=True)], 100),
        (100, [partition(70, unread=True), partition(60, unread=True)], 60),
        (100, [partition(0, unread=True)], None),
        (100, [partition(0, unread=False)], 100),
    ],
)
def test_unread_records_hold_the_input_back(
    watermark_ms: int | None, partitions: list[Progress], expected: int | None
) -> None:
    assert arrived_ms(watermark_ms, partitions) == expected


# -- what the detectors still need -------------------------------------------------------------
HIGH = Floors(*([10**9] * len(Floors._fields)))


def test_with_nothing_unread_floors_stay_as_they_are() -> None:
    assert held_back(HIGH, Unread()) == HIGH


@pytest.mark.parametrize(("minute", "floor"), [(59, 0), (118, 0), (119, 60), (120, 60), (178, 60), (179, 120)])
def test_an_unread_minute_needs_the_fifty_nine_before_it(minute: int, floor: int) -> None:
    assert held_back(HIGH, Unread(minute=minute)) == HIGH._replace(minutes=floor, first_offsets=0)


@pytest.mark.parametrize(("hour", "day"), [(47, 1), (48, 2), (49, 2)])
def test_an_unread_hour_needs_its_day(hour: int, day: int) -> None:
    expected = HIGH._replace(hours=day * 24, long_hours=day * 24, sessions=day, first_offsets=day * 24)
    assert held_back(HIGH, Unread(hour=hour)) == expected


def test_what_is_read_of_recent_windows_holds_nothing_back() -> None:
    floors = due(t(500))
    now = Unread(SHANGHAI.minute(t(500) - MINUTE_RETENTION_MS), SHANGHAI.hour(t(500) - HOUR_RETENTION_MS))
    assert held_back(floors, now) == floors


def test_no_floor_falls() -> None:
    stored, late = Floors(minutes=5, days=7), Floors(minutes=4, days=8, hours=1)
    assert raised(stored, late) == Floors(minutes=5, days=8, hours=1)
