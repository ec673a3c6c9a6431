"""What was refused: the value of the topic `rejects`, and every reason there is.

A reject keeps the bytes it came as, so that it can be driven again once its cause is gone. Its key
(`topic/partition/offset`) makes a replay overwrite it. `detail` names fields, never their values.
"""

from base64 import b64encode
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

#: a record above this is `too_large`, and a reject keeps only its hash and head
MAX_BYTES: Final = 65_536
#: how much of a too large record is kept
HEAD_BYTES: Final = 256
#: how much of a key is kept: ids are shorter, and a reject must always fit into a record
MAX_KEY_BYTES: Final = 1_024
#: the Kafka header of a record that was driven again: which reject it is. An origin settles at most once
ORIGIN_HEADER: Final = "hightide-origin"
#: a longer origin is none: the name of a topic has at most 249 characters
_MAX_ORIGIN: Final = 300


class Reason(StrEnum):
    """Why a record was refused. The value is what travels; `meaning` is one line for people."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> "Reason":
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    NOT_JSON = "not_json", "the bytes are no JSON object in UTF-8 (or one nested deeper than 512 levels)"
    TOO_LARGE = "too_large", "the record is larger than 64 KiB"
    UNKNOWN_TYPE = "unknown_type", "the event type is none of this topic's"
    MISSING_FIELD = "missing_field", "a field that this event type needs is absent or null"
    MISTYPED_FIELD = "mistyped_field", "a field has another JSON type, length or set of values than its schema"
    CURRENCY = "currency", "the currency is not CNY"
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range", "an amount is negative or above 10^12 fen"
    TIME_OUT_OF_RANGE = "time_out_of_range", "a time is before 2015 or not in milliseconds"
    UNKNOWN_ORDER = "unknown_order", "the refund does not say where it belongs, and its order is not known (yet)"
    REFUND_EXCEEDS_ORDER = "refund_exceeds_order", "the order has less left than this refund gives back"
    PAID_TWICE = "paid_twice", "the order was paid before under another event id (judged by the order index alone)"
    TIME_AHEAD = "time_ahead", "the time that decides the window is more than 24 hours after the arrival"
    EXPIRED = "expired", "the window is older than the retention of its hour (35 days before the arrival)"


class Rejected(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One refused record. The record's value is `raw`, or null and told by `head`, `sha256` and `size_bytes`."""

    topic: str
    partition: int
    offset: int
    #: the record's Kafka timestamp, epoch milliseconds
    arrival_ms: int
    reason: Reason
    #: which field or rule, for people; never a payload value
    detail: str
    #: base64 of the record's key, of its first 1,024 bytes if it is longer; null if it had none
    key: str | None
    #: base64 of the record's value; null above 64 KiB, and for a record without a value
    raw: str | None
    #: base64 of the first 256 bytes of a value that is above 64 KiB, else null
    head: str | None
    #: hex digest of the value; null for a record without a value
    sha256: str | None
    size_bytes: int
    #: `topic/partition/offset` of the first reject of this record, if it was driven again since; else null
    origin: str | None = None


def rejected(
    *,
    topic: str,
    partition: int,
    offset: int,
    arrival_ms: int,
    key: bytes | None,
    value: bytes | None,
    reason: Reason,
    detail: str,
    origin: str | None = None,
) -> Rejected:
    """Describe a refused record."""
    small = value is not None and len(value) <= MAX_BYTES
    return Rejected(
        topic=topic,
        partition=partition,
        offset=offset,
        arrival_ms=arrival_ms,
        reason=reason,
        detail=detail,
        key=_base64(key if key is None or len(key) <= MAX_KEY_BYTES else key[:MAX_KEY_BYTES]),
        raw=_base64(value) if small else None,
        head=None if small or value is None else _base64(value[:HEAD_BYTES]),
        sha256=None if value is None else sha256(value).hexdigest(),
        size_bytes=0 if value is None else len(value),
        origin=origin,
    )


def reject_key(topic: str, partition: int, offset: int) -> bytes:
    """The key of a reject in its topic: the same record is always the same reject."""
    return f"{topic}/{partition}/{offset}".encode()


def origin_of(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """The origin in the headers of a record; None if it was not driven again."""
    for name, value in headers:
        if name == ORIGIN_HEADER and value is not None and len(value) <= _MAX_ORIGIN:
            return value.decode("utf-8", "replace")
    return None


def encode_rejected(reject: Rejected) -> bytes:
    """The value of a reject in its topic."""
    return msgspec.json.encode(reject)


def decode_rejected(value: bytes) -> Rejected:
    """Read a reject back; raises `msgspec.MsgspecError` on anything else."""
    return msgspec.json.decode(value, type=Rejected)


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()
