"""Looks at planned records the way a reader of the topic would, without the truth's code."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from streams.lab.simulator.planned import Planned

Event = dict[str, Any]


class Arrived(NamedTuple):
    """An event and the record that brought it."""

    record: Planned
    event: Event


class Sold(NamedTuple):
    """What a session sold: paid orders, their money, and the money of each local clock hour (0 to 23)."""

    orders: int
    gmv_fen: int
    hours: dict[int, int]


def first_copies(records: Iterable[Planned]) -> list[Arrived]:
    """Every sound event with the record it came in, the first copy of each; what is broken on purpose is left out."""
    copies: dict[str, Arrived] = {}
    for record in records:
        if "-flaw-" not in record.key:
            event = orjson.loads(record.value)
            copies.setdefault(event["event_id"], Arrived(record, event))
    return list(copies.values())


def of_type(copies: Iterable[Arrived], event_type: str) -> list[Event]:
    """The events of one type."""
    return [event for _, event in copies if event["event_type"] == event_type]


def sold_by_session(copies: Iterable[Arrived]) -> dict[str, Sold]:
    """What every session sold."""
    hours: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    orders: defaultdict[str, int] = defaultdict(int)
    for event in of_type(copies, "order.paid"):
        if event["session_id"] is not None:
            orders[event["session_id"]] += 1
            hours[event["session_id"]][local_hour(event["pay_time_ms"])] += event["amount_fen"]
    return {session: Sold(orders[session], sum(hours[session].values()), dict(hours[session])) for session in orders}


def local_hour(time_ms: int) -> int:
    """The hour of the day in Asia/Shanghai."""
    return (time_ms // 3_600_000 + 8) % 24
