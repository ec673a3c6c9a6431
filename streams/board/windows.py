"""The windows that ids are ranked in: an hour, a day, the year to date; and what growth compares them with. Pure."""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple

from streams.tally.windows import Zone

Span = Literal["hour", "day", "year"]
_EPOCH = date(1970, 1, 1).toordinal()


class Ranked(NamedTuple):
    """Consecutive local hours or days `[first, stop)`, of which the ids are compared."""

    span: Span
    grain: Literal["hour", "day"]
    first: int
    stop: int

    def days(self) -> range:
        """The local days that it touches."""
        if self.grain == "day":
            return range(self.first, self.stop)
        return range(self.first // 24, (self.stop - 1) // 24 + 1)

    def bounds_ms(self, zone: Zone) -> tuple[int, int]:
        """Start and end in epoch ms."""
        return zone.start_ms(self.grain, self.first), zone.start_ms(self.grain, self.stop)


def ranked(span: Span, zone: Zone, time_ms: int) -> Ranked:
    """The hour or day that holds an instant, or its year up to the end of its day."""
    if span == "hour":
        hour = zone.hour(time_ms)
        return Ranked(span, "hour", hour, hour + 1)
    day = zone.day(time_ms)
    return Ranked(span, "day", day if span == "day" else first_of_year(day), day + 1)


def whole(window: Ranked, closed_before: int) -> Ranked | None:
    """The window without what lies at or behind `closed_before` (in its grain); None if nothing whole is left.

    Growth never compares a part with a whole: the year to date ends with the last closed day, an hour or a day that
    is still running has no growth.
    """
    if window.span != "year":
        return window if window.stop <= closed_before else None
    stop = min(window.stop, closed_before)
    return window._replace(stop=stop) if stop > window.first else None


def before(window: Ranked) -> Ranked:
    """What growth compares with: the same hour of the day before, the day a week before, the same days last year."""
    if window.span == "hour":
        return window._replace(first=window.first - 24, stop=window.stop - 24)
    if window.span == "day":
        return window._replace(first=window.first - 7, stop=window.stop - 7)
    last = date.fromordinal(_EPOCH + window.stop - 1)
    until = _a_year_before(last)
    return window._replace(first=first_of_year(until), stop=until + 1)


def year_of(day: int) -> int:
    """The year of a local day."""
    return date.fromordinal(_EPOCH + day).year


def first_of_year(day: int) -> int:
    """The local index of the first day of the year of a local day."""
    return date(year_of(day), 1, 1).toordinal() - _EPOCH


def _a_year_before(day: date) -> int:
    leap = day.month == 2 and day.day == 29
    return day.replace(year=day.year - 1, day=28 if leap else day.day).toordinal() - _EPOCH
