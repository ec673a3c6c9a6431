"""Step 6, peaks and records: the best 60 whole minutes of a local day. Pure.

Minutes only grow, so after a change only spans that hold a changed minute can have become better than what the
ranking knows. A span lies wholly inside its day: it starts at minute 0 to 1,380 of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
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
    starts = sorted({start for minute in changed for start in _starts(minute)})
    if not starts:
        return None
    first = starts[0]
    sums = [0, *accumulate(map(minutes.get, range(first, starts[-1] + SPAN), _ZEROS))]
    values = [sums[start - first + SPAN] - sums[start - first] for start in starts]
    best = max(values)
    return Span(starts[values.index(best)], best) if best > 0 else None


_ZEROS = (0,) * DAY


def _starts(minute: int) -> range:
    return range(max(0, minute - SPAN + 1), min(DAY - SPAN, minute) + 1)


def _hours_touched(minute: int) -> range:
    return range(max(0, minute - SPAN + 1) // 60, min(DAY - 1, minute + SPAN - 1) // 60 + 1)
