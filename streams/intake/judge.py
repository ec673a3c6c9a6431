"""Step 2, admit: every record of a chunk becomes counted, a resend or a reject. Pure.

Verdicts are made once a chunk, in log order, and can then be cut at any offset: a shard that is ahead of another, or
a chunk that is too large for one script, takes the same verdicts from another offset on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar
from zlib import crc32

from schemas.events import OrderEvent, SessionEvent
from schemas.rejects import Reason, origin_of
from streams.intake.admission import Refusal
from streams.intake.chunk import Chunk, Record
from streams.intake.order import Order
from streams.intake.order_store import Spoken, Touched
from streams.intake.orders import RESEND, OrderBook, What
from streams.intake.resends import ResendMemory
from streams.tally.cells import Counted
from streams.tally.settle import Progress
from streams.tally.windows import Zone

#: an event stamped further ahead of its arrival than this counts, but can not move the watermark
TRUST_AHEAD_MS = 5 * 60_000

_REFUNDED = frozenset({"order.refunded"})
_PAID_AND_REFUNDED = frozenset({"order.paid", "order.refunded"})

T = TypeVar("T")
Event = OrderEvent | SessionEvent
#: one outcome for each record of a chunk, in its order
Admitted = list[Event | Refusal]
#: record value and arrival (epoch ms) to an event or the reason against it
Admit = Callable[[bytes | None, int, Zone], Event | Refusal]


class RejectedRecord(NamedTuple):
    """A record that is not counted, and why."""

    record: Record
    reason: Reason
    detail: str


class Judged:
    """The verdicts over one chunk, all lists in log order."""

    def __init__(self, chunk: Chunk, book: OrderBook) -> None:
        self.chunk = chunk
        self.book = book
        self.counted: list[Counted] = []
        self.resends: list[int] = []
        self.rejects: list[RejectedRecord] = []
        self._touched: list[Touched] = []
        #: of every admitted record: offset, arrival, and event time if that clock is to be trusted (else 0)
        self.admitted: list[int] = []
        self.arrivals_ms: list[int] = []
        self.trusted_ms: list[int] = []

    def touch(self, record: Record, origin: str) -> None:
        """Note that a redriven record has settled."""
        self._touched.append(Touched(record.offset, record.timestamp, "", None, origin))

    def order(self, record: Record, event: OrderEvent, origin: str | None) -> bool:
        """Enter a payment or refund that is no resend for all that the memory knows; False if it is a reject."""
        offset, arrival_ms, book = record.offset, record.timestamp, self.book
        what: What
        detail, first = "", False
        order: Order | None
        if event.event_type == "order.refunded":
            (what, event, detail, first), order = book.refund(event, offset, arrival_ms)
        else:
            what, order = book.pay(event, offset, arrival_ms)
        if what is RESEND:
            self.resend(record, origin)
            return True
        refused = what is not None
        self._touched.append(Touched(offset, arrival_ms, event.order_id, order, None if refused else origin))
        if what is not None:
            self.rejects.append(RejectedRecord(record, what, detail or what.meaning))
            return False
        self.counted.append(Counted(offset, arrival_ms, event, first))
        return True

    def resend(self, record: Record, origin: str | None) -> None:
        """Enter a record that was counted before."""
        self.resends.append(record.offset)
        if origin is not None:
            self.touch(record, origin)

    def counted_in(self, start: int, stop: int) -> Sequence[Counted]:
        """The counted events with offsets in `[start, stop)`."""
        return self.counted[_at(self.counted, start, _offset) : _at(self.counted, stop, _offset)]

    def rejects_from(self, start: int) -> Sequence[RejectedRecord]:
        """The rejects from offset `start` on."""
        return self.rejects[_at(self.rejects, start, _record_offset) :]

    def touched_in(self, start: int, stop: int) -> Sequence[Touched]:
        """The records in `[start, stop)` that changed the order book."""
        return self._touched[_at(self._touched, start, _offset) : _at(self._touched, stop, _offset)]

    def rejects_among(self, start: int) -> tuple[int, list[tuple[int, int]]]:
        """How many records there are from offset `start` on, and the rejects: position among those, and offset."""
        records, first = self.chunk.records, _at(self.chunk.records, start, _offset)
        offsets = (each.record.offset for each in self.rejects_from(start))
        return len(records) - first, [(_at(records, offset, _offset) - first, offset) for offset in offsets]

    def untrusted_from(self, start: int) -> int:
        """How many admitted records from offset `start` on are stamped too far ahead to move the watermark."""
        return self.trusted_ms[bisect_left(self.admitted, start) :].count(0)

    def progress(self, start: int, stop: int) -> Progress:
        """The accounting of `[start, stop)`."""
        records = self.chunk.records
        first, end = _at(records, start, _offset), _at(records, stop, _offset)
        run = records[first:end]
        admitted = slice(bisect_left(self.admitted, start), bisect_left(self.admitted, stop))
        return Progress(
            start=start,
            stop=stop,
            counted=_at(self.counted, stop, _offset) - _at(self.counted, start, _offset),
            resends=bisect_left(self.resends, stop) - bisect_left(self.resends, start),
            rejected=_at(self.rejects, stop, _record_offset) - _at(self.rejects, start, _record_offset),
            holes=stop - start - len(run),
            trusted_ms=max(self.trusted_ms[admitted], default=0),
            arrival_ms=max(self.arrivals_ms[admitted], default=0),
            last_crc=record_crc(run[-1]) if run else 0,
            last_ms=run[-1].timestamp if run else 0,
            unread=int(stop < self.chunk.highwater),
        )


def record_crc(record: Record) -> int:
    """What identifies a record beside its timestamp, to notice a log that was replaced."""
    return crc32(record.value or b"")


def spoken_of(chunk: Chunk, admitted: Admitted, index: bool) -> list[Spoken]:
    """What the order book must be asked before `chunk` can be judged."""
    booked, spoken = _booked(index), []
    for record, outcome in zip(chunk.records, admitted, strict=True):
        origin = origin_of(record.headers) if record.headers else None
        if type(outcome) is OrderEvent and outcome.event_type in booked:
            spoken.append(Spoken(record.timestamp, outcome, origin))
        elif origin is not None and type(outcome) is not Refusal:
            spoken.append(Spoken(record.timestamp, None, origin))
    return spoken


def judge(chunk: Chunk, admitted: Admitted, memory: ResendMemory, book: OrderBook) -> Judged:
    """Judge `chunk`, feeding the resend memory and the order book in log order.

    A reject is not remembered as seen: a repaired copy under the same id is no resend.
    """
    judged, booked, is_resend = Judged(chunk, book), _booked(book.index), memory.is_resend
    for record, outcome in zip(chunk.records, admitted, strict=True):
        if type(outcome) is Refusal:
            judged.rejects.append(RejectedRecord(record, outcome.reason, outcome.detail))
            continue
        offset, arrival_ms, headers = record.offset, record.timestamp, record.headers
        origin = origin_of(headers) if headers else None
        if is_resend(outcome.event_id, offset, arrival_ms) or (
            origin is not None and book.is_settled(origin, offset, arrival_ms)
        ):
            judged.resend(record, origin)
        elif type(outcome) is OrderEvent and outcome.event_type in booked:
            if not judged.order(record, outcome, origin):
                memory.forget(outcome.event_id)
                continue
        else:
            judged.counted.append(_counted(Counted, (offset, arrival_ms, outcome, False)))
            if origin is not None:
                judged.touch(record, origin)
        if origin is not None:
            book.settle_origin(origin, offset, arrival_ms)
        time_ms = outcome.event_time_ms
        judged.admitted.append(offset)
        judged.arrivals_ms.append(arrival_ms)
        judged.trusted_ms.append(time_ms if time_ms <= arrival_ms + TRUST_AHEAD_MS else 0)
    return judged


#: a `Counted` without the detour over its keyword arguments: half the time, once an event
_counted = tuple.__new__


def _booked(index: bool) -> frozenset[str]:
    """The types of events that are judged by what is known of their order."""
    return _PAID_AND_REFUNDED if index else _REFUNDED


def _offset(item: Counted | Record | Touched) -> int:
    return item.offset


def _record_offset(item: RejectedRecord) -> int:
    return item.record.offset


def _at(items: Sequence[T], offset: int, offset_of: Callable[[T], int]) -> int:
    return bisect_left(items, offset, key=offset_of)
