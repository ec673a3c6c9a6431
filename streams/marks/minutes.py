"""Step 6, peaks and records: the minutes of recent hours as a shard's passes have read them, so that each is read once.

Minutes change by settles alone, and each leaves a mark. Whoever read an hour once, and every mark that came later,
knows it as it stands, and a pass needs to read no more than what changed. Two things would break that. Redis may go
back, and other workers may take marks away: then another name stands in the shard than the one that the last pass left
there (`steps.py`), and all is forgotten. And marks may be too many for one pass: then a day is read whole
(`PeakReader`).
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping
from itertools import chain

from streams.keys import Keys
from streams.marks.peaks import DayMark
from streams.marks.steps import Steps

#: hours that are kept, of about 700 bytes each; the oldest make room
HOURS = 20_000

_NONE = (0,) * 60


class MinuteMemory:
    """The minutes of one shard. `hours` at most are kept."""

    def __init__(self, hours: int = HOURS) -> None:
        self._most = hours
        self._hours: dict[tuple[DayMark, int], array[int]] = {}
        self._last: Steps | None = None

    def go_on(self, keys: Keys, stood: str, steps: Steps) -> None:
        """Another pass has begun, and found the name `stood` in the shard: what is known stays known, or nothing is."""
        if self._last is None or self._last.last(keys) != stood:
            self._hours.clear()
        self._last = steps

    def changed(self, mark: DayMark, minutes: Mapping[int, int]) -> None:
        """Minutes of the day have these values now (fen)."""
        for minute, value in minutes.items():
            hour = self._hours.get((mark, minute // 60))
            if hour is not None:
                hour[minute % 60] = value

    def read(self, mark: DayMark, hour: int, minutes: Mapping[int, int]) -> None:
        """An hour of the day was read, and holds these minutes (of the hour)."""
        values = self._hours[mark, hour] = array("q", _NONE)
        for minute, value in minutes.items():
            values[minute] = value
        if len(self._hours) > self._most:
            del self._hours[next(iter(self._hours))]

    def of(self, mark: DayMark, hours: Collection[int]) -> list[int] | None:
        """The minutes from the first to the last of these hours of the day, None if one is not known.

        Of hours between them that were not asked for they are 0.
        """
        if any((mark, hour) not in self._hours for hour in hours):
            return None
        between = range(min(hours), max(hours) + 1)
        return list(chain.from_iterable(self._hours[mark, hour] if hour in hours else _NONE for hour in between))
