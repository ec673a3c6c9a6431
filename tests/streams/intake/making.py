"""Records and chunks by hand, and what stands in for Kafka in the tests beside this file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from faust.types import TP

from streams.intake.admission import admit_order
from streams.intake.chunk import Chunk, Record
from streams.intake.judge import Judged, RejectedRecord, judge
from streams.intake.orders import OrderBook
from streams.intake.resends import ResendMemory
from streams.metrics import Metrics
from streams.tally.windows import SHANGHAI

ORDERS = TP("orders", 0)
#: 2025-01-01 00:00 in Shanghai
MIDNIGHT_MS = 1_735_660_800_000
DEDUPE_MS = 900_000
#: for how long an order is known
ORDERS_MS = 30 * 86_400_000
#: when a worker opens its partitions
NOW_MS = MIDNIGHT_MS + 86_400_000


class Rec(NamedTuple):
    """A record of Kafka, as far as we look at it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


def paid(event_id: str, fen: int = 100, **fields: Any) -> dict[str, Any]:
    """A payment at midnight, of the order `order-<event id>`."""
    return {
        "event_id": event_id,
        "event_type": "order.paid",
        "event_time_ms": MIDNIGHT_MS,
        "order_id": f"order-{event_id}",
        "merchant_id": "merchant-0007",
        "category": "womens-wear",
        "channel": "live",
        "amount_fen": fen,
        "quantity": 1,
        "currency": "CNY",
        "pay_time_ms": MIDNIGHT_MS,
        **fields,
    }


def refund(event_id: str, fen: int, order_id: str = "order-1", amount_fen: int = 100, **fields: Any) -> dict[str, Any]:
    """A refund of `fen` of an order of `amount_fen`."""
    return {
        **paid(event_id, amount_fen),
        "event_type": "order.refunded",
        "order_id": order_id,
        "refund_id": event_id,
        "refund_fen": fen,
        **fields,
    }


def records(events: Iterable[dict[str, Any] | bytes], start: int = 0, arrival_ms: int = MIDNIGHT_MS) -> list[Rec]:
    """Records of consecutive offsets from `start`, each a second after the one before; bytes stay what they are."""
    return [
        Rec(start + at, arrival_ms + at * 1_000, b"key", event if isinstance(event, bytes) else as_bytes(event))
        for at, event in enumerate(events)
    ]


def as_bytes(event: dict[str, Any]) -> bytes:
    """An event as it travels."""
    return json.dumps(event).encode()


def chunk(recs: Sequence[Record], tp: TP = ORDERS, epoch: int = 1, highwater: int | None = None) -> Chunk:
    """A chunk of consecutive records."""
    start, end = recs[0].offset, recs[-1].offset + 1
    return Chunk(tp, epoch, start, end, end if highwater is None else highwater, recs)


def judged(recs: Sequence[Record], memory: ResendMemory | None = None, book: OrderBook | None = None) -> Judged:
    """`recs` admitted and judged, by default with an empty memory and an empty book."""
    admitted = [admit_order(each.value, each.timestamp, SHANGHAI) for each in recs]
    memory = ResendMemory(DEDUPE_MS) if memory is None else memory
    return judge(chunk(recs), admitted, memory, empty_book() if book is None else book)


def empty_book(fence: int = 0, index: bool = True) -> OrderBook:
    """A book that knows nothing."""
    return OrderBook(SHANGHAI, ORDERS_MS, index, fence)


class FakeLog:
    """Answers for a log that lies in lists; `first` are the first offsets that it still has."""

    def __init__(self, logs: Mapping[TP, Sequence[Record]], first: Mapping[TP, int] | None = None) -> None:
        self.logs = logs
        self.first = dict(first or {})
        #: partitions beside those that are opened
        self.others: set[TP] = set()

    async def partitions(self) -> set[TP]:
        return self.others

    async def first_offsets(self, tps: set[TP]) -> dict[TP, int]:
        return {tp: self.first.get(tp, 0) for tp in tps}

    async def offsets_at(self, times_ms: Mapping[TP, int]) -> dict[TP, int | None]:
        return {tp: self._offset_at(tp, time_ms) for tp, time_ms in times_ms.items()}

    def _offset_at(self, tp: TP, time_ms: int) -> int | None:
        there = (
            each.offset for each in self.logs[tp] if each.offset >= self.first.get(tp, 0) and each.timestamp >= time_ms
        )
        return next(there, None)


class FakeRejects:
    """Keeps what was published."""

    def __init__(self) -> None:
        self.published: list[tuple[TP, int, str]] = []

    async def publish(self, tp: TP, rejects: Sequence[RejectedRecord]) -> None:
        self.published += [(tp, each.record.offset, str(each.reason)) for each in rejects]


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The value of one metric."""
    return metrics.registry.get_sample_value(name, labels)
