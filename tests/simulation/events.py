"""Events of a small world: few ids, so that everything meets everything. All from a `Random`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

#: 2025-01-01 00:00 in Shanghai
MIDNIGHT_MS = 1_735_660_800_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

_BROKEN = (b"", b"no json", b"[1]", b'{"event_id": "x"}', b'{"event_type": "order.shipped"}', b"\xff\xfe")


@dataclass
class Events:
    """Makes one event after the other. `span_ms` is the event time that they all lie in."""

    random: Random
    span_ms: int
    paid: list[dict[str, Any]] = field(default_factory=list)
    made: int = 0

    def order(self, share: float) -> dict[str, Any] | bytes:
        """An order event at about `share` of the span, in [0, 1]."""
        kinds = [self._paid, self._refund, self._created, self._broken]
        return self.random.choices(kinds, [10, 4, 1, 1])[0](self._time_ms(share))

    def session(self, share: float) -> dict[str, Any] | bytes:
        """A session event at about `share` of the span."""
        if self.random.random() < 0.08:
            return self._broken(0)
        kind = self.random.choices(["started", "ended", "anchor_changed"], [5, 3, 1])[0]
        return {
            "event_id": self._id(),
            "event_type": f"session.{kind}",
            "event_time_ms": self._time_ms(share),
            "session_id": f"s-{self.random.randrange(4)}",
            "room_id": "room",
            "anchor_id": self._of("a", 2),
            "merchant_id": self._of("m", 2, 0.3),
            "cluster_id": self._of("c", 2, 0.3),
            "category": self._of("k", 2),
        }

    def _id(self) -> str:
        self.made += 1
        return f"e-{self.made}"

    def _of(self, kind: str, number: int, null: float = 0.0) -> str | None:
        return None if self.random.random() < null else f"{kind}-{self.random.randrange(number)}"

    def _time_ms(self, share: float) -> int:
        random = self.random
        time_ms = MIDNIGHT_MS + int(share * self.span_ms) + random.randrange(-20, 21) * MINUTE_MS
        if random.random() < 0.05:
            time_ms -= random.choice((3, 24, 80)) * HOUR_MS
        return time_ms

    def _paid(self, time_ms: int) -> dict[str, Any]:
        random = self.random
        event = {
            "event_id": self._id(),
            "event_type": "order.paid",
            "event_time_ms": time_ms,
            "order_id": f"o-{self.made}",
            "session_id": self._of("s", 4, 0.4),
            "anchor_id": self._of("a", 2, 0.3),
            "merchant_id": self._of("m", 2),
            "cluster_id": self._of("c", 2, 0.4),
            "category": self._of("k", 2),
            "province": self._of("p", 2, 0.7),
            "channel": random.choice(("live", "shelf")),
            "amount_fen": random.choice((0, 10, 20, 20, 30, 50, 80)),
            "quantity": random.randrange(3),
            "currency": random.choices(("CNY", "USD"), [20, 1])[0],
            "buyer_id": self._of("b", 5, 0.3),
            "pay_time_ms": time_ms - random.choice((0, 0, 1, 70)) * MINUTE_MS,
        }
        if random.random() < 0.04:  # not to be trusted, or not to be taken
            ahead_ms = random.choice((6 * MINUTE_MS, 23 * HOUR_MS, 40 * HOUR_MS))
            event["event_time_ms"] += self.span_ms + ahead_ms
            if random.random() < 0.5:
                event["pay_time_ms"] = event["event_time_ms"]
        self.paid.append(event)
        return event

    def _refund(self, time_ms: int) -> dict[str, Any]:
        random = self.random
        if not self.paid:
            return self._paid(time_ms)
        order = random.choice(self.paid[-8:])
        event = {**order, "event_id": self._id(), "event_type": "order.refunded", "event_time_ms": time_ms}
        early = random.random() < 0.3
        if early:  # before its order: the payment may follow, or not
            event["order_id"] = f"o-{self.made + random.randrange(1, 6)}"
        event["refund_id"] = event["event_id"]
        event["refund_fen"] = random.choice((0, 5, 10, order["amount_fen"], order["amount_fen"] + 1))
        if random.random() < (0.8 if early else 0.4):
            for name in ("merchant_id", "category", "channel", "amount_fen", "quantity", "pay_time_ms"):
                event.pop(name)
        return event

    def _created(self, time_ms: int) -> dict[str, Any]:
        event = self._paid(time_ms)
        self.paid.pop()
        event["event_type"] = self.random.choice(("order.created", "order.cancelled"))
        return event

    def _broken(self, time_ms: int) -> bytes:
        return self.random.choice(_BROKEN)


def as_bytes(event: dict[str, Any] | bytes) -> bytes:
    """An event as it travels."""
    return event if isinstance(event, bytes) else json.dumps(event).encode()
