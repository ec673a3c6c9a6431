"""Step 3, tally: counted events summed into cells by minute and whole combination of ids, the fold's first stage. Pure.

An event belongs to nine dimensions, but a chunk has few distinct combinations of them. This is the part that runs once
an event, and it looks like it: one lookup by the combination, a few additions, nothing made that is not kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from schemas.events import OrderEvent, SessionEvent
from streams.tally.counters import DIMENSIONS
from streams.tally.windows import DAY_MS, MINUTE_MS, Zone

#: minutes are kept for 3 days: an event that arrives later than that is added to its hours only
MINUTE_RETENTION_MS = 3 * DAY_MS

#: session, anchor, merchant, cluster, category, province, city, channel; as the event says them, so some may be null
Combination = tuple[str | None, ...]
COMBINED = ("session", "anchor", "merchant", "cluster", "category", "province", "city", "channel")
assert {*COMBINED, "platform"} == {*DIMENSIONS}

_combination = attrgetter(*(each if each in OrderEvent.__struct_fields__ else f"{each}_id" for each in COMBINED))


class Counted(NamedTuple):
    """An admitted event that counts. `first_refund`: the first accepted refund of its order (else False)."""

    offset: int
    arrival_ms: int
    event: OrderEvent | SessionEvent
    first_refund: bool


class Cell:
    """The sums of one combination in one minute; `first_ms` and `last_ms` are of its paid orders (0: none)."""

    __slots__ = (
        "booked_fen", "buyers", "cancelled", "created", "first_ms", "gmv_fen", "last_ms", "paid", "refund_fen",
        "refunded", "units",
    )  # fmt: skip

    def __init__(self) -> None:
        self.gmv_fen = self.paid = self.units = self.created = self.cancelled = 0
        self.refund_fen = self.refunded = self.booked_fen = 0
        self.buyers: list[str] = []
        self.first_ms = self.last_ms = 0

    def sums(self) -> tuple[int, ...]:
        """The counters in the order of `COUNTERS`."""
        return (
            self.gmv_fen, self.paid, self.units, self.created, self.cancelled,
            self.refund_fen, self.refunded, self.booked_fen,
        )  # fmt: skip


class Cells:
    """Cells by local minute, those too old for minutes by local hour; session events as they are.

    `first_offsets` maps a local hour to the least offset that touched it.
    """

    def __init__(self, zone: Zone) -> None:
        self.minutes: dict[int, dict[Combination, Cell]] = {}
        self.hours: dict[int, dict[Combination, Cell]] = {}
        self.first_offsets: dict[int, int] = {}
        self.session_events: list[SessionEvent] = []
        self._offset_ms = zone.offset_ms

    def add(self, counted: Iterable[Counted]) -> None:
        """Take events of one partition, in log order."""
        cell_of = self._cell
        for each in counted:
            event = each[2]
            if type(event) is not OrderEvent:
                self.session_events.append(event)  # type: ignore[arg-type]  # there are two types
            elif event.event_type == "order.paid":
                _pay(cell_of(each, event.pay_time_ms, event), event)  # type: ignore[arg-type]  # admission requires it
            elif event.event_type == "order.created":
                cell_of(each, event.event_time_ms, event).created += 1
            elif event.event_type == "order.cancelled":
                cell_of(each, event.event_time_ms, event).cancelled += 1
            else:
                self._refund(each, event)

    def _refund(self, counted: Counted, event: OrderEvent) -> None:
        refund_fen: int = event.refund_fen  # type: ignore[assignment]  # admission requires both
        restated = self._cell(counted, event.pay_time_ms, event)  # type: ignore[arg-type]
        restated.refund_fen += refund_fen
        restated.refunded += counted.first_refund
        self._cell(counted, event.event_time_ms, event).booked_fen += refund_fen

    def _cell(self, counted: Counted, time_ms: int, event: OrderEvent) -> Cell:
        minute = (time_ms + self._offset_ms) // MINUTE_MS
        if counted.arrival_ms - time_ms > MINUTE_RETENTION_MS:
            cells = self._window(self.hours, minute // 60, minute // 60, counted)
        else:
            cells = self._window(self.minutes, minute, minute // 60, counted)
        combination = _combination(event)
        cell = cells.get(combination)
        if cell is None:
            cell = cells[combination] = Cell()
        return cell

    def _window(
        self, windows: dict[int, dict[Combination, Cell]], window: int, hour: int, counted: Counted
    ) -> dict[Combination, Cell]:
        cells = windows.get(window)
        if cells is None:
            cells = windows[window] = {}
            self.first_offsets.setdefault(hour, counted.offset)
        return cells


def _pay(cell: Cell, event: OrderEvent) -> None:
    time_ms: int = event.pay_time_ms  # type: ignore[assignment]  # admission requires it
    cell.gmv_fen += event.amount_fen  # type: ignore[operator]  # as above
    cell.paid += 1
    cell.units += event.quantity  # type: ignore[operator]  # as above
    if event.buyer_id is not None:
        cell.buyers.append(event.buyer_id)
    if time_ms > cell.last_ms:
        cell.last_ms = time_ms
    if time_ms < cell.first_ms or not cell.first_ms:
        cell.first_ms = time_ms
