"""Small hand-written logs for the truth: records by hand, times in words.

`t("21:30")` is that local time of 2025-12-31 as epoch milliseconds, "24:10" lies on the next day.
"""

from typing import Any

import orjson

from streams.lab.simulator.dates import at
from streams.lab.truth import Record, Rules, Truth, compute_truth

DAY = "2025-12-31"
RULES = Rules()


def t(clock: str, day: str = DAY) -> int:
    """Epoch milliseconds of a local "hh:mm" or "hh:mm:ss" or "hh:mm:ss.mmm"."""
    hour, minute, *second = clock.split(":")
    return at(day, int(hour), int(minute)) + round(float(second[0] if second else 0) * 1_000)


class Log:
    """A log that is written record by record; offsets count up in each partition."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def put(self, topic: str, partition: int, arrival_ms: int, value: bytes | None) -> None:
        """Append one record."""
        offset = sum((each.topic, each.partition) == (topic, partition) for each in self.records)
        self.records.append(Record(topic, partition, offset, arrival_ms, "key", value))

    def order(self, event: dict[str, Any], arrival_ms: int | None = None, partition: int = 0) -> None:
        """Append an order event; it arrives at its event time unless said otherwise."""
        arrived = event["event_time_ms"] if arrival_ms is None else arrival_ms
        self.put("orders", partition, arrived, orjson.dumps(event))

    def session(self, event: dict[str, Any], arrival_ms: int | None = None, partition: int = 0) -> None:
        """Append a session event; it arrives at its event time unless said otherwise."""
        arrived = event["event_time_ms"] if arrival_ms is None else arrival_ms
        self.put("live-sessions", partition, arrived, orjson.dumps(event))

    def sales(self, clock: str, fen: int, day: str = DAY, **fields: Any) -> None:
        """Append a payment, named after its time and amount."""
        self.order(paid(f"o-{day}-{clock}-{fen}-{len(self.records)}", t(clock, day), fen, **fields))

    def truth(self, rules: Rules = RULES, drive_again: bool = False) -> Truth:
        """The truth of what was written."""
        return compute_truth(self.records, rules, drive_again=drive_again)


def paid(order_id: str, pay_ms: int, fen: int, **fields: Any) -> dict[str, Any]:
    """An `order.paid`; `fields` replace or add."""
    return {
        "event_id": f"{order_id}-paid",
        "event_type": "order.paid",
        "event_time_ms": pay_ms,
        "order_id": order_id,
        "merchant_id": "m1",
        "category": "womens-wear",
        "channel": "live",
        "amount_fen": fen,
        "quantity": 1,
        "currency": "CNY",
        "pay_time_ms": pay_ms,
        **fields,
    }


def refunded(order: dict[str, Any], number: int, event_ms: int, fen: int, **fields: Any) -> dict[str, Any]:
    """A refund of a paid order."""
    return {
        **order,
        "event_id": f"{order['order_id']}-r{number}",
        "event_type": "order.refunded",
        "event_time_ms": event_ms,
        "refund_id": f"{order['order_id']}-r{number}",
        "refund_fen": fen,
        **fields,
    }


def session(what: str, session_id: str, event_ms: int, **fields: Any) -> dict[str, Any]:
    """A session event; `what` is started, anchor_changed or ended."""
    return {
        "event_id": f"{session_id}-{what}",
        "event_type": f"session.{what}",
        "event_time_ms": event_ms,
        "session_id": session_id,
        "room_id": "r1",
        "anchor_id": "a1",
        "merchant_id": "m1",
        "cluster_id": "c1",
        "category": "womens-wear",
        "title": None,
        **fields,
    }
