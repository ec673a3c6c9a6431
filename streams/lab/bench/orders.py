"""The bench's order events, seeded: the same seed, profile and number give the same bytes.

An order is created, paid, cancelled and refunded in that order, and keeps its ids over all its events. Half of the paid
ones were created before: what was created before the bench began is not in its topic.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple, TypeVar

from streams.lab.bench.hourly import ANCHOR, CLUSTER, Hourly
from streams.lab.bench.pool import Pool
from streams.lab.bench.profile import CHANNELS, ORDER_TYPES, Profile
from streams.lab.simulator.chance import Chance
from streams.lab.simulator.dates import at
from streams.lab.simulator.network import delay_ms
from streams.lab.simulator.places import PLACES
from streams.lab.simulator.planned import ORDERS, Planned, as_bytes

T = TypeVar("T")

#: a busy hour of a busy day
START_MS: Final = at("2025-12-31", 20)
#: orders of each state that may still go on: beyond that, a new one takes the place of any
_OPEN_ORDERS: Final = 20_000
_DICE_AT_ONCE: Final = 1_024
#: the sessions whose ids are kept ready: of a million, most are heard of too rarely to be worth it
_SESSIONS_READY: Final = 10_000
_PLACES: Final = [(province, city) for province, cities in PLACES.items() for city in cities]


class Order(NamedTuple):
    """One order line: what all its events have in common. `session` is a number; `pay_time_ms` 0 until it is paid."""

    order_id: str
    session: int
    channel: str
    amount_fen: int
    quantity: int
    buyer_id: str
    pay_time_ms: int = 0


@dataclass(slots=True)
class Totals:
    """What a right tally of all events must come to, counted where they are made.

    `counters` has the names of the contract; `gmv_fen` maps clusters to theirs; `hourly` are the sums of the peers'
    job; `bytes` are those of the values; `span_ms` is the arrival of the last event after `START_MS`.
    """

    events: int = 0
    span_ms: int = 0
    bytes: int = 0
    counters: Counter[str] = field(default_factory=Counter)
    gmv_fen: Counter[str] = field(default_factory=Counter)
    hourly: Hourly = field(default_factory=Hourly)


def orders(profile: Profile, seed: int, count: int, totals: Totals) -> Iterator[Planned]:
    """`count` events in the order of their arrival, added to `totals` as they are made."""
    maker = _Maker(profile, Chance(f"bench/{profile.name}", seed), totals)
    for number in range(count):
        yield maker.event(START_MS + number * 1_000 // profile.events_a_second)


class _Maker:
    def __init__(self, profile: Profile, chance: Chance, totals: Totals) -> None:
        self._profile = profile
        self._totals = totals
        self._rnd = chance.part("orders")
        self._ids = lru_cache(_SESSIONS_READY)(lambda session: _ids(profile, session))
        reached = array("d", accumulate(1 / rank**profile.zipf_exponent for rank in range(1, profile.sessions + 1)))
        self._session = _dice(range(profile.sessions), reached, chance.part("sessions"))
        self._type = _dice(ORDER_TYPES, list(accumulate(profile.type_shares)), chance.part("types"))
        self._channel = _dice(CHANNELS, list(accumulate(profile.channel_shares)), chance.part("channels"))
        self._created, self._paid = (Pool[Order](_OPEN_ORDERS, self._rnd) for _ in range(2))

    def event(self, arrival_ms: int) -> Planned:
        """The next event."""
        event_type = next(self._type)
        time_ms = arrival_ms - delay_ms(self._rnd)
        order = self._order_for(event_type)
        if order is None:  # nothing was paid yet that could be refunded
            event_type, order = "order.paid", self._new_order()
        if event_type == "order.created":
            self._created.put(order)
        elif event_type == "order.paid":
            order = order._replace(pay_time_ms=time_ms)
            self._paid.put(order)
        event = {**self._described(event_type, time_ms, order), **self._refund(event_type, order)}
        value = as_bytes(event)
        self._count(event_type, order, event, len(value))
        self._totals.span_ms = arrival_ms - START_MS
        return Planned(ORDERS, order.order_id, value, arrival_ms)

    def _order_for(self, event_type: str) -> Order | None:
        if event_type == "order.refunded":
            return self._paid.take()
        if event_type == "order.cancelled" or (event_type == "order.paid" and self._rnd.random() < 0.5):
            return self._created.take() or self._new_order()
        return self._new_order()

    def _new_order(self) -> Order:
        rnd = self._rnd
        return Order(
            order_id=f"69{rnd.randrange(10**16):016d}",
            session=next(self._session),
            channel=next(self._channel),
            amount_fen=990 + int(rnd.paretovariate(1.3) * 2_000) % 5_000_000,
            quantity=1 + int(rnd.random() * 1.2),
            buyer_id=f"buyer-{rnd.randrange(self._profile.buyers):08d}",
        )

    def _described(self, event_type: str, time_ms: int, order: Order) -> dict[str, object]:
        return {
            "event_id": f"{self._rnd.getrandbits(80):020x}",
            "event_type": event_type,
            "event_time_ms": time_ms,
            "order_id": order.order_id,
            **self._ids(order.session),
            "channel": order.channel,
            "amount_fen": order.amount_fen,
            "quantity": order.quantity,
            "currency": "CNY",
            "buyer_id": order.buyer_id,
            **({"pay_time_ms": order.pay_time_ms} if order.pay_time_ms else {}),
        }

    def _refund(self, event_type: str, order: Order) -> dict[str, object]:
        if event_type != "order.refunded":
            return {}
        refund_fen = order.amount_fen if self._rnd.random() < 0.8 else order.amount_fen // 2
        return {"refund_id": f"r{order.order_id}", "refund_fen": refund_fen}

    def _count(self, event_type: str, order: Order, event: dict[str, object], size: int) -> None:
        totals, counters = self._totals, self._totals.counters
        totals.events += 1
        totals.bytes += size
        if event_type == "order.paid":
            self._count_paid(order)
        elif event_type == "order.refunded":
            refund_fen = int(str(event["refund_fen"]))
            counters["refund_fen"] += refund_fen
            counters["refund_booked_fen"] += refund_fen
            counters["orders_refunded"] += 1
        else:
            counters["orders_created" if event_type == "order.created" else "orders_cancelled"] += 1

    def _count_paid(self, order: Order) -> None:
        totals, profile, paid = self._totals, self._profile, (order.pay_time_ms, order.amount_fen, order.quantity)
        totals.counters["gmv_fen"] += order.amount_fen
        totals.counters["orders_paid"] += 1
        totals.counters["units"] += order.quantity
        totals.gmv_fen[self._ids(order.session)["cluster_id"]] += order.amount_fen
        totals.hourly.add(CLUSTER, order.session % profile.clusters, *paid)
        totals.hourly.add(ANCHOR, order.session % profile.anchors, *paid)


def _ids(profile: Profile, session: int) -> dict[str, str]:
    """The ids of a session: every anchor, merchant and cluster has some, as evenly as the numbers allow."""
    cluster = session % profile.clusters
    province, city = _PLACES[cluster % len(_PLACES)]
    return {
        "session_id": f"session-{session:04d}",
        "room_id": f"room-{session:04d}",
        "anchor_id": f"anchor-{session % profile.anchors:04d}",
        "merchant_id": f"merchant-{session % profile.merchants:04d}",
        "cluster_id": f"cluster-{cluster:04d}",
        "category": f"category-{cluster % profile.categories:02d}",
        "province": province,
        "city": city,
    }


def _dice(items: Sequence[T], reached: Sequence[float], rnd: Random) -> Iterator[T]:
    while True:
        yield from rnd.choices(items, cum_weights=reached, k=_DICE_AT_ONCE)
