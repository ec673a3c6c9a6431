"""What stands in the topic `deliveries`: who was told what, when, with which answer, and who asked for silence.

The newest record of a key counts. The topic is the memory of what people were told: nothing of it is kept in Redis, so
nothing of it can go back.
"""

from hashlib import sha256
from typing import Final, Literal

import msgspec

from schemas.alerts import Alert

#: `[first, last]` offsets in the topic `alerts`, both inclusive
Ranges = list[tuple[int, int]]
#: being sent, or to be tried again; taken by the target; refused by it for what it says, and not tried again
MessageState = Literal["sending", "delivered", "refused"]
#: attempts whose times are kept, for what a target takes in a minute
TRIES_KEPT: Final = 100


class Message(msgspec.Struct, frozen=True, kw_only=True, tag="message"):
    """One message to one target, from just before it is first sent. Its alerts never change."""

    target: str
    #: the same for every attempt: what a receiver tells a repetition by
    message_id: str
    alerts: Ranges
    digest: bool
    state: MessageState
    made_ms: int
    #: when it was tried, the last hundred times
    tried_ms: list[int]
    #: how often it failed
    failures: int = 0
    #: not to be tried again before
    next_ms: int = 0
    #: what the target said last: an HTTP status and a code, or why there was none
    answer: str | None = None
    #: first line of its text
    headline: str = ""
    #: the request to send it again that it answers
    resend: str | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True, tag="waiting"):
    """What a target is owed and has not got: silenced, rate limited, away. Alerts below `decided_to` are decided."""

    target: str
    decided_to: int
    alerts: Ranges
    at_ms: int


class Silence(msgspec.Struct, frozen=True, kw_only=True, tag="silence"):
    """Alerts that wait in `[from_ms, until_ms)`. Empty lists and a null target mean all; scopes as in a target."""

    id: str
    author: str
    from_ms: int
    until_ms: int
    target: str | None = None
    rules: list[str] = []
    scopes: list[str] = []
    comment: str = ""


class Resend(msgspec.Struct, frozen=True, kw_only=True, tag="resend"):
    """Somebody asks for a revision to be told again, to one target or (null) to all that would get it."""

    id: str
    author: str
    offset: int
    alert: Alert
    at_ms: int
    target: str | None = None


Record = Message | Waiting | Silence | Resend

_decoder: Final = msgspec.json.Decoder(Record)


def key_of(record: Record) -> str:
    """The record's key in the topic."""
    match record:
        case Message():
            return f"message/{record.target}/{record.message_id}"
        case Waiting():
            return f"waiting/{record.target}"
        case Silence():
            return f"silence/{record.id}"
        case Resend():
            return f"resend/{record.id}"


def encode_record(record: Record) -> bytes:
    """The value of a record in its topic."""
    return msgspec.json.encode(record)


def decode_record(value: bytes) -> Record:
    """Read a record back; raises `msgspec.MsgspecError` on anything else."""
    record: Record = _decoder.decode(value)
    return record


def message_id(target: str, alerts: Ranges, resend: str | None) -> str:
    """The id of a message: a function of what it tells to whom."""
    told = f"{target}|{resend or ''}|" + ",".join(f"{first}-{last}" for first, last in alerts)
    return f"msg_{sha256(told.encode()).hexdigest()[:32]}"


def ranges_of(offsets: list[int]) -> Ranges:
    """Offsets, in any order, as the fewest ranges."""
    ranges: Ranges = []
    for offset in sorted(set(offsets)):
        if ranges and ranges[-1][1] == offset - 1:
            ranges[-1] = (ranges[-1][0], offset)
        else:
            ranges.append((offset, offset))
    return ranges


def offsets_of(ranges: Ranges) -> list[int]:
    """The offsets that ranges stand for, ascending."""
    return [offset for first, last in ranges for offset in range(first, last + 1)]
