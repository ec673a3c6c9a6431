"""Is a record an event, and if not, why not? The reasons are the contract's.

A record with several faults has the reason that comes first: its bytes, its type, absent and mistyped fields in the
order of the contract, values out of range in the same order, what its order says against it, its age.
"""

import json
from functools import cache
from typing import Any, Final

Event = dict[str, Any]

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_YEAR_2015_MS: Final = 1_420_070_400_000
_MOST_BYTES: Final = 65_536
_MOST_FEN: Final = 10**12
_MOST_PIECES: Final = 10**9
_HOURS_KEPT: Final = 35 * 24
_DEEPEST: Final = 512

#: topic -> field -> what its value must be
_FIELDS: Final = {
    "orders": {
        "event_id": "id", "event_type": "text", "event_time_ms": "time", "order_id": "id", "parent_order_id": "id",
        "session_id": "id", "room_id": "id", "anchor_id": "id", "merchant_id": "id", "cluster_id": "id",
        "category": "id", "province": "id", "city": "id", "channel": "channel", "amount_fen": "money",
        "quantity": "pieces", "currency": "text", "buyer_id": "id", "pay_time_ms": "time", "refund_id": "id",
        "refund_fen": "money",
    },
    "live-sessions": {
        "event_id": "id", "event_type": "text", "event_time_ms": "time", "session_id": "id", "room_id": "id",
        "anchor_id": "id", "merchant_id": "id", "cluster_id": "id", "category": "id", "title": "text",
    },
}  # fmt: skip
#: of these, the ones whose values may be of the right type and still be wrong
_RANGED: Final = {
    topic: [(name, kind) for name, kind in fields.items() if kind in ("time", "money") or name == "currency"]
    for topic, fields in _FIELDS.items()
}

_ALWAYS: Final = {
    "orders": {"event_id", "event_type", "event_time_ms", "order_id", "currency"},
    "live-sessions": {"event_id", "event_type", "event_time_ms", "session_id", "room_id", "anchor_id", "category"},
}
_SALE: Final = {"merchant_id", "category", "channel", "amount_fen", "quantity"}
#: topic -> event type -> fields that it needs beside those that all need
_NEEDS: Final[dict[str, dict[str, set[str]]]] = {
    "orders": {
        "order.created": _SALE,
        "order.paid": {*_SALE, "pay_time_ms"},
        "order.cancelled": _SALE,
        "order.refunded": {"refund_id", "refund_fen"},
    },
    "live-sessions": {"session.started": set(), "session.anchor_changed": set(), "session.ended": set()},
}


class Refused(Exception):
    """The record is a reject; the argument is its reason."""


def read_event(topic: str, value: bytes | None, arrival_ms: int, offset_ms: int) -> Event:
    """The event in a record, every rule of the contract checked that needs no other record. Raises Refused."""
    event = _object(value)
    if isinstance(event.get("event_type"), str) and event["event_type"] not in _NEEDS[topic]:
        raise Refused("unknown_type")
    _check_shape(topic, event)
    _check_ranges(topic, event)
    if event["event_type"] != "order.refunded":  # what a refund decides follows from its order
        check_age(event, arrival_ms, offset_ms)
    return event


def _object(value: bytes | None) -> Event:
    raw = b"" if value is None else value
    if len(raw) > _MOST_BYTES:
        raise Refused("too_large")
    try:
        text = raw.decode("utf-8")
        if _depth(text) > _DEEPEST:
            raise Refused("not_json")
        event = json.loads(text, parse_constant=_no_number)
        if b"\\u" in raw:
            json.dumps(event, ensure_ascii=False).encode("utf-8")  # half of a surrogate pair is no text
    except (ValueError, RecursionError) as error:  # a UnicodeError is a ValueError
        raise Refused("not_json") from error
    if not isinstance(event, dict):
        raise Refused("not_json")
    return event


def _depth(text: str) -> int:
    """How deep arrays and objects are nested; of JSON that has few of them, only that there are not too many."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return 0
    depth = deepest = 0
    in_string = escaped = False
    for sign in text:
        if in_string:
            in_string = escaped or sign != '"'
            escaped = sign == "\\" and not escaped
        elif sign == '"':
            in_string = True
        elif sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _check_shape(topic: str, event: Event) -> None:
    event_type = event.get("event_type")
    needed = _needed(topic, event_type if isinstance(event_type, str) else None)
    for name, kind in _FIELDS[topic].items():
        value = event.get(name)
        if value is None:
            if name in needed:
                raise Refused("missing_field")
        elif not _is_a(kind, value):
            raise Refused("mistyped_field")


@cache
def _needed(topic: str, event_type: str | None) -> set[str]:
    return _ALWAYS[topic] | (_NEEDS[topic][event_type] if event_type is not None else set())


def _is_a(kind: str, value: Any) -> bool:
    if kind == "id":
        return isinstance(value, str) and 1 <= len(value) <= 128
    if kind == "text":
        return isinstance(value, str)
    if kind == "channel":
        return value in ("live", "shelf", "short_video")
    return type(value) is int and (kind != "pieces" or 0 <= value <= _MOST_PIECES)


def _check_ranges(topic: str, event: Event) -> None:
    for name, kind in _RANGED[topic]:
        value = event.get(name)
        if value is None:
            continue
        if kind == "time" and not _YEAR_2015_MS <= value < 10**14:
            raise Refused("time_out_of_range")
        if kind == "money" and not 0 <= value <= _MOST_FEN:
            raise Refused("amount_out_of_range")
        if name == "currency" and value != "CNY":
            raise Refused("currency")


def check_age(event: Event, arrival_ms: int, offset_ms: int) -> None:
    """A refund decides two windows: that of its order's payment and that of its own time."""
    deciding = [event["pay_time_ms"]] if event["event_type"] == "order.paid" else [event["event_time_ms"]]
    if event["event_type"] == "order.refunded":
        deciding.append(event["pay_time_ms"])
    if max(deciding) > arrival_ms + _DAY_MS:
        raise Refused("time_ahead")
    oldest_hour = (arrival_ms + offset_ms) // _HOUR_MS - _HOURS_KEPT
    if (min(deciding) + offset_ms) // _HOUR_MS < oldest_hour:
        raise Refused("expired")
