"""Records made of a market: copies, other orders of them, broken ones, and some of days later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import msgspec

from streams.lab.simulator.broken import broken
from streams.lab.simulator.planned import ORDERS, Planned

_MINUTE_MS = 60_000


def later_orders(records: Sequence[Planned], later_ms: int, count: int = 60) -> list[Planned]:
    """Payments so much later than the last record, on every partition: they move the watermark there."""
    at_ms = records[-1].arrival_ms + later_ms
    return [
        Planned(
            ORDERS,
            f"later-{number}",
            msgspec.json.encode(
                {
                    "event_id": f"later-{number}", "event_type": "order.paid", "event_time_ms": at_ms + number,
                    "order_id": f"later-{number}", "merchant_id": "merchant-0099", "category": "womens-wear",
                    "channel": "shelf", "amount_fen": 100, "quantity": 1, "currency": "CNY",
                    "pay_time_ms": at_ms + number,
                }
            ),
            at_ms + number,
        )
        for number in range(count)
    ]  # fmt: skip


def with_copies(records: Sequence[Planned], share: float, chance: Random) -> list[Planned]:
    """This share of the records is sent again, up to four times, within ten minutes."""
    copies = [
        each._replace(arrival_ms=each.arrival_ms + chance.randint(1, 10 * _MINUTE_MS))
        for each in records
        if chance.random() < share
        for _ in range(chance.randint(1, 4))
    ]
    return _by_arrival([*records, *copies])


def reordered(records: Sequence[Planned], chance: Random) -> list[Planned]:
    """The same records in another order: each arrives when one within some twenty minutes of it did."""
    shuffled = sorted(records, key=lambda each: each.arrival_ms + chance.randint(-10, 10) * _MINUTE_MS)
    return [each._replace(arrival_ms=at.arrival_ms) for each, at in zip(shuffled, records, strict=True)]


def with_broken(records: Sequence[Planned], chance: Random) -> list[Planned]:
    """Among them every kind of record that is refused, and bytes of no kind, hundreds of each."""
    begin_ms, end_ms = records[0].arrival_ms, records[-1].arrival_ms
    return _by_arrival([*records, *broken("flood", begin_ms, end_ms, 40, chance), *_noise(begin_ms, end_ms, chance)])


def _noise(begin_ms: int, end_ms: int, chance: Random) -> Iterator[Planned]:
    for number in range(600):
        value = chance.randbytes(chance.randint(0, 300))
        yield Planned(ORDERS, f"noise-{number}", value, chance.randint(begin_ms, end_ms))


def _by_arrival(records: list[Planned]) -> list[Planned]:
    return sorted(records, key=lambda each: each.arrival_ms)
