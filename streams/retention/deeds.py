"""Retention: what is done about a key under given floors. Pure; the inverse of the key table (`streams/keys.py`).

Whatever is not named here, or does not read like one of ours, is left alone: rankings, fences, marks, the outbox.
"""

from __future__ import annotations

from typing import NamedTuple

from streams.intake.order import GENERATION_DAYS
from streams.retention.policy import LONG_HOUR_DIMENSIONS, Floors
from streams.tally.counters import NONE_ID

#: the families of hourly sketches, and that of a day's
SKETCHES = ("buyers", "merchants", "anchors")
_DAY_SKETCHES = tuple(f"day-{of}" for of in SKETCHES)


class Remove(NamedTuple):
    """The whole key lies below the floor of `kind`."""

    kind: str


class RollUp(NamedTuple):
    """The hours of one day of a tally, with its sketches, become its day."""

    dimension: str
    day: int
    id: str


class Merge(NamedTuple):
    """The hourly sketches of one day of a tally become its day's."""

    of: str
    dimension: str
    day: int
    id: str


class Trim(NamedTuple):
    """Of a hash by local hours, the fields below the floor of `kind` go; `suffix` characters follow the hour."""

    kind: str
    suffix: int


class Forget(NamedTuple):
    """A session, if nothing has been heard of it for long enough."""

    session_id: str


Deed = Remove | RollUp | Merge | Trim | Forget


def deed(name: str, floors: Floors) -> Deed | None:
    """What is due for the key `name` (without the prefix of its shard); None: nothing.

    An id stands last in its key and may hold any character.
    """
    family, _, rest = name.partition(":")
    if family == "hours":
        return _of_hours(rest, floors)
    if family == "session":
        return Forget(rest)
    if family == "first":
        return Trim("first_offsets", 0)
    if family in ("orders", "attributions"):
        return Remove("orders") if _is_below(_last_day(_index(rest, 1)), floors.orders) else None
    if family == "minutes":
        return Remove("minutes") if _is_below(_index(rest, 1), floors.minutes // 60) else None
    if family in ("ids", "late"):
        day = rest.partition(":")[2]
        return Remove("days") if day.isdecimal() and int(day) < floors.days else None
    if family == "days" or family in _DAY_SKETCHES:
        return Remove("days") if _is_below(_index(rest, 1), floors.days) else None
    return _of_sketch(family, rest, floors) if family in SKETCHES else None


def _of_hours(rest: str, floors: Floors) -> Deed | None:
    dimension, _, after = rest.partition(":")
    if dimension == "session":
        # what has no session has no end either: its hours go one by one
        return Trim("sessions", 1) if after == NONE_ID else Forget(after)
    day = _index(rest, 1)
    if day is None:
        return None
    if day < floors.days:
        return Remove("days")
    if dimension in LONG_HOUR_DIMENSIONS:
        return Remove("long_hours") if day * 24 < floors.long_hours else None
    return RollUp(dimension, day, after.partition(":")[2]) if day * 24 < floors.hours else None


def _of_sketch(of: str, rest: str, floors: Floors) -> Deed | None:
    dimension, _, after = rest.partition(":")
    hour = _index(rest, 1)
    if dimension == "session" or hour is None:
        return None
    if hour // 24 < floors.days:
        return Remove("days")
    return Merge(of, dimension, hour // 24, after.partition(":")[2]) if hour < floors.sketches else None


def _index(rest: str, at: int) -> int | None:
    """The window's local index, which stands at part `at`, if an id or topic follows."""
    parts = rest.split(":", at + 1)
    return int(parts[at]) if len(parts) == at + 2 and parts[at].isdecimal() else None


def _last_day(generation: int | None) -> int | None:
    return None if generation is None else (generation + 1) * GENERATION_DAYS - 1


def _is_below(index: int | None, floor: int) -> bool:
    return index is not None and index < floor
