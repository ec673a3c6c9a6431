"""Which windows an audit may look at: those that no purge has reached. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streams.lab.truth import Sketch, Tally
from streams.retention.policy import LONG_HOUR_DIMENSIONS, Floors
from streams.tally.windows import Zone


@dataclass(frozen=True)
class Kept:
    """Where each kind begins to be kept (`Floors`), and `cut`: sessions that began before, so lack hours by now."""

    floors: Floors
    zone: Zone
    cut: frozenset[str] = frozenset()

    def without(self, tallies: Iterable[Tally]) -> Kept:
        """The same, with the sessions cut that have an hour below the floor among these `tallies`."""
        since_ms = self.floors.start_ms("sessions", self.zone)
        cut = frozenset(
            tally.id
            for tally in tallies
            if tally.dimension == "session" and tally.grain == "hour" and tally.start_ms < since_ms
        )
        return Kept(self.floors, self.zone, self.cut | cut)

    def has(self, window: Tally | Sketch) -> bool:
        """Whether a window is kept whole."""
        if window.grain == "session":
            return window.id not in self.cut
        return window.start_ms >= self.floors.start_ms(_kind(window), self.zone)


def _kind(window: Tally | Sketch) -> str:
    """The kind of data, as in `Floors`, that a minute, hour or day is."""
    if window.grain == "minute":
        return "minutes"
    if window.dimension == "session":
        return "sessions"
    if window.grain == "day":
        return "days"
    if isinstance(window, Sketch):
        return "sketches"
    return "long_hours" if window.dimension in LONG_HOUR_DIMENSIONS else "hours"


def common(floors: Iterable[Floors]) -> Floors:
    """The floors above which every one of some shards still has everything."""
    return Floors(*map(max, zip(*floors, strict=True)))
