"""Retention: how long everything is kept, and which windows are past their time. Pure.

A *floor* is the local index of the first window of its kind that is kept. Admission adds nothing to an hour more than
35 days, or to a minute more than 3 days before its arrival; a floor stays one more day behind the watermark, so that
a partition that is a day behind the others, in arrivals, can still add what it holds. What comes later still is
neither lost nor looked at: minutes below the floor go with the next sweep, hours are rolled up into their day again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from streams.intake.timely import HOUR_RETENTION_MS
from streams.marks.watermark import Progress
from streams.tally.fold import MINUTE_RETENTION_MS
from streams.tally.windows import DAY_MS, Zone

#: days, sessions, and the hours of these dimensions
LONG_MS: Final = 400 * DAY_MS
LONG_HOUR_DIMENSIONS: Final = frozenset({"platform", "province", "cluster", "category", "channel"})
#: how much longer everything is kept than anything may be added to it
MARGIN_MS: Final = DAY_MS

#: kind of data -> grain of its floor
GRAINS: Final = {
    "minutes": "minute",
    "hours": "hour",
    "long_hours": "hour",
    "sketches": "hour",
    "days": "day",
    "sessions": "day",
    "orders": "day",
    "first_offsets": "hour",
}
#: kinds whose floor moves by whole days
DAILY: Final = tuple(kind for kind in GRAINS if kind != "minutes")


class Floors(NamedTuple):
    """The first window that is kept of each kind, as local minute, hour or day; 0: nothing was ever purged.

    `long_hours` are those of `LONG_HOUR_DIMENSIONS`, `hours` those of the others but session, whose hours go with
    their session; `sketches` are those of hours, in every dimension: a day's are kept as long as the day.
    """

    minutes: int = 0
    hours: int = 0
    long_hours: int = 0
    sketches: int = 0
    days: int = 0
    sessions: int = 0
    orders: int = 0
    first_offsets: int = 0

    def of(self, kind: str) -> int:
        """The floor of a kind."""
        return int(getattr(self, kind))

    def start_ms(self, kind: str, zone: Zone) -> int:
        """The instant (epoch ms) from which on a kind is kept."""
        return zone.start_ms(GRAINS[kind], self.of(kind))


class Unread(NamedTuple):
    """The oldest windows that the peak detector has still to read: local minute and hour, None where it has all."""

    minute: int | None = None
    hour: int | None = None


def arrived_ms(watermark_ms: int | None, partitions: Iterable[Progress]) -> int | None:
    """How far the input is certain to have come (epoch ms): the watermark, held back by what lies unread.

    The watermark alone would do but for a partition that it does not know yet, or took for idle: what is admitted is
    decided by arrival, so a partition with unread records counts for no more than its last arrival. None: not far.
    """
    if not watermark_ms:
        return None
    return min([watermark_ms, *(each.arrival_ms for each in partitions if each.unread)]) or None


def due_floors(at_ms: int, zone: Zone, tail_ms: int, orders_ms: int) -> Floors:
    """The floors once the input has come to `at_ms` (epoch ms).

    `tail_ms` is how long after its end a session's orders count for it. The first offsets of its hours are the start
    of its evidence, until the last order that may count has had its 35 days to arrive. `orders_ms` is for how long an
    order is known.
    """

    def first_kept(grain: str, kept_ms: int) -> int:
        since_ms = at_ms - kept_ms - MARGIN_MS
        return max(0, zone.hour(since_ms) * 60 if grain == "minute" else zone.day(since_ms))

    day, old_day = first_kept("day", HOUR_RETENTION_MS), first_kept("day", LONG_MS)
    return Floors(
        minutes=first_kept("minute", MINUTE_RETENTION_MS),
        hours=day * 24,
        long_hours=old_day * 24,
        sketches=day * 24,
        days=old_day,
        sessions=old_day,
        orders=first_kept("day", orders_ms),
        first_offsets=first_kept("day", HOUR_RETENTION_MS + tail_ms) * 24,
    )


def held_back(floors: Floors, unread: Unread) -> Floors:
    """`floors`, lowered so that everything which a detector needs for its `unread` windows stays above.

    A changed minute needs the 59 before it, a changed hour itself; both need the first offset of their hours.
    """
    if unread.minute is not None:
        hour = max(0, (unread.minute - 59) // 60)
        floors = floors._replace(
            minutes=min(floors.minutes, hour * 60), first_offsets=min(floors.first_offsets, hour // 24 * 24)
        )
    if unread.hour is not None:
        day = unread.hour // 24
        floors = floors._replace(
            hours=min(floors.hours, day * 24),
            long_hours=min(floors.long_hours, day * 24),
            sessions=min(floors.sessions, day),
            first_offsets=min(floors.first_offsets, day * 24),
        )
    return floors


def raised(stored: Floors, due: Floors) -> Floors:
    """The floors that follow: none ever falls."""
    return Floors(*map(max, stored, due))
