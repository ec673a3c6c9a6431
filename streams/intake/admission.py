"""Step 2, admit: bytes to a typed event, or the one reason why not. Pure, and a function of the record alone.

The fast path is one decode and a few comparisons; the exact reason is looked for only once something is wrong. A
record with several faults has the reason that comes first here: its bytes, its type, its fields (`schemas/faults.py`),
what its type needs, the order it gives back, and at last its time against its arrival.

What needs more than one record is judged later, by what remembers: a second payment, and everything about a refund
that its order decides (`orders.py`).
"""

from typing import Final, NamedTuple, TypeVar, final

import msgspec

from schemas.events import ALSO_REQUIRED, OrderEvent, SessionEvent, decode_order, decode_session
from schemas.faults import fault_of_bytes, fault_of_fields
from schemas.rejects import Reason
from streams.intake.timely import AHEAD_MS, HOUR_RETENTION_MS, untimely
from streams.tally.windows import Zone

#: a record up to this size in ASCII needs no other look at its bytes before it is decoded
_PLAIN_BYTES: Final = 1024

Admissible = TypeVar("Admissible", OrderEvent, SessionEvent)


@final
class Refusal(NamedTuple):
    """Why a record is no event of ours. `detail` is for people and names fields, never their values."""

    reason: Reason
    detail: str


def admit_order(value: bytes | None, arrival_ms: int, zone: Zone) -> OrderEvent | Refusal:
    """Admit one record of the topic `orders`. `arrival_ms` is its Kafka timestamp. Never raises."""
    if (value is None or len(value) > _PLAIN_BYTES or not value.isascii()) and (fault := fault_of_bytes(value)):
        return Refusal(*fault)
    try:
        event = decode_order(value)  # type: ignore[arg-type]  # null is a fault of the bytes
    except msgspec.MsgspecError:
        return Refusal(*fault_of_fields(value, OrderEvent))  # type: ignore[arg-type]  # as above
    if event.event_type == "order.refunded":
        return _missing(event) if event.refund_id is None or event.refund_fen is None else event
    if (
        event.merchant_id is None
        or event.category is None
        or event.channel is None
        or event.amount_fen is None
        or event.quantity is None
    ):
        return _missing(event)
    deciding_ms = event.event_time_ms
    if event.event_type == "order.paid":
        if event.pay_time_ms is None:
            return _missing(event)
        deciding_ms = event.pay_time_ms
    if -AHEAD_MS <= arrival_ms - deciding_ms <= HOUR_RETENTION_MS:
        return event
    return _timely(event, deciding_ms, arrival_ms, zone)


def admit_session(value: bytes | None, arrival_ms: int, zone: Zone) -> SessionEvent | Refusal:
    """Admit one record of the topic `live-sessions`. `arrival_ms` is its Kafka timestamp. Never raises."""
    if fault := fault_of_bytes(value):
        return Refusal(*fault)
    try:
        event = decode_session(value)  # type: ignore[arg-type]  # null is a fault of the bytes
    except msgspec.MsgspecError:
        return Refusal(*fault_of_fields(value, SessionEvent))  # type: ignore[arg-type]  # as above
    return _timely(event, event.event_time_ms, arrival_ms, zone)


def _missing(event: OrderEvent) -> Refusal:
    name = next(name for name in ALSO_REQUIRED[event.event_type] if getattr(event, name) is None)
    return Refusal(Reason.MISSING_FIELD, f"{name}: needed for this event type")


def _timely(event: Admissible, deciding_ms: int, arrival_ms: int, zone: Zone) -> Admissible | Refusal:
    refused = untimely(deciding_ms, deciding_ms, arrival_ms, zone)
    return event if refused is None else Refusal(*refused)
