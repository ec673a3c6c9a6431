"""What a platform keeps in the store, part by part: measured figures times a scale. Pure.

Small windows are priced as they were measured; those that a short run can not fill, by the shapes that were tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log1p

from streams.lab.bench.growth.report import Memory
from streams.lab.bench.growth.scale import Scale
from streams.lab.bench.growth.shapes import Shapes
from streams.tally.counters import COUNTERS, RECORD_SCOPES

#: rankings keep a session in those of its scopes
_CLOSED_IN = len(RECORD_SCOPES)
_COUNTERS = len(COUNTERS)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured: the store's memory and shapes, bytes of an event, microseconds of CPU an event by process."""

    memory: Memory
    shapes: Shapes
    event_bytes: float
    cpu_us: dict[str, float]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the store: so many keys (or members) of so many bytes."""

    name: str
    keys: float
    bytes: float

    @property
    def gb(self) -> float:
        """All of them."""
        return self.keys * self.bytes / 1e9


def store_parts(figures: Figures, scale: Scale) -> list[Part]:
    """All parts, the largest first."""
    parts = [
        *_hours(figures, scale),
        *_minutes(figures, scale),
        *_days(figures, scale),
        *_sketches(figures, scale),
        *_sessions(figures, scale),
        *_orders(figures, scale),
        *_rankings(figures, scale),
    ]
    return sorted(parts, key=lambda part: -part.gb)


def _hours(figures: Figures, scale: Scale) -> Iterator[Part]:
    hash_of, in_hour = figures.shapes.hash_of, _fields_a_window(figures.memory, "hours anchor")
    merchant_days = scale.merchants * scale.merchants_selling * scale.hour_days
    yield Part("hours, anchors", scale.anchor_days * scale.hour_days, hash_of(in_hour * scale.hours_on_air))
    yield Part("hours, merchants", merchant_days, hash_of(in_hour * scale.merchant_hours))
    yield Part("hours, cities", scale.cities * scale.hour_days, hash_of(_COUNTERS * 24))
    # the platform and its three channels
    coarse = 1 + scale.provinces + scale.clusters + scale.categories + 3
    yield Part("hours, coarse", coarse * scale.long_days, hash_of(_COUNTERS * 24))


def _minutes(figures: Figures, scale: Scale) -> Iterator[Part]:
    hash_of, in_minute = figures.shapes.hash_of, _fields_a_window(figures.memory, "minutes anchor")
    minutes = _distinct(60, scale.orders_a_day * scale.events_per_order / max(1.0, scale.anchor_hours))
    hours = scale.anchor_hours * scale.minute_days
    yield Part("minutes, anchors", hours, hash_of(in_minute * minutes))
    yield Part("minutes, sessions", hours, hash_of(in_minute * minutes))
    coarse = (1 + scale.clusters + scale.categories) * 24 * scale.minute_days
    yield Part("minutes, coarse", coarse, hash_of(_COUNTERS * 60))


def _days(figures: Figures, scale: Scale) -> Iterator[Part]:
    """Days whose hours are rolled up."""
    each = figures.shapes.hash_of(_fields_a_window(figures.memory, "hours anchor"))
    yield Part("days, anchors", scale.anchor_days * scale.rolled_up_days, each)
    yield Part("days, merchants", scale.merchants * scale.merchants_selling * scale.rolled_up_days, each)


def _sketches(figures: Figures, scale: Scale) -> Iterator[Part]:
    small = figures.shapes.small_sketch_bytes
    each = figures.memory.family("buyers anchor").bytes or small
    yield Part("buyers, anchor hours", scale.anchor_hours * scale.hour_days, each)
    yield Part("buyers, anchor days", scale.anchor_days * scale.rolled_up_days, max(each, small))
    # platform, provinces and clusters also keep merchants and anchors
    sketches = (1 + scale.provinces + scale.clusters) * 3 + scale.categories
    windows = 24 * scale.hour_days + scale.rolled_up_days
    yield Part("sketches, coarse", sketches * windows, figures.shapes.sketch_bytes)


def _sessions(figures: Figures, scale: Scale) -> Iterator[Part]:
    memory, shapes, sessions = figures.memory, figures.shapes, scale.sessions
    hours = shapes.hash_of(_fields_a_window(memory, "hours session") * scale.hours_on_air)
    yield Part("sessions: hours", sessions, hours)
    yield Part("sessions: facts", sessions, memory.family("session").bytes or shapes.hash_of(3))
    yield Part("sessions: buyers", sessions, max(memory.family("buyers session").bytes, shapes.small_sketch_bytes))
    yield Part("sessions: scopes", sessions, memory.family("placed").bytes or shapes.hash_of(_CLOSED_IN))
    yield Part("sessions: places in rankings", sessions * _CLOSED_IN, shapes.member_bytes)


def _orders(figures: Figures, scale: Scale) -> Iterator[Part]:
    """Nothing if the run had no order index."""
    memory = figures.memory
    total = memory.family("orders").total_bytes + memory.family("attributions").total_bytes
    if total:
        yield Part("order index", scale.orders_a_day * scale.order_days, total / max(1, memory.orders_paid))


def _rankings(figures: Figures, scale: Scale) -> Iterator[Part]:
    """One of each rule a scope: they stay for ever, but those of a session's own hours, which go with it."""
    for dimension, scopes in (
        ("anchor", scale.anchors),
        ("merchant", scale.merchants),
        ("session", scale.sessions),
    ):
        each = _per_scope(figures.memory, dimension)
        if each:
            yield Part(f"rankings, {dimension}s", scopes, each)


def _per_scope(memory: Memory, dimension: str) -> float:
    """Bytes of all rankings of one scope, by the scopes that have hours here."""
    scopes = memory.family(f"hours {dimension}").keys
    kinds = ("ranking", "open", "closed")
    total = sum(
        each.total_bytes
        for each in memory.families
        if each.name.split()[0] in kinds and each.name.split()[-1] == dimension
    )
    return total / scopes if scopes else 0.0


def _fields_a_window(memory: Memory, name: str) -> float:
    """Counters that one hour or minute has on average; one if that was not measured."""
    family = memory.family(name)
    return family.parts / family.windows if family.windows else 1.0


def _distinct(places: int, thrown: float) -> float:
    """How many of `places` are hit at least once by so many."""
    return places * (1 - exp(thrown * log1p(-1 / places)))
