"""What comes in: the events of the topics `orders` and `live-sessions`.

JSON, UTF-8, one event a record; unknown fields are ignored, a nullable field that is absent is null. The types carry
every rule that concerns one field alone, so that one pass in C decodes and checks an event; rules that need a second
field or the arrival are in `streams/intake/admission.py`.

Units: `_ms` is integer milliseconds since 1970-01-01T00:00Z, `_fen` is an integer of fen (1/100 yuan).
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

#: longest id in characters; an empty id is no id either
MAX_ID: Final = 128
#: the largest amount of one order line or refund, in fen (10 billion yuan)
MAX_AMOUNT_FEN: Final = 10**12
#: the largest number of pieces of one order line
MAX_QUANTITY: Final = 10**9
#: 2015-01-01T00:00Z: an earlier time is a clock that was never set
MIN_TIME_MS: Final = 1_420_070_400_000
#: from here on (the year 5138) a time is in microseconds or nanoseconds
TIME_LIMIT_MS: Final = 10**14

Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
TimeMs = Annotated[int, Meta(ge=MIN_TIME_MS, lt=TIME_LIMIT_MS, description="epoch milliseconds")]
AmountFen = Annotated[int, Meta(ge=0, le=MAX_AMOUNT_FEN, description="fen, 1/100 yuan")]
Quantity = Annotated[int, Meta(ge=0, le=MAX_QUANTITY)]

OrderType = Literal["order.created", "order.paid", "order.cancelled", "order.refunded"]
SessionType = Literal["session.started", "session.anchor_changed", "session.ended"]
Channel = Literal["live", "shelf", "short_video"]
Currency = Literal["CNY"]


class OrderEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One event of one SKU order. What a type needs beside the fields without a default is in `ALSO_REQUIRED`."""

    event_id: Id
    event_type: OrderType
    event_time_ms: TimeMs
    order_id: Id
    parent_order_id: Id | None = None
    session_id: Id | None = None
    room_id: Id | None = None
    anchor_id: Id | None = None
    merchant_id: Id | None = None
    cluster_id: Id | None = None
    category: Id | None = None
    province: Id | None = None
    city: Id | None = None
    channel: Channel | None = None
    #: the line's total, before any refund
    amount_fen: AmountFen | None = None
    quantity: Quantity | None = None
    currency: Currency
    #: personal: it feeds the sketch of distinct buyers and nothing else, and is never logged
    buyer_id: Id | None = None
    pay_time_ms: TimeMs | None = None
    refund_id: Id | None = None
    #: what this refund gives back; several partial refunds are several events
    refund_fen: AmountFen | None = None


class SessionEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One event of one live broadcast. Its merchant, cluster and category at the start are the session's scopes."""

    event_id: Id
    event_type: SessionType
    event_time_ms: TimeMs
    session_id: Id
    room_id: Id
    anchor_id: Id
    merchant_id: Id | None = None
    cluster_id: Id | None = None
    category: Id
    #: for people; it may be longer than an id, and empty
    title: str | None = None


_DESCRIBED = ("merchant_id", "category", "channel", "amount_fen", "quantity")

#: fields that an event needs beside those of its type, in the order of the contract
ALSO_REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "order.created": _DESCRIBED,
    "order.cancelled": _DESCRIBED,
    "order.paid": (*_DESCRIBED, "pay_time_ms"),
    "order.refunded": ("refund_id", "refund_fen"),
    "session.started": (),
    "session.anchor_changed": (),
    "session.ended": (),
}

#: what a refund needs to be attributed without the order's own events
ATTRIBUTION: Final = ("merchant_id", "category", "channel", "amount_fen", "pay_time_ms")

_order_decoder = msgspec.json.Decoder(OrderEvent)
_session_decoder = msgspec.json.Decoder(SessionEvent)

#: bytes to an event; raises `msgspec.MsgspecError` on what breaks a rule of a single field. Nothing else is checked
decode_order = _order_decoder.decode
decode_session = _session_decoder.decode
