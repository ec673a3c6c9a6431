"""What trials are played with: the scenarios of the simulator, so small that a trial takes seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from random import Random
from zlib import crc32

import msgspec

from streams.lab.simulator.chensmchen import chensmchen
from streams.lab.simulator.clusters import Size, clusters
from streams.lab.simulator.concetery import concetery
from streams.lab.simulator.orders import bare_refund
from streams.lab.simulator.planned import ORDERS, Planned

#: four hours before midnight, a few thousand records, some tens of alerts: made and judged in half a second
SIZE = Size(rate=0.12, hours=4)
SEEDS = 20
#: of the evenings of days and weeks one order in so many is sold: as many alerts, and some thousand records
ONE_OF = {chensmchen: 48, concetery: 14}
#: of the paid orders, those that are refunded by a record that names nothing but the order, and those that such a
#: refund even overtakes
BARE_SHARE, EARLY_SHARE = 0.06, 0.04


@lru_cache(maxsize=4)
def market(seed: int) -> tuple[Planned, ...]:
    """One of the scenarios in the order of arrival: `clusters` for even seeds, the two others in turn for odd ones."""
    scenario = (chensmchen, concetery)[seed // 2 % 2]
    records = list(_thinned(scenario(seed), ONE_OF[scenario]) if seed % 2 else clusters(seed, SIZE))
    records += _refunds(records, Random(seed))
    return tuple(sorted(records, key=lambda each: each.arrival_ms))


def some_market(chance: Random) -> tuple[Planned, ...]:
    """One of `SEEDS` markets."""
    return market(chance.randrange(SEEDS))


def _thinned(records: Iterable[Planned], one_of: int) -> Iterator[Planned]:
    """One order in so many, with all its events; every session, and every record that is broken."""
    for record in records:
        if record.topic != ORDERS or record.key.startswith("flaw") or crc32(record.key.encode()) % one_of == 0:
            yield record


def _refunds(records: Iterable[Planned], rnd: Random) -> Iterator[Planned]:
    """Refunds that need the order index; some arrive up to a minute before their order, and wait for it."""
    first_ms, seen = 0, set()
    for record in records:
        first_ms = first_ms or record.arrival_ms
        if record.topic != ORDERS or b'"order.paid"' not in record.value or not record.value.endswith(b"}"):
            continue
        if record.key in seen:  # one refund an order, not one for each copy of its payment
            continue
        seen.add(record.key)
        event = msgspec.json.decode(record.value)
        chance = rnd.random()
        if not isinstance(event, dict) or type(event.get("amount_fen")) is not int or chance > BARE_SHARE + EARLY_SHARE:
            continue
        late_ms = rnd.randint(60_000, 600_000) if chance < BARE_SHARE else -rnd.randint(1_000, 60_000)
        at_ms = max(first_ms, record.arrival_ms + late_ms)
        value = bare_refund(event.get("order_id", "order-nobody"), at_ms - 100, max(1, event["amount_fen"] // 2))
        yield Planned(ORDERS, record.key, value, at_ms)
