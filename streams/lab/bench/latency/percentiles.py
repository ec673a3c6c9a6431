"""Percentiles of weighted values, by nearest rank: what is told is a value that was measured. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import Any, Final

#: what a curve is drawn through, in percent
CURVE: Final = (1, 5, 10, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.9, 100)


@dataclass(frozen=True, slots=True)
class Spread:
    """Values in ascending order, and how many samples reach up to each of them."""

    values: Sequence[float]
    reached: Sequence[int]

    @property
    def samples(self) -> int:
        """How many there are."""
        return self.reached[-1] if self.reached else 0

    def at(self, percent: float) -> float | None:
        """The smallest value that `percent` of the samples do not exceed; None if there are none."""
        if not self.samples:
            return None
        rank = max(1, ceil(self.samples * percent / 100))
        return self.values[bisect_left(self.reached, rank)]

    def as_json(self) -> dict[str, Any]:
        """The percentiles that are told, and the curve."""
        told = {"p50": self.at(50), "p90": self.at(90), "p99": self.at(99), "max": self.at(100)}
        return {
            **{name: _rounded(value) for name, value in told.items()},
            "samples": self.samples,
            "curve": [[percent, _rounded(self.at(percent))] for percent in CURVE] if self.samples else [],
        }


def spread(samples: Iterable[tuple[float, int]]) -> Spread:
    """The spread of (value, how many)."""
    ordered = sorted(samples)
    return Spread([value for value, _ in ordered], list(accumulate(number for _, number in ordered)))


def _rounded(value: float | None) -> float | None:
    """A tenth of a millisecond is more than a look at the fences can tell."""
    return None if value is None else round(value, 1)
