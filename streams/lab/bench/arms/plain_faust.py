"""The arm `plain faust`: what one writes after reading Faust's documents, with the worker's counters in dicts.

Kept simple on purpose. It drops no resend, checks no rule, keeps nothing on a restart and counts no distinct buyer.
"""

import asyncio
from collections import defaultdict
from uuid import uuid4

import faust

from streams.lab.bench.child import begin, finish, main
from streams.lab.bench.measured import Measured, Task
from streams.lab.bench.usage import Span
from streams.tally.counters import DIMENSIONS, MINUTE_DIMENSIONS, NONE_ID, PLATFORM_ID
from streams.tally.windows import MINUTE_MS

Sums = defaultdict[tuple[str, str, int], defaultdict[str, int]]


class Order(faust.Record, serializer="json"):  # type: ignore[call-arg]  # Faust has no types
    """One order event."""

    event_id: str
    event_type: str
    event_time_ms: int
    order_id: str
    currency: str
    parent_order_id: str | None = None
    session_id: str | None = None
    room_id: str | None = None
    anchor_id: str | None = None
    merchant_id: str | None = None
    cluster_id: str | None = None
    category: str | None = None
    province: str | None = None
    city: str | None = None
    channel: str | None = None
    amount_fen: int = 0
    quantity: int = 0
    buyer_id: str | None = None
    pay_time_ms: int = 0
    refund_id: str | None = None
    refund_fen: int = 0


class Tallies:
    """The counters of every dimension by local hour, and by minute where minutes are kept."""

    def __init__(self, offset_ms: int) -> None:
        self.offset_ms = offset_ms
        self.hours: Sums = defaultdict(lambda: defaultdict(int))
        self.minutes: Sums = defaultdict(lambda: defaultdict(int))
        self.refunded: set[str] = set()

    def add(self, order: Order) -> None:
        """Count one event."""
        if order.event_type == "order.paid":
            self.count(order, order.pay_time_ms, gmv_fen=order.amount_fen, orders_paid=1, units=order.quantity)
        elif order.event_type == "order.created":
            self.count(order, order.event_time_ms, orders_created=1)
        elif order.event_type == "order.cancelled":
            self.count(order, order.event_time_ms, orders_cancelled=1)
        else:
            first = order.order_id not in self.refunded
            self.refunded.add(order.order_id)
            self.count(order, order.pay_time_ms, refund_fen=order.refund_fen, orders_refunded=int(first))
            self.count(order, order.event_time_ms, refund_booked_fen=order.refund_fen)

    def count(self, order: Order, time_ms: int, **counters: int) -> None:
        """Add to the windows of `time_ms` of every dimension."""
        minute = (time_ms + self.offset_ms) // MINUTE_MS
        for dimension in DIMENSIONS:
            id = id_in(order, dimension)
            self.sum(self.hours[dimension, id, minute // 60], counters)
            if dimension in MINUTE_DIMENSIONS:
                self.sum(self.minutes[dimension, id, minute], counters)

    def sum(self, window: defaultdict[str, int], counters: dict[str, int]) -> None:
        """Add the counters to one window."""
        for name, value in counters.items():
            window[name] += value


def id_in(order: Order, dimension: str) -> str:
    """The id that the order has in a dimension."""
    if dimension == "platform":
        return PLATFORM_ID
    field = dimension if dimension in ("province", "city", "category", "channel") else f"{dimension}_id"
    return getattr(order, field) or NONE_ID


async def measure(task: Task) -> Measured:
    """Read the first events that come, in a group of its own."""
    app = faust.App(
        f"bench-{uuid4().hex[:12]}",
        broker=f"kafka://{task.kafka}",
        store="memory://",
        datadir=task.folder,
        web_enabled=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        # the embedded broker lets a new group wait for half of this
        broker_session_timeout=6.0,
        broker_heartbeat_interval=2.0,
    )
    topic = app.topic(task.topic, value_type=Order)
    tallies, done = Tallies(task.offset_ms), asyncio.Event()
    spans: list[Span] = []
    results: list[Measured] = []

    @app.agent(topic)
    async def tally(orders):  # type: ignore[no-untyped-def]  # as in the documents
        seen = 0
        async for order in orders:
            if not seen:
                spans.append(begin(task))
            tallies.add(order)
            seen += 1
            if seen == task.events:
                results.append(finish(task, spans[0]))
                done.set()

    await app.start()
    await done.wait()
    await app.stop()
    return results[0]


if __name__ == "__main__":
    main(measure)
