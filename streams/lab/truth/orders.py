"""What the payments and refunds of one order say of each other, in the order of the log."""

from dataclasses import dataclass, field
from typing import Final, Protocol

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


class Copied(Exception):
    """The refund was accepted before, under the same `refund_id`."""


@dataclass(slots=True)
class Order:
    """What is known of an order, from the record that made it known on."""

    made_ms: int
    payment: Event | None = None
    refunds_fen: dict[str, int] = field(default_factory=dict)
    waiting: list[Record] = field(default_factory=list)


class Known(Protocol):
    """Where orders are kept by their ids: a dictionary, or a file of them (`spill_orders.py`)."""

    def get(self, order_id: str, /) -> list[Order] | None:
        """What is known of an order, each time that it began; it may be changed until the next one is asked for."""

    def __setitem__(self, order_id: str, lives: list[Order], /) -> None:
        """From now on this is known of it."""


class Orders:
    """The orders of one partition. `due` are the refunds that came before their order, once it has been paid."""

    def __init__(self, rules: Rules, known: Known | None = None) -> None:
        self.due: list[Record] = []
        self._rules = rules
        self._orders: Known = {} if known is None else known

    def judge(self, event: Event, record: Record) -> tuple[Event, bool]:
        """The event as it counts, and whether it is the first accepted refund of its order. Raises Refused, Copied."""
        if event["event_type"] == "order.paid" and self._rules.order_index:
            self._pay(event, record)
        if event["event_type"] == "order.refunded":
            return self._refund(event, record)
        return event, False

    def _pay(self, event: Event, record: Record) -> None:
        order = self._order(event["order_id"], record.arrival_ms)
        if order.payment is not None:
            raise Refused("paid_twice")
        order.payment = {name: event.get(name) for name in _TAKEN}
        self.due += order.waiting

    def _refund(self, event: Event, record: Record) -> tuple[Event, bool]:
        lacks = any(event.get(name) is None for name in _ATTRIBUTION)
        if lacks and not self._rules.order_index:
            raise Refused("unknown_order")
        order = self._order(event["order_id"], record.arrival_ms)
        if order.payment is not None:
            event = {**event, **order.payment}
        elif lacks:
            order.waiting.append(record)
            raise Refused("unknown_order")
        if event["refund_id"] in order.refunds_fen:
            raise Copied
        if event["refund_fen"] > event["amount_fen"]:
            raise Refused("refund_exceeds_order")
        check_age(event, record.arrival_ms, self._rules.offset_ms)
        if sum(order.refunds_fen.values()) + event["refund_fen"] > event["amount_fen"]:
            raise Refused("refund_exceeds_order")
        order.refunds_fen[event["refund_id"]] = event["refund_fen"]
        return event, len(order.refunds_fen) == 1

    def _order(self, order_id: str, arrival_ms: int) -> Order:
        """The order, known for so many days from the record that made it known; then it begins anew."""
        lives = self._orders.get(order_id)
        if lives is None:
            lives = self._orders[order_id] = []
        most_ms = self._rules.refund_days * _DAY_MS
        known = [each for each in lives if -BACK_MS <= arrival_ms - each.made_ms <= most_ms]
        if not known:
            known = [Order(arrival_ms)]
            lives += known
        return max(known, key=lambda each: each.made_ms)
