"""Why bytes are no event: the slow, exact look at a record that the decoder refused.

The decoder says *that* something is wrong; here the first fault is found in a fixed order, so that a record has the
same reason for ever: the bytes as a whole, the event type, absent and mistyped fields, and then values out of range,
each in the order of the contract's fields. Details name fields, never their values.
"""

import re
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import NODEFAULT, Raw

from schemas.events import ALSO_REQUIRED, AmountFen, Channel, Currency, Id, OrderType, Quantity, SessionType, TimeMs
from schemas.rejects import MAX_BYTES, Reason

#: JSON nested deeper is refused: how deep the decoder can go depends on the depth of its caller's stack
MAX_DEPTH: Final = 512
#: valid JSON up to this size can not be nested deeper than `MAX_DEPTH`
_FLAT_BYTES: Final = 2 * MAX_DEPTH

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_WHOLE = re.compile(rb"-?\d+")

_EXPECTED: Final[dict[Any, str]] = {
    Id: "a string of 1 to 128 characters",
    TimeMs: "a whole number of milliseconds",
    AmountFen: "a whole number of fen",
    Quantity: "a whole number from 0 to 10^9",
    Channel: "live, shelf or short_video",
    Currency: "a string",
    OrderType: "a string",
    SessionType: "a string",
    str: "a string",
}
#: types whose values can be well typed and still wrong: the type to read them as, and the reason
_RANGED: Final[dict[Any, tuple[type, Reason, str]]] = {
    Currency: (str, Reason.CURRENCY, "not CNY"),
    AmountFen: (int, Reason.AMOUNT_OUT_OF_RANGE, "negative or above 10^12 fen"),
    TimeMs: (int, Reason.TIME_OUT_OF_RANGE, "before 2015 or not in milliseconds"),
}


class Fault(NamedTuple):
    """The first thing that is wrong with a record."""

    reason: Reason
    detail: str


def fault_of_bytes(value: bytes | None) -> Fault | None:
    """What is wrong with a record before it is parsed; None leaves syntax and fields to be looked at."""
    if value is None:
        return Fault(Reason.NOT_JSON, "the record has no value")
    size = len(value)
    if size > MAX_BYTES:
        return Fault(Reason.TOO_LARGE, f"{size} bytes, {MAX_BYTES} are allowed")
    if not value.isascii() and not _is_utf8(value):
        return Fault(Reason.NOT_JSON, "not UTF-8")
    if size > _FLAT_BYTES and _is_deeper(value, MAX_DEPTH):
        return Fault(Reason.NOT_JSON, f"nested deeper than {MAX_DEPTH} levels")
    return None


def fault_of_fields(value: bytes, kind: type[msgspec.Struct]) -> Fault:
    """What is wrong with a record that `fault_of_bytes` let pass and the decoder of `kind` refused."""
    try:
        raws = msgspec.json.decode(value, type=dict[str, Raw])
        return _type_fault(raws, kind) or _shape_fault(raws, kind) or _range_fault(raws, kind) or _DOUBLED
    except (msgspec.MsgspecError, RecursionError):
        return Fault(Reason.NOT_JSON, "not one JSON object")


#: every field is right on its last occurrence, so a wrong one stands before it
_DOUBLED: Final = Fault(Reason.MISTYPED_FIELD, "a field stands twice, and the first is wrong")


def _type_fault(raws: dict[str, Raw], kind: type[msgspec.Struct]) -> Fault | None:
    raw = raws.get("event_type")
    if _fits(raw, str) and not _fits(raw, _fields(kind)["event_type"].type):
        return Fault(Reason.UNKNOWN_TYPE, "event_type: none of this topic's types")
    return None


def _shape_fault(raws: dict[str, Raw], kind: type[msgspec.Struct]) -> Fault | None:
    event_type = raws.get("event_type")
    known = event_type is not None and _fits(event_type, str)
    also = ALSO_REQUIRED[msgspec.json.decode(event_type, type=str)] if known and event_type is not None else ()
    for name, field in _fields(kind).items():
        raw = raws.get(name)
        if raw is None or bytes(raw) == b"null":
            if field.required or name in also:
                return Fault(Reason.MISSING_FIELD, f"{name}: needed for this event type")
        elif not _fits(raw, field.type) and not _has_range(raw, field.type):
            return Fault(Reason.MISTYPED_FIELD, f"{name}: expected {_EXPECTED[field.type]}")
    return None


def _range_fault(raws: dict[str, Raw], kind: type[msgspec.Struct]) -> Fault | None:
    for name, field in _fields(kind).items():
        raw = raws.get(name)
        if raw is not None and bytes(raw) != b"null" and not _fits(raw, field.type):
            _, reason, detail = _RANGED[field.type]
            return Fault(reason, f"{name}: {detail}")
    return None


class _Field(NamedTuple):
    type: Any
    required: bool


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, _Field]:
    """The fields of an event, with the type that a value other than null must have."""
    return {
        field.name: _Field(_without_null(field.type), field.default is NODEFAULT)
        for field in msgspec.structs.fields(kind)
    }


def _without_null(annotation: Any) -> Any:
    return next(known for known in _EXPECTED if annotation in (known, known | None))


def _fits(raw: Raw | None, annotation: Any) -> bool:
    """Whether `raw` decodes as a type. Bytes that are no JSON pass through as `msgspec.DecodeError`."""
    if raw is None:
        return False
    try:
        msgspec.json.decode(raw, type=annotation)
    except msgspec.ValidationError:
        return False
    return True


def _has_range(raw: Raw, annotation: Any) -> bool:
    """Whether a value is of the right JSON type and only its size or content is wrong."""
    base = _RANGED.get(annotation)
    if base is None:
        return False
    # an integer of thousands of digits is more than the decoder turns into a number
    return _fits(raw, base[0]) or (base[0] is int and _WHOLE.fullmatch(raw) is not None)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_deeper(value: bytes, levels: int) -> bool:
    if value.count(b"[") + value.count(b"{") <= levels:
        return False
    depth = 0
    for byte in _STRING.sub(b"", value):
        if byte in b"[{":
            depth += 1
            if depth > levels:
                return True
        elif byte in b"]}":
            depth -= 1
    return False
