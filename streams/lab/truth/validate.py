"""Is a record an event, and if not, why not? The reasons are the contract's; the first rule broken is told."""

import json
from typing import Any, Final

Event = dict[str, Any]

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_YEAR_2015_MS: Final = 1_420_070_400_000
_MOST_BYTES: Final = 65_536
_MOST_FEN: Final = 10**12
_MOST_PIECES: Final = 10**9
_HOURS_KEPT: Final = 35 * 24

_ALWAYS: Final = ("event_id", "event_time_ms")
_SALE: Final = ("order_id", "merchant_id", "category", "channel", "amount_fen", "quantity", "currency")
_SESSION: Final = ("session_id", "room_id", "anchor_id", "category")
_REQUIRED: Final = {
    "orders": {
        "order.created": _SALE,
        "order.cancelled": _SALE,
        "order.paid": (*_SALE, "pay_time_ms"),
        "order.refunded": ("order_id", "refund_id", "refund_fen", "currency"),
    },
    "live-sessions": {
        "session.started": _SESSION,
        "session.anchor_changed": _SESSION,
        "session.ended": _SESSION,
    },
}
_ATTRIBUTION: Final = ("merchant_id", "category", "channel", "amount_fen", "pay_time_ms")

_IDS: Final = {
    "orders": (
        "event_id", "order_id", "parent_order_id", "session_id", "room_id", "anchor_id", "merchant_id", "cluster_id",
        "category", "province", "city", "buyer_id", "refund_id",
    ),
    "live-sessions": (
        "event_id", "session_id", "room_id", "anchor_id", "merchant_id", "cluster_id", "category",
    ),
}  # fmt: skip
_TEXTS: Final = {"orders": (), "live-sessions": ("title",)}
_NUMBERS: Final = {
    "orders": ("event_time_ms", "amount_fen", "quantity", "pay_time_ms", "refund_fen"),
    "live-sessions": ("event_time_ms",),
}


class Refused(Exception):
    """The record is a reject; the argument is its reason."""


def read_event(topic: str, value: bytes | None, arrival_ms: int, offset_ms: int) -> Event:
    """The event in a record, every rule of the contract checked that needs no other record. Raises Refused."""
    event = _object(value)
    event_type = event.get("event_type")
    _check_type(topic, event_type)
    _check_presence(topic, event_type, event)
    _check_fields(topic, event)
    _check_ranges(topic, event)
    if event_type == "order.refunded" and any(event.get(name) is None for name in _ATTRIBUTION):
        raise Refused("unknown_order")
    if event_type == "order.refunded" and event["refund_fen"] > event["amount_fen"]:
        raise Refused("refund_exceeds_order")
    _check_age(event, arrival_ms, offset_ms)
    return event


def _object(value: bytes | None) -> Event:
    if value is not None and len(value) > _MOST_BYTES:
        raise Refused("too_large")
    try:
        event = json.loads((value or b"").decode("utf-8"), parse_constant=_no_number)
        if b"\\u" in (value or b""):
            json.dumps(event, ensure_ascii=False).encode("utf-8")  # half of a surrogate pair is no text
    except (ValueError, RecursionError) as error:  # a UnicodeError is a ValueError
        raise Refused("not_json") from error
    if not isinstance(event, dict):
        raise Refused("not_json")
    return event


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _check_type(topic: str, event_type: object) -> None:
    if event_type is None:
        raise Refused("missing_field")
    if not isinstance(event_type, str):
        raise Refused("mistyped_field")
    if event_type not in _REQUIRED[topic]:
        raise Refused("unknown_type")


def _check_presence(topic: str, event_type: str, event: Event) -> None:
    if any(event.get(name) is None for name in (*_ALWAYS, *_REQUIRED[topic][event_type])):
        raise Refused("missing_field")


def _check_fields(topic: str, event: Event) -> None:
    ids = (event.get(name) for name in _IDS[topic])
    texts = (event.get(name) for name in _TEXTS[topic])
    numbers = (event.get(name) for name in _NUMBERS[topic])
    sound = (
        all(each is None or (isinstance(each, str) and 1 <= len(each) <= 128) for each in ids)
        and all(each is None or isinstance(each, str) for each in texts)
        and all(each is None or type(each) is int for each in numbers)
    )
    if not sound:
        raise Refused("mistyped_field")
    if topic == "orders" and event.get("channel") not in (None, "live", "shelf", "short_video"):
        raise Refused("mistyped_field")
    if topic == "orders" and not 0 <= (event.get("quantity") or 0) <= _MOST_PIECES:
        raise Refused("mistyped_field")


def _check_ranges(topic: str, event: Event) -> None:
    if topic == "orders" and event["currency"] != "CNY":
        raise Refused("currency" if isinstance(event["currency"], str) else "mistyped_field")
    for name in ("amount_fen", "refund_fen") if topic == "orders" else ():
        if not 0 <= (event.get(name) or 0) <= _MOST_FEN:
            raise Refused("amount_out_of_range")
    for name in ("event_time_ms", "pay_time_ms") if topic == "orders" else ("event_time_ms",):
        time_ms = event.get(name)
        if time_ms is not None and not _YEAR_2015_MS <= time_ms < 10**14:
            raise Refused("time_out_of_range")


def _check_age(event: Event, arrival_ms: int, offset_ms: int) -> None:
    event_type = event["event_type"]
    deciding_ms = event["pay_time_ms"] if event_type == "order.paid" else event["event_time_ms"]
    if deciding_ms > arrival_ms + _DAY_MS:
        raise Refused("time_ahead")
    window_ms = event["pay_time_ms"] if event_type == "order.refunded" else deciding_ms
    oldest_hour = (arrival_ms + offset_ms) // _HOUR_MS - _HOURS_KEPT
    if (min(window_ms, deciding_ms) + offset_ms) // _HOUR_MS < oldest_hour:
        raise Refused("expired")
