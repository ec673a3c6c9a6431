"""Windows of rankings, and what growth compares them with."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from streams.board.windows import Ranked, before, ranked, whole, year_of
from streams.tally.windows import SHANGHAI

CHINA = timezone(timedelta(hours=8))
EPOCH = date(1970, 1, 1)


def ms(*local: int) -> int:
    return int(datetime(*local, tzinfo=CHINA).timestamp() * 1000)  # type: ignore[misc,arg-type]


def day(*of: int) -> int:
    return (date(*of) - EPOCH).days


def test_an_hour_a_day_and_a_year_hold_the_instant() -> None:
    at = ms(2025, 12, 31, 20, 30)
    assert ranked("hour", SHANGHAI, at).bounds_ms(SHANGHAI) == (ms(2025, 12, 31, 20), ms(2025, 12, 31, 21))
    assert ranked("day", SHANGHAI, at).bounds_ms(SHANGHAI) == (ms(2025, 12, 31), ms(2026, 1, 1))
    assert ranked("year", SHANGHAI, at).bounds_ms(SHANGHAI) == (ms(2025, 1, 1), ms(2026, 1, 1))
    # in UTC that is another year
    new_year = ranked("year", SHANGHAI, ms(2026, 1, 1, 0, 0))
    assert new_year.days() == range(day(2026, 1, 1), day(2026, 1, 2)) and year_of(new_year.first) == 2026
    assert datetime.fromtimestamp(ms(2026, 1, 1) / 1000, UTC).year == 2025


@pytest.mark.parametrize("span", ["hour", "day"])
def test_a_window_that_is_not_closed_has_no_growth(span: str) -> None:
    window = ranked(span, SHANGHAI, ms(2025, 12, 31, 20))  # type: ignore[arg-type]
    assert whole(window, window.stop - 1) is None
    assert whole(window, window.stop) == window


def test_a_year_to_date_grows_by_its_closed_days() -> None:
    window = ranked("year", SHANGHAI, ms(2025, 3, 10, 12))
    assert whole(window, day(2025, 3, 10)) == window._replace(stop=day(2025, 3, 10))
    assert whole(window, day(2026, 1, 1)) == window
    assert whole(window, day(2025, 1, 1)) is None


def test_growth_compares_with_the_same_hour_weekday_or_days_of_the_year_before() -> None:
    assert before(Ranked("hour", "hour", 1_000, 1_001)) == Ranked("hour", "hour", 976, 977)
    assert before(Ranked("day", "day", 1_000, 1_001)) == Ranked("day", "day", 993, 994)
    year = Ranked("year", "day", day(2024, 1, 1), day(2024, 3, 1))  # up to 29 February
    assert before(year) == Ranked("year", "day", day(2023, 1, 1), day(2023, 3, 1))
    assert before(year._replace(stop=day(2024, 3, 2))) == Ranked("year", "day", day(2023, 1, 1), day(2023, 3, 2))
