"""Records that break a rule, each of them one rule only, so that its reason is beyond doubt."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final, NamedTuple

import orjson

from streams.lab.simulator.dates import DAY_MS, HOUR_MS
from streams.lab.simulator.planned import ORDERS, SESSIONS, Planned

Event = dict[str, Any]


class Flaw(NamedTuple):
    """One way to break an `order.paid`. `reason` is the reject reason of the contract that it must lead to."""

    reason: str
    spoil: Callable[[Event], bytes]


def _changed(field: str, value: object) -> Callable[[Event], bytes]:
    return lambda event: orjson.dumps({**event, field: value})


def _moved(field: str, by_ms: int) -> Callable[[Event], bytes]:
    return lambda event: orjson.dumps({**event, field: event[field] + by_ms})


def _without(field: str) -> Callable[[Event], bytes]:
    return lambda event: orjson.dumps({name: value for name, value in event.items() if name != field})


def _swollen(event: Event) -> bytes:
    return orjson.dumps({**event, "note": "x" * 66_000})


def _cut_off(event: Event) -> bytes:
    return orjson.dumps(event)[:-40]


def _listed(event: Event) -> bytes:
    return orjson.dumps([event])


def _in_seconds(event: Event) -> bytes:
    return orjson.dumps({**event, "event_time_ms": event["event_time_ms"] // 1000})


FLAWS: Final = (
    Flaw("not_json", _cut_off),
    Flaw("not_json", _listed),
    Flaw("not_json", lambda event: b"\xff\xfe\x00"),
    Flaw("too_large", _swollen),
    Flaw("unknown_type", _changed("event_type", "order.shipped")),
    Flaw("missing_field", _without("order_id")),
    Flaw("missing_field", _without("pay_time_ms")),
    Flaw("mistyped_field", _changed("amount_fen", "12900")),
    Flaw("mistyped_field", _changed("merchant_id", "")),
    Flaw("amount_out_of_range", _changed("amount_fen", -1)),
    Flaw("amount_out_of_range", _changed("amount_fen", 10**12 + 1)),
    Flaw("currency", _changed("currency", "USD")),
    Flaw("time_out_of_range", _in_seconds),
    Flaw("time_ahead", _moved("pay_time_ms", 25 * HOUR_MS)),
    Flaw("expired", _moved("pay_time_ms", -40 * DAY_MS)),
)


def broken(name: str, start_ms: int, end_ms: int, rounds: int, rnd: Random) -> Iterator[Planned]:
    """Every flaw `rounds` times, at random instants of `[start_ms, end_ms)`, and one session event each round."""
    for number in range(rounds):
        for kind, flaw in enumerate(FLAWS):
            time_ms = rnd.randrange(start_ms, end_ms)
            order_id = f"order-{name}-{number}-{kind:02d}"
            yield Planned(ORDERS, order_id, flaw.spoil(_sound(order_id, time_ms)), time_ms + 100)
        session_id = f"session-{name}-{number}"
        time_ms = rnd.randrange(start_ms, end_ms)
        event = {"event_id": session_id, "event_type": "session.paused", "event_time_ms": time_ms}
        yield Planned(SESSIONS, session_id, orjson.dumps({**event, "session_id": session_id}), time_ms + 100)


def _sound(order_id: str, time_ms: int) -> Event:
    return {
        "event_id": f"{order_id}-paid",
        "event_type": "order.paid",
        "event_time_ms": time_ms,
        "order_id": order_id,
        "merchant_id": "merchant-0099",
        "category": "womens-wear",
        "channel": "shelf",
        "amount_fen": 12_900,
        "quantity": 1,
        "currency": "CNY",
        "pay_time_ms": time_ms,
    }
