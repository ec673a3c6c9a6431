"""Step 6, peaks and records: the best 60 whole minutes of a local day. Pure.

Minutes only grow, so after a change only spans that hold a changed minute can have become better than what the
ranking knows. A span lies wholly inside its day: it starts at minute 0 to 1,380 of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from operator import sub
from typing import NamedTuple

SPAN = 60
DAY = 1_440


class Span(NamedTuple):
    """60 minutes of a day from minute `start` (0 to 1,380), with the sum of their values."""

    start: int
    value: int


def hours_around(changed: Iterable[int]) -> set[int]:
    """The hours (0 to 23) of the day whose minutes `best_span` needs for `changed` minutes of the day."""
    return {hour for minute in changed for hour in _hours_touched(minute)}


def best_span(minutes: Mapping[int, int], changed: Iterable[int]) -> Span | None:
    """The best span that holds one of the `changed` minutes, the earliest of equals; None if all are worth 0.

    `minutes` maps minutes of the day to values (0 or more), absent ones count 0.
    """
    return best_span_of(list(map(minutes.get, range(DAY), _ZEROS)), 0, changed)


def best_span_of(values: Sequence[int], first: int, changed: Iterable[int]) -> Span | None:
    """The same for the values of consecutive minutes from minute `first` of the day, at least all of `hours_around`."""
    best: Span | None = None
    for start, stop in _runs(changed):
        sums = list(accumulate(values[start - first : stop - first + SPAN - 1], initial=0))
        spans = list(map(sub, sums[SPAN:], sums))
        value = max(spans)
        if value > (best.value if best else 0):
            best = Span(start + spans.index(value), value)
    return best


_ZEROS = (0,) * DAY


def _runs(changed: Iterable[int]) -> list[tuple[int, int]]:
    """Half-open ranges of minutes at which spans begin that hold a changed one, in their order."""
    runs: list[tuple[int, int]] = []
    for minute in sorted(changed):
        start, stop = max(0, minute - SPAN + 1), min(DAY - SPAN, minute) + 1
        if runs and start <= runs[-1][1]:
            runs[-1] = runs[-1][0], stop
        else:
            runs.append((start, stop))
    return runs


def _hours_touched(minute: int) -> range:
    return range(max(0, minute - SPAN + 1) // 60, min(DAY - 1, minute + SPAN - 1) // 60 + 1)
