"""Order events that cost next to nothing to make: a ring of the bench's orders, filled with ids and times on sending.

Each round of the ring repeats the lives of its orders under ids of the round, so that refunds find their payments and
nothing is a resend. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from streams.lab.bench.orders import Totals, orders
from streams.lab.bench.profile import Profile

_ROUND, _TIME, _PAY_TIME = "@round@", "@time@", "@pay-time@"


class Ready(NamedTuple):
    """A record of the topic of orders, ready to be sent."""

    partition: int
    key: bytes
    value: bytes


class _Template(NamedTuple):
    """`event_ms` and `pay_ms` are what event and payment lie before the arrival; no `pay_ms`: not paid yet."""

    partition: int
    key: bytes
    value: bytes
    event_ms: int
    pay_ms: int | None
    is_refund: bool


class Ring:
    """`size` events of a profile for `partitions`: events of one order share one, though not the one Kafka takes."""

    def __init__(self, profile: Profile, seed: int, size: int, partitions: int) -> None:
        planned = orders(profile, seed, size, Totals())
        self._templates = [_template(each.value, each.arrival_ms, partitions) for each in planned]

    def ready(self, number: int, arrival_ms: int) -> Ready:
        """The event of this number, counted over all rounds, as it arrives at `arrival_ms`."""
        round_, at = divmod(number, len(self._templates))
        partition, key, value, event_ms, pay_ms, is_refund = self._templates[at]
        fills: tuple[int, ...] = (round_, arrival_ms - event_ms, round_)
        if pay_ms is not None:
            fills = (*fills, arrival_ms - pay_ms, round_) if is_refund else (*fills, arrival_ms - pay_ms)
        return Ready(partition, key % round_, value % fills)

    def numbers_of(self, first_round: int) -> Iterator[int]:
        """Event numbers from the beginning of a round on, without end."""
        number = first_round * len(self._templates)
        while True:
            yield number
            number += 1


def _template(value: bytes, arrival_ms: int, partitions: int) -> _Template:
    event: dict[str, Any] = msgspec.json.decode(value)
    order_id, pay_time_ms = str(event["order_id"]), event.get("pay_time_ms")
    event_ms = arrival_ms - event["event_time_ms"]
    pay_ms = None if pay_time_ms is None else arrival_ms - pay_time_ms
    holes = {"event_time_ms": _TIME, **({} if pay_ms is None else {"pay_time_ms": _PAY_TIME})}
    named = {name: f"{_ROUND}{event[name]}" for name in ("event_id", "order_id", "refund_id") if name in event}
    text = msgspec.json.encode({**event, **holes, **named}).replace(b"%", b"%%")
    for hole in (_TIME, _PAY_TIME):
        text = text.replace(f'"{hole}"'.encode(), b"%d")
    return _Template(
        partition=crc32(order_id.encode()) % partitions,
        key=b"%06d" + order_id.encode(),
        value=text.replace(_ROUND.encode(), b"%06d"),
        event_ms=event_ms,
        pay_ms=pay_ms,
        is_refund="refund_id" in event,
    )
