"""Step 2, admit: the order book judges payments and refunds by what stands before them in the log. Pure.

A verdict is made once, in log order, and remembered with its offset: read again, from wherever, every record is judged
as the first time. An order is known for `horizon_ms` of arrivals after the record that made it known (and `BACK_MS`
before it, as arrivals may go back a little); then it begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from schemas.events import ATTRIBUTION, OrderEvent
from schemas.rejects import Reason
from streams.intake.order import (
    CODES,
    PLACE,
    REASONS,
    TRADE,
    Ids,
    Order,
    ids_digest,
    order_digest,
    refund_digest,
    trade_of,
)
from streams.intake.timely import untimely
from streams.tally.windows import DAY_MS, Zone

#: arrivals go back by less than this: clocks of producers, or of brokers that took a partition over
BACK_MS: Final = DAY_MS
#: a redriven record is remembered as long as rejects are kept
ORIGIN_MS: Final = 7 * DAY_MS


class Seen(Enum):
    """The verdict on a copy that was judged a resend when it was settled."""

    RESEND = "resend"


RESEND: Final = Seen.RESEND
#: what a record of an order is: counted (None), a resend, or refused
What = Reason | Literal[Seen.RESEND] | None


class Refunded(NamedTuple):
    """The verdict on a refund; `event` has the attribution that counts, `first` says that it is its order's first."""

    what: What
    event: OrderEvent
    detail: str = ""
    first: bool = False


@dataclass(slots=True)
class OrderBook:
    """What is known of the orders, and of the redriven records, that a chunk speaks of.

    `fence` is the offset below which every verdict stands in the book, `low` the one below which nothing is counted
    any more: there copies may not be known as such, so nothing is entered. With `index` payments are remembered as
    well; without, a refund must say itself where it belongs. `origins` are offsets and arrivals of redriven records
    that settled, `ids` those that the digests of refunded orders stand for.
    """

    zone: Zone
    horizon_ms: int
    index: bool = True
    fence: int = 0
    orders: dict[bytes, list[Order]] = field(default_factory=dict)
    origins: dict[str, dict[int, int]] = field(default_factory=dict)
    ids: dict[bytes, Ids] = field(default_factory=dict)
    low: int = 0

    # -- payments ------------------------------------------------------------------------------
    def pay(self, event: OrderEvent, offset: int, arrival_ms: int) -> tuple[What, Order | None]:
        """Judge a payment. Call in log order."""
        order = self._known(event.order_id, offset, arrival_ms)
        if offset < self.low:
            return _first_verdict(order, offset), order
        if order is None:
            order = self._make(event.order_id, arrival_ms)
        if order.paid_before(offset):
            if offset < self.fence and offset not in order.verdicts:
                return RESEND, order
            order.verdicts[offset] = CODES[Reason.PAID_TWICE]
            return Reason.PAID_TWICE, order
        # also where it was entered before: Redis may go back between this reading and the settle
        self._enter_payment(order, event, offset)
        return None, order

    def _enter_payment(self, order: Order, event: OrderEvent, offset: int) -> None:
        assert event.pay_time_ms is not None and event.amount_fen is not None, "admission requires both"
        order.paid_offset, order.pay_time_ms, order.amount_fen = offset, event.pay_time_ms, event.amount_fen
        trade, place = trade_of(event), (event.province, event.city)
        order.trade, order.place = ids_digest(trade), ids_digest(place)
        self.ids[order.trade], self.ids[order.place] = trade, place

    # -- refunds -------------------------------------------------------------------------------
    def refund(self, event: OrderEvent, offset: int, arrival_ms: int) -> tuple[Refunded, Order | None]:
        """Judge a refund. Call in log order."""
        lacking = lacks(event)
        if lacking and not self.index:
            return Refunded(Reason.UNKNOWN_ORDER, event, lacking), None
        order = self._known(event.order_id, offset, arrival_ms)
        if offset < self.fence and (order is None or offset not in order.verdicts):
            return Refunded(RESEND, event), None
        if order is None:
            order = self._make(event.order_id, arrival_ms)
        known = self.index and order.paid_before(offset)
        if known:
            event, lacking = self._attributed(event, order), ""
        before = order.refunded_before(offset)
        if offset >= self.fence:
            refund_id = refund_digest(event.refund_id or "")
            if not lacking and order.has_refund(refund_id, offset):
                return Refunded(RESEND, event), None
            reason, detail = self._refusal(event, arrival_ms, lacking, before)
            order.enter_refund(offset, CODES[reason] if reason else _amount(event), refund_id)
        else:
            reason, detail = REASONS.get(order.verdicts[offset]), "as judged before"
        return Refunded(reason, event, detail, not before), order

    def _refusal(
        self, event: OrderEvent, arrival_ms: int, lacking: str, before: list[int]
    ) -> tuple[Reason, str] | tuple[None, str]:
        if lacking:
            return Reason.UNKNOWN_ORDER, lacking
        amount_fen, pay_time_ms = event.amount_fen, event.pay_time_ms
        assert amount_fen is not None and pay_time_ms is not None, "nothing is lacking"
        if _amount(event) > amount_fen:
            return Reason.REFUND_EXCEEDS_ORDER, "refund_fen: more than amount_fen"
        times_ms = event.event_time_ms, pay_time_ms
        if refused := untimely(min(times_ms), max(times_ms), arrival_ms, self.zone):
            return refused
        if sum(before) + _amount(event) > amount_fen:
            return Reason.REFUND_EXCEEDS_ORDER, "more than is left of the order"
        return None, ""

    def _attributed(self, event: OrderEvent, order: Order) -> OrderEvent:
        """The refund as part of its order: what the order's payment said counts, not what the refund repeats."""
        ids = dict(zip((*TRADE, *PLACE), (*self.ids[order.trade], *self.ids[order.place]), strict=True))
        return replace(event, **ids, pay_time_ms=order.pay_time_ms, amount_fen=order.amount_fen)

    # -- redriven records ------------------------------------------------------------------------
    def is_settled(self, origin: str, offset: int, arrival_ms: int) -> bool:
        """Whether a record driven again from `origin` was settled before the one at `offset`."""
        settled = self.origins.get(origin, {}).items()
        return any(at < offset and -BACK_MS <= arrival_ms - at_ms <= ORIGIN_MS for at, at_ms in settled)

    def settle_origin(self, origin: str, offset: int, arrival_ms: int) -> None:
        """The record at `offset`, driven again from `origin`, is no reject any more."""
        if not self.is_settled(origin, offset, arrival_ms):
            self.origins.setdefault(origin, {})[offset] = arrival_ms

    # -- orders --------------------------------------------------------------------------------
    def _known(self, order_id: str, offset: int, arrival_ms: int) -> Order | None:
        """The order as it is known at `offset`; None if it is not, or was too long ago."""
        found = [order for order in self._lives(order_id, arrival_ms) if order.first_offset <= offset]
        return max(found, key=lambda order: order.made_ms, default=None)

    def _lives(self, order_id: str, arrival_ms: int) -> list[Order]:
        return [
            order
            for order in self.orders.get(order_digest(order_id), ())
            if -BACK_MS <= arrival_ms - order.made_ms <= self.horizon_ms
        ]

    def _make(self, order_id: str, arrival_ms: int) -> Order:
        order = Order(arrival_ms)
        self.orders.setdefault(order_digest(order_id), []).append(order)
        return order

    def refunded_ids(self, refunds: Iterable[tuple[OrderEvent, int]]) -> set[tuple[int, bytes]]:
        """(arrival that made the order known, digest) of the ids that `refunds`, with their arrivals, may need.

        A payment at or behind the fence is read again, with its ids. They need not stand in the store: a chunk is
        settled in runs, and an earlier record of the order has its entry written with all that the chunk made of it.
        """
        found = set()
        for event, arrival_ms in refunds:
            for order in self._lives(event.order_id, arrival_ms):
                if order.paid_before(self.fence):
                    found |= {(order.made_ms, order.trade), (order.made_ms, order.place)}
        return found


def _first_verdict(order: Order | None, offset: int) -> What:
    """What was judged of a payment; whatever left no trace was a resend, or was settled without an index."""
    if order is not None and order.paid_offset == offset:
        return None
    return RESEND if order is None else REASONS.get(order.verdicts.get(offset, 0), RESEND)


def lacks(event: OrderEvent) -> str:
    """What a refund does not say of its order; "" if it can be attributed by itself."""
    names = [name for name in ATTRIBUTION if getattr(event, name) is None]
    return f"not known of the order: {', '.join(names)}" if names else ""


def _amount(event: OrderEvent) -> int:
    assert event.refund_fen is not None, "admission requires it"
    return event.refund_fen
