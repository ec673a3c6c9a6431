"""Step 2, admit: bytes to a typed event, or the one reason why not. Pure, and a function of the record alone.

The fast path is one decode and a few comparisons; the exact reason is looked for only once something is wrong. A
record with several faults has the reason that comes first here: its bytes, its type, its fields (`schemas/faults.py`),
what its type needs, the order it gives back, and at last its time against its arrival.

What needs more than one record (`paid_twice`, a refund of more than is *left*) is judged later, by what remembers.
"""

from typing import Final, NamedTuple, final

import msgspec

from schemas.events import ALSO_REQUIRED, ATTRIBUTION, OrderEvent, SessionEvent, decode_order, decode_session
from schemas.faults import fault_of_bytes, fault_of_fields
from schemas.rejects import Reason
from streams.tally.windows import DAY_MS, HOUR_MS, Zone

#: a deciding time may be this far ahead of its arrival
AHEAD_MS: Final = DAY_MS
#: hours are kept this long; nothing is added to an older one
HOUR_RETENTION_MS: Final = 35 * DAY_MS

#: a record up to this size in ASCII needs no other look at its bytes before it is decoded
_PLAIN_BYTES: Final = 1024


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
        return _admit_refund(event, arrival_ms, zone)
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
    return _untimely(deciding_ms, deciding_ms, arrival_ms, zone) or event


def admit_session(value: bytes | None, arrival_ms: int, zone: Zone) -> SessionEvent | Refusal:
    """Admit one record of the topic `live-sessions`. `arrival_ms` is its Kafka timestamp. Never raises."""
    if fault := fault_of_bytes(value):
        return Refusal(*fault)
    try:
        event = decode_session(value)  # type: ignore[arg-type]  # null is a fault of the bytes
    except msgspec.MsgspecError:
        return Refusal(*fault_of_fields(value, SessionEvent))  # type: ignore[arg-type]  # as above
    return _untimely(event.event_time_ms, event.event_time_ms, arrival_ms, zone) or event


def _admit_refund(event: OrderEvent, arrival_ms: int, zone: Zone) -> OrderEvent | Refusal:
    """A refund decides two windows: it is restated to its order's pay time and booked at its own."""
    if event.refund_id is None or event.refund_fen is None:
        return _missing(event)
    pay_time_ms, amount_fen = event.pay_time_ms, event.amount_fen
    if (
        pay_time_ms is None
        or amount_fen is None
        or event.merchant_id is None
        or event.category is None
        or event.channel is None
    ):
        lacking = ", ".join(name for name in ATTRIBUTION if getattr(event, name) is None)
        return Refusal(Reason.UNKNOWN_ORDER, f"not known of the order: {lacking}")
    if event.refund_fen > amount_fen:
        return Refusal(Reason.REFUND_EXCEEDS_ORDER, "refund_fen: more than amount_fen")
    earliest_ms, latest_ms = min(event.event_time_ms, pay_time_ms), max(event.event_time_ms, pay_time_ms)
    return _untimely(earliest_ms, latest_ms, arrival_ms, zone) or event


def _missing(event: OrderEvent) -> Refusal:
    name = next(name for name in ALSO_REQUIRED[event.event_type] if getattr(event, name) is None)
    return Refusal(Reason.MISSING_FIELD, f"{name}: needed for this event type")


def _untimely(earliest_ms: int, latest_ms: int, arrival_ms: int, zone: Zone) -> Refusal | None:
    """Refuse times that decide a window which is not there yet, or not there any more."""
    if latest_ms > arrival_ms + AHEAD_MS:
        return Refusal(Reason.TIME_AHEAD, f"{(latest_ms - arrival_ms) // HOUR_MS} hours after the arrival")
    if zone.hour(earliest_ms) < zone.hour(arrival_ms - HOUR_RETENTION_MS):
        return Refusal(Reason.EXPIRED, f"{(arrival_ms - earliest_ms) // DAY_MS} days before the arrival")
    return None
