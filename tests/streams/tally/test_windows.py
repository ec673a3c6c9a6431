"""Windows: half-open, aligned to Shanghai's clock."""

import pytest

from streams.tally.windows import DAY_MS, HOUR_MS, MINUTE_MS, SHANGHAI

#: 2025-12-31T20:00+08:00
EIGHT_PM_MS = 1_767_182_400_000


@pytest.mark.parametrize(("grain", "size_ms"), [("minute", MINUTE_MS), ("hour", HOUR_MS), ("day", DAY_MS)])
def test_a_window_holds_its_start_and_not_its_end(grain: str, size_ms: int) -> None:
    index_of = getattr(SHANGHAI, grain)
    index = index_of(EIGHT_PM_MS)
    start_ms = SHANGHAI.start_ms(grain, index)
    assert index_of(start_ms) == index == index_of(start_ms + size_ms - 1)
    assert index_of(start_ms - 1) == index - 1
    assert index_of(start_ms + size_ms) == index + 1


def test_an_hour_begins_on_the_hour() -> None:
    assert SHANGHAI.start_ms("hour", SHANGHAI.hour(EIGHT_PM_MS + 1)) == EIGHT_PM_MS


def test_a_day_begins_at_16_00_utc() -> None:
    assert SHANGHAI.start_ms("day", SHANGHAI.day(EIGHT_PM_MS)) % DAY_MS == 16 * HOUR_MS


def test_the_hour_of_the_day_is_the_remainder() -> None:
    hour = SHANGHAI.hour(EIGHT_PM_MS)
    assert (hour // 24, hour % 24) == (SHANGHAI.day(EIGHT_PM_MS), 20)
