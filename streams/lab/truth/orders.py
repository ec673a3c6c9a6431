"""What the payments and refunds of one order say of each other, in the order of the log."""

from dataclasses import dataclass, field
from typing import Final

from streams.lab.truth.model import Record, Rules
from streams.lab.truth.validate import Event, Refused, check_age

_DAY_MS: Final = 24 * 3_600_000
#: arrivals go back by less than this; an order is known to records that arrived so much before it
BACK_MS: Final = _DAY_MS
#: what a refund must say of its order if the order is not known
_ATTRIBUTION: Final = ("merchant_id", "category", "channel", "amount_fen", "pay_time_ms")
#: what a refund takes from its order if that is known
_TAKEN: Final = (
    "session_id", "anchor_id", "merchant_id", "cluster_id", "category", "channel", "province", "city",
    "amount_fen", "pay_time_ms",
)  # fmt: skip


@dataclass
class _Order:
    made_ms: int
    payment: Event | None = None
    refunds_fen: list[int] = field(default_factory=list)
    waiting: list[Record] = field(default_factory=list)


class Orders:
    """The orders of one partition. `due` are the refunds that came before their order, once it has been paid."""

    def __init__(self, rules: Rules) -> None:
        self.due: list[Record] = []
        self._rules = rules
        self._orders: dict[str, list[_Order]] = {}

    def judge(self, event: Event, record: Record) -> tuple[Event, bool]:
        """The event as it counts, and whether it is the first accepted refund of its order. Raises Refused."""
        if event["event_type"] == "order.paid" and self._rules.order_index:
            self._pay(event, record)
        if event["event_type"] == "order.refunded":
            return self._refund(event, record)
        return event, False

    def _pay(self, event: Event, record: Record) -> None:
        order = self._order(event["order_id"], record.arrival_ms)
        if order.payment is not None:
            raise Refused("paid_twice")
        order.payment = event
        self.due += order.waiting

    def _refund(self, event: Event, record: Record) -> tuple[Event, bool]:
        lacks = any(event.get(name) is None for name in _ATTRIBUTION)
        if lacks and not self._rules.order_index:
            raise Refused("unknown_order")
        order = self._order(event["order_id"], record.arrival_ms)
        if order.payment is not None:
            event = {**event, **{name: order.payment.get(name) for name in _TAKEN}}
        elif lacks:
            order.waiting.append(record)
            raise Refused("unknown_order")
        if event["refund_fen"] > event["amount_fen"]:
            raise Refused("refund_exceeds_order")
        check_age(event, record.arrival_ms, self._rules.offset_ms)
        if sum(order.refunds_fen) + event["refund_fen"] > event["amount_fen"]:
            raise Refused("refund_exceeds_order")
        order.refunds_fen.append(event["refund_fen"])
        return event, len(order.refunds_fen) == 1

    def _order(self, order_id: str, arrival_ms: int) -> _Order:
        """The order, known for so many days from the record that made it known; then it begins anew."""
        lives = self._orders.setdefault(order_id, [])
        most_ms = self._rules.refund_days * _DAY_MS
        known = [each for each in lives if -BACK_MS <= arrival_ms - each.made_ms <= most_ms]
        if not known:
            known = [_Order(arrival_ms)]
            lives += known
        return max(known, key=lambda each: each.made_ms)
