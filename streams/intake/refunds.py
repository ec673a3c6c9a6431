"""Step 2, admit: is there still as much to refund on this order, and is it the order's first refund?

The answer depends on refunds accepted earlier, so they are remembered in Redis, written by the settle script together
with the fence. Each is remembered with its offset, and a refund is judged only by those before it in the log: a
replay, also one after some shards went back and others did not, judges every refund as the first time.
All events of an order share a partition, so the memory is kept by partition.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from faust.types import TP
from redis.asyncio import Redis

from schemas.events import OrderEvent
from streams.keys import Keys
from streams.tally.rows import Row
from streams.tally.windows import Zone


class Verdict(Enum):
    """What a refund is to its order."""

    FIRST = "first accepted refund"
    FURTHER = "accepted, not the first"
    EXCEEDS = "more than is left"


@dataclass(slots=True)
class RefundBook:
    """Accepted refunds of the orders that a chunk refunds: (pay day, order id) -> {offset: refund_fen}."""

    zone: Zone
    accepted: dict[tuple[int, str], dict[int, int]] = field(default_factory=dict)

    def judge(self, event: OrderEvent, offset: int) -> Verdict:
        """Judge the refund at `offset` and remember it if it is accepted. Call in log order."""
        refunds = self.accepted.setdefault(self.key(event), {})
        before = [fen for at, fen in refunds.items() if at < offset]
        refund_fen, amount_fen = event.refund_fen, event.amount_fen
        assert refund_fen is not None and amount_fen is not None, "admission requires both"
        if sum(before) + refund_fen > amount_fen:
            return Verdict.EXCEEDS
        refunds[offset] = refund_fen
        return Verdict.FURTHER if before else Verdict.FIRST

    def key(self, event: OrderEvent) -> tuple[int, str]:
        """Refunds lie by the local day of the order's payment, so that a day can be dropped whole."""
        assert event.pay_time_ms is not None, "admission requires it"
        return self.zone.day(event.pay_time_ms), event.order_id

    def rows(self, events: Iterable[OrderEvent]) -> dict[int, Row]:
        """What the settle writes for the refunds of `events`: pay day -> order id, accepted refunds, …"""
        rows: dict[int, Row] = {}
        for day, order_id in {self.key(event) for event in events}:
            refunds = self.accepted[day, order_id]
            text = ",".join(f"{offset}:{fen}" for offset, fen in sorted(refunds.items()))
            rows.setdefault(day, []).extend((order_id, text))
        return rows


async def load_book(redis: Redis, keys: Keys, tp: TP, refunds: Iterable[OrderEvent], zone: Zone) -> RefundBook:
    """Read what was accepted so far for the orders of `refunds`; one round trip, none when there are no refunds."""
    book = RefundBook(zone)
    orders_by_day: dict[int, list[str]] = {}
    for day, order_id in sorted({book.key(event) for event in refunds}):
        orders_by_day.setdefault(day, []).append(order_id)
    if not orders_by_day:
        return book
    async with redis.pipeline(transaction=False) as pipe:
        for day, orders in orders_by_day.items():
            pipe.hmget(keys.refunds(tp.topic, tp.partition, day), orders)
        replies = await pipe.execute()
    for (day, orders), texts in zip(orders_by_day.items(), replies, strict=True):
        for order_id, text in zip(orders, texts, strict=True):
            if text is not None:
                book.accepted[day, order_id] = _parse(text.decode())
    return book


def _parse(text: str) -> dict[int, int]:
    pairs = (part.split(":") for part in text.split(","))
    return {int(offset): int(fen) for offset, fen in pairs}
