"""Step 2, admit: is there still as much to refund on this order, and is it the order's first refund?

The answer depends on refunds judged earlier, so verdicts are remembered in Redis, written by the settle script together
with the fence. Each is remembered with its offset, and a refund is judged only by those before it in the log: a
replay, also one after some shards went back and others did not, judges every refund as the first time.

Below the fence nothing is judged again: what was accepted or refused there stands in the book, and a refund that is not
in it was a resend, of a copy that may lie further back than is read again. Refused ones are kept for that alone: they
are not remembered as seen, resends are.

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
    RESEND = "a copy, judged when it was settled"


#: stands in the book for the amount of a refund that was refused
_REFUSED = -1


@dataclass(slots=True)
class RefundBook:
    """What was judged of the orders that a chunk refunds: (pay day, order id) -> {offset: fen accepted, or `_REFUSED`}.

    `fence` is the offset below which every verdict stands in the book.
    """

    zone: Zone
    fence: int = 0
    judged: dict[tuple[int, str], dict[int, int]] = field(default_factory=dict)

    def judge(self, event: OrderEvent, offset: int) -> Verdict:
        """Judge the refund at `offset` and remember the verdict. Call in log order."""
        refunds = self.judged.setdefault(self.key(event), {})
        refund_fen, amount_fen = event.refund_fen, event.amount_fen
        assert refund_fen is not None and amount_fen is not None, "admission requires both"
        before = [fen for at, fen in refunds.items() if at < offset and fen != _REFUSED]
        if offset >= self.fence:
            refunds[offset] = _REFUSED if sum(before) + refund_fen > amount_fen else refund_fen
        if offset not in refunds:
            return Verdict.RESEND
        if refunds[offset] == _REFUSED:
            return Verdict.EXCEEDS
        return Verdict.FURTHER if before else Verdict.FIRST

    def key(self, event: OrderEvent) -> tuple[int, str]:
        """Refunds lie by the local day of the order's payment, so that a day can be dropped whole."""
        assert event.pay_time_ms is not None, "admission requires it"
        return self.zone.day(event.pay_time_ms), event.order_id

    def rows(self, events: Iterable[OrderEvent]) -> dict[int, Row]:
        """What the settle writes for the refunds of `events`: pay day -> order id, verdicts, …"""
        rows: dict[int, Row] = {}
        for day, order_id in {self.key(event) for event in events}:
            refunds = self.judged[day, order_id]
            text = ",".join(f"{offset}:{fen}" for offset, fen in sorted(refunds.items()))
            rows.setdefault(day, []).extend((order_id, text))
        return rows


async def load_book(redis: Redis, keys: Keys, tp: TP, refunds: Iterable[OrderEvent], zone: Zone) -> RefundBook | None:
    """Read what was judged so far for the orders of `refunds`, and the fence it belongs to; None if there is no fence.

    One round trip, none (and a fence of 0) when there are no refunds. Both are of one moment: the shard may have gone
    back without the worker knowing, and a book that lacks verdicts must not be taken for one that has them.
    """
    orders_by_day: dict[int, list[str]] = {}
    book = RefundBook(zone)
    for day, order_id in sorted({book.key(event) for event in refunds}):
        orders_by_day.setdefault(day, []).append(order_id)
    if not orders_by_day:
        return book
    async with redis.pipeline(transaction=True) as pipe:
        pipe.hget(keys.fence(tp.topic, tp.partition), "next")
        for day, orders in orders_by_day.items():
            pipe.hmget(keys.refunds(tp.topic, tp.partition, day), orders)
        fence, *replies = await pipe.execute()
    if fence is None:
        return None
    book.fence = int(fence)
    for (day, orders), texts in zip(orders_by_day.items(), replies, strict=True):
        for order_id, text in zip(orders, texts, strict=True):
            if text is not None:
                book.judged[day, order_id] = _parse(text.decode())
    return book


def _parse(text: str) -> dict[int, int]:
    pairs = (part.split(":") for part in text.split(","))
    return {int(offset): int(fen) for offset, fen in pairs}
