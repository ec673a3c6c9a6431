"""The scenario `clusters`: hours or a whole day of a market of 206 clusters, at any rate.

Records are made as they are needed: a day at hundreds of orders a second does not have to fit into memory.
"""

from collections.abc import Iterator
from heapq import heappop, heappush, merge
from random import Random
from typing import Final, NamedTuple

from streams.lab.simulator.broken import broken
from streams.lab.simulator.chance import Chance
from streams.lab.simulator.dates import HOUR_MS, MINUTE_MS, SHANGHAI_MS, at
from streams.lab.simulator.life import Life
from streams.lab.simulator.market import ROUND_MS, Cluster, OnAir, build_market, sizes
from streams.lab.simulator.network import delay_ms
from streams.lab.simulator.planned import SESSIONS, Planned, as_bytes
from streams.lab.simulator.resends import copy_of

DAY: Final = "2025-12-31"
#: how long the stream goes on after the last full hour, so that it closes
TAIL_MS: Final = 5 * MINUTE_MS
#: orders of each local hour, relative to each other
_DAY_CURVE: Final = (30, 18, 10, 6, 5, 6, 12, 22, 34, 44, 52, 54, 58, 56, 54, 54, 56, 58, 66, 84, 104, 110, 88, 58)


class Size(NamedTuple):
    """How much: orders created a second on average, and the whole local hours before midnight that are simulated."""

    rate: float = 20.0
    hours: int = 24


def clusters(seed: int, size: Size) -> Iterator[Planned]:
    """All records in the order of their arrival. The last hour ends at midnight, five minutes before the end."""
    chance = Chance("clusters", seed)
    market = build_market(chance.part("market"))
    end_ms = at(DAY, 24)
    start_ms = end_ms - size.hours * HOUR_MS
    until_ms = end_ms + TAIL_MS
    flaws = sorted(broken("flaw", start_ms, end_ms, 1, chance.part("broken")), key=_arrival_ms)
    return merge(
        _sales(market, start_ms, until_ms, _gaps(size), chance),
        _broadcasts(market, start_ms, until_ms, chance.part("broadcasts")),
        iter(flaws),
        key=_arrival_ms,
    )


def _arrival_ms(record: Planned) -> int:
    return record.arrival_ms


def _gaps(size: Size) -> list[float]:
    """Mean milliseconds between two orders, by local hour of the day."""
    mean = sum(_DAY_CURVE[-size.hours :]) / len(_DAY_CURVE[-size.hours :])
    return [1_000 / size.rate * mean / weight for weight in _DAY_CURVE]


def _sales(market: list[Cluster], start_ms: int, until_ms: int, gaps: list[float], chance: Chance) -> Iterator[Planned]:
    """The events of all orders. What arrives later waits in a heap until no earlier arrival can come any more."""
    orders, resends = chance.part("orders"), chance.part("resends")
    reached, life = sizes(market), Life(chance)
    waiting: list[tuple[int, int, Planned]] = []
    time_ms, number, sequence = float(start_ms), 0, 0
    while time_ms < until_ms:
        while waiting and waiting[0][0] <= time_ms:
            yield heappop(waiting)[2]
        now_ms = int(time_ms)
        cluster = orders.choices(market, cum_weights=reached)[0]
        for record in life.events_of(number, cluster, now_ms):
            for each in (record, *copy_of(record, resends)):
                sequence += 1
                heappush(waiting, (each.arrival_ms, sequence, each))
        number += 1
        time_ms += orders.expovariate(1.0) * gaps[(now_ms + SHANGHAI_MS) // HOUR_MS % 24]
    while waiting and waiting[0][0] < until_ms:
        yield heappop(waiting)[2]


def _broadcasts(market: list[Cluster], start_ms: int, until_ms: int, rnd: Random) -> Iterator[Planned]:
    """Start and end of every broadcast; one that is on air from the beginning is declared in the first seconds."""
    records: list[Planned] = []
    for cluster in market:
        for at_anchor, anchor in enumerate(cluster.anchors):
            merchant_id = cluster.merchants[at_anchor % len(cluster.merchants)]
            first, last = ((time_ms - anchor.offset_ms) // ROUND_MS for time_ms in (start_ms, until_ms))
            for show in map(anchor.broadcast, range(first, last + 1)):
                if show.end_ms <= start_ms or show.start_ms >= until_ms:
                    continue
                show = show._replace(start_ms=max(show.start_ms, start_ms + rnd.randrange(5_000)))
                records += _declared(show, cluster, merchant_id, rnd)
    records.sort(key=_arrival_ms)
    return (record for record in records if record.arrival_ms < until_ms)


def _declared(show: OnAir, cluster: Cluster, merchant_id: str, rnd: Random) -> Iterator[Planned]:
    for event_type, event_ms in (("session.started", show.start_ms), ("session.ended", show.end_ms)):
        value = as_bytes(
            {
                "event_id": f"{show.session_id}-{event_type}",
                "event_type": event_type,
                "event_time_ms": event_ms,
                "session_id": show.session_id,
                "room_id": show.anchor_id.replace("anchor", "room"),
                "anchor_id": show.anchor_id,
                "merchant_id": merchant_id,
                "cluster_id": cluster.cluster_id,
                "category": cluster.category,
                "title": None,
            }
        )
        yield Planned(SESSIONS, show.session_id, value, event_ms + delay_ms(rnd))
