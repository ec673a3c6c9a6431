"""Step 3, tally: a pure fold of counted events into deltas per (dimension, id, window).

Two stages, because an event belongs to nine dimensions but a chunk has few distinct combinations of them: events are
first summed into cells by the whole combination and minute, then every cell is spread over its tallies once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.events import OrderEvent, SessionEvent
from streams.tally.counters import (
    BUYER_HOUR_DIMENSIONS,
    COUNTERS,
    DIMENSIONS,
    MINUTE_DIMENSIONS,
    NONE_ID,
    PLATFORM_ID,
    TRADER_HOUR_DIMENSIONS,
)
from streams.tally.sessions import SessionDelta
from streams.tally.windows import DAY_MS, MINUTE_MS, Zone

#: minutes are kept for 3 days: an event that arrives later than that is added to its hours only
MINUTE_RETENTION_MS = 3 * DAY_MS

#: positions of the counters in a sum, in the order of `COUNTERS`
GMV, PAID, UNITS, CREATED, CANCELLED, REFUND, REFUNDED, BOOKED = range(len(COUNTERS))

#: session, anchor, merchant, cluster, category, province, city, channel
Combination = tuple[str, str, str, str, str, str, str, str]
_POSITION = {
    "session": 0,
    "anchor": 1,
    "merchant": 2,
    "cluster": 3,
    "category": 4,
    "province": 5,
    "city": 6,
    "channel": 7,
}
_HOUR_SPREAD = tuple((dimension, _POSITION[dimension]) for dimension in DIMENSIONS if dimension != "platform")
_MINUTE_SPREAD = tuple((dimension, at) for dimension, at in _HOUR_SPREAD if dimension in MINUTE_DIMENSIONS)
_BUYER_SPREAD = tuple((dimension, at) for dimension, at in _HOUR_SPREAD if dimension in BUYER_HOUR_DIMENSIONS)
_TRADER_SPREAD = tuple((dimension, at) for dimension, at in _HOUR_SPREAD if dimension in TRADER_HOUR_DIMENSIONS)

#: a cell that keeps no minute
_NO_MINUTE = -1


class Counted(NamedTuple):
    """An admitted event that counts. `first_refund`: the first accepted refund of its order (else False)."""

    offset: int
    arrival_ms: int
    event: OrderEvent | SessionEvent
    first_refund: bool


@dataclass(slots=True)
class Deltas:
    """What a run of events adds, without order: sums by window, members of sketches, news of sessions.

    `hours` and `minutes` map (dimension, id, local index) to eight sums in the order of `COUNTERS`; `sketches` maps
    (`buyers`|`merchants`|`anchors`, dimension, id, local hour) to members, with hour -1 for a session's whole life.
    `first_offsets` maps a local hour to the least offset that touched it.
    """

    hours: dict[tuple[str, str, int], list[int]] = field(default_factory=dict)
    minutes: dict[tuple[str, str, int], list[int]] = field(default_factory=dict)
    sketches: dict[tuple[str, str, str, int], set[str]] = field(default_factory=dict)
    sessions: dict[str, SessionDelta] = field(default_factory=dict)
    first_offsets: dict[int, int] = field(default_factory=dict)


def fold(counted: Iterable[Counted], zone: Zone) -> Deltas:
    """Sum `counted` (one partition, in log order) into deltas."""
    folding = _Folding(zone)
    for each in counted:
        event = each.event
        if type(event) is OrderEvent:
            folding.order(each, event)
        elif type(event) is SessionEvent:
            folding.session(event)
    return folding.spread()


class _Folding:
    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._cells: dict[tuple[int, int, Combination], list[int]] = {}
        self._buyers: dict[tuple[int, Combination], set[str]] = {}
        self._deltas = Deltas()

    # -- first stage: events into cells -----------------------------------------------------------
    def order(self, counted: Counted, event: OrderEvent) -> None:
        combination = (
            event.session_id or NONE_ID,
            event.anchor_id or NONE_ID,
            event.merchant_id or NONE_ID,
            event.cluster_id or NONE_ID,
            event.category or NONE_ID,
            event.province or NONE_ID,
            event.city or NONE_ID,
            event.channel or NONE_ID,
        )
        event_type = event.event_type
        if event_type == "order.paid":
            self._paid(counted, event, combination)
        elif event_type == "order.created":
            self._cell(counted, event.event_time_ms, combination)[CREATED] += 1
        elif event_type == "order.cancelled":
            self._cell(counted, event.event_time_ms, combination)[CANCELLED] += 1
        else:
            self._refunded(counted, event, combination)

    def _paid(self, counted: Counted, event: OrderEvent, combination: Combination) -> None:
        pay_time_ms: int = event.pay_time_ms  # type: ignore[assignment]  # admission requires it
        cell = self._cell(counted, pay_time_ms, combination)
        cell[GMV] += event.amount_fen  # type: ignore[operator]  # as above
        cell[PAID] += 1
        cell[UNITS] += event.quantity or 0
        if event.buyer_id is not None:
            key = (self._zone.hour(pay_time_ms), combination)
            buyers = self._buyers.get(key)
            if buyers is None:
                buyers = self._buyers[key] = set()
            buyers.add(event.buyer_id)
        if event.session_id not in (None, NONE_ID):
            self._session(combination[0]).saw(pay_time_ms)

    def _refunded(self, counted: Counted, event: OrderEvent, combination: Combination) -> None:
        refund_fen: int = event.refund_fen  # type: ignore[assignment]  # admission requires both
        restated = self._cell(counted, event.pay_time_ms, combination)  # type: ignore[arg-type]
        restated[REFUND] += refund_fen
        restated[REFUNDED] += counted.first_refund
        self._cell(counted, event.event_time_ms, combination)[BOOKED] += refund_fen

    def _cell(self, counted: Counted, time_ms: int, combination: Combination) -> list[int]:
        minute = (time_ms + self._zone.offset_ms) // MINUTE_MS
        hour = minute // 60
        if counted.arrival_ms - time_ms > MINUTE_RETENTION_MS:
            minute = _NO_MINUTE
        key = (hour, minute, combination)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = [0] * len(COUNTERS)
            self._deltas.first_offsets.setdefault(hour, counted.offset)
        return cell

    def session(self, event: SessionEvent) -> None:
        if event.session_id != NONE_ID:  # what stands for no session can not be one
            self._session(event.session_id).event(event)

    def _session(self, session_id: str) -> SessionDelta:
        session = self._deltas.sessions.get(session_id)
        if session is None:
            session = self._deltas.sessions[session_id] = SessionDelta()
        return session

    # -- second stage: cells into tallies ---------------------------------------------------------
    def spread(self) -> Deltas:
        for (hour, minute, combination), cell in self._cells.items():
            self._spread_sums(hour, minute, combination, cell)
            if cell[PAID]:
                self._spread_traders(hour, combination)
        for (hour, combination), buyers in self._buyers.items():
            self._spread_buyers(hour, combination, buyers)
        return self._deltas

    def _spread_sums(self, hour: int, minute: int, combination: Combination, cell: Sequence[int]) -> None:
        hours, minutes = self._deltas.hours, self._deltas.minutes
        _add(hours, ("platform", PLATFORM_ID, hour), cell)
        for dimension, at in _HOUR_SPREAD:
            _add(hours, (dimension, combination[at], hour), cell)
        if minute != _NO_MINUTE:
            _add(minutes, ("platform", PLATFORM_ID, minute), cell)
            for dimension, at in _MINUTE_SPREAD:
                _add(minutes, (dimension, combination[at], minute), cell)

    def _spread_traders(self, hour: int, combination: Combination) -> None:
        for of, trader in (("merchants", combination[_POSITION["merchant"]]), ("anchors", combination[1])):
            if trader != NONE_ID:
                self._sketch(of, "platform", PLATFORM_ID, hour).add(trader)
                for dimension, at in _TRADER_SPREAD:
                    if combination[at] != NONE_ID:
                        self._sketch(of, dimension, combination[at], hour).add(trader)

    def _spread_buyers(self, hour: int, combination: Combination, buyers: set[str]) -> None:
        self._sketch("buyers", "platform", PLATFORM_ID, hour).update(buyers)
        for dimension, at in _BUYER_SPREAD:
            if combination[at] != NONE_ID:
                self._sketch("buyers", dimension, combination[at], hour).update(buyers)
        if combination[0] != NONE_ID:
            self._sketch("buyers", "session", combination[0], -1).update(buyers)

    def _sketch(self, of: str, dimension: str, id: str, hour: int) -> set[str]:
        key = (of, dimension, id, hour)
        sketch = self._deltas.sketches.get(key)
        if sketch is None:
            sketch = self._deltas.sketches[key] = set()
        return sketch


def _add(sums: dict[tuple[str, str, int], list[int]], key: tuple[str, str, int], cell: Sequence[int]) -> None:
    total = sums.get(key)
    if total is None:
        sums[key] = list(cell)
        return
    for at, value in enumerate(cell):
        if value:
            total[at] += value
