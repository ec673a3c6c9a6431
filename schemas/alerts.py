"""What goes out: the value of the topic `alerts`, its id and its text for people.

`alert_id` is a function of rule, metric, scope and holder; an `(alert_id, revision)` has one content for ever, so
everything here is a pure function of stored facts.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Final, Literal

import msgspec


class Rule(StrEnum):
    """What was detected."""

    PEAK_HOUR = "peak.hour"
    PEAK_ROLLING = "peak.rolling"
    RECORD_SESSION = "record.session"
    MILESTONE = "milestone"


class State(StrEnum):
    """The life of an alert (design, "Words")."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
    RETRACTED = "retracted"
    REINSTATED = "reinstated"
    SUPERSEDED = "superseded"


#: definitions that a value can follow: paid amounts by pay time, and those minus refunds restated to it
GROSS: Final = "gmv.paid.gross.v1"
NET: Final = "gmv.paid.net.v1"
METRICS: Final = (GROSS, NET)

HolderKind = Literal["hour", "span", "session", "sum"]


class Scope(msgspec.Struct, frozen=True, gc=False):
    """Inside what the holder leads: an id of a dimension (`cluster`, …); the platform's id is `all`."""

    dimension: str
    id: str


class Holder(msgspec.Struct, frozen=True, gc=False):
    """What leads: a clock hour, a span of 60 minutes, a session; or a sum, which was reached. Half-open.

    `id` is a local hour (`2025-12-31T20`), a local day (`2025-12-31`, the day whose best span this is), a session id,
    or a session id and the sum in fen (`session-7/100000000`). `end_ms` is null while a session has no declared end.
    """

    kind: HolderKind
    id: str
    start_ms: int
    end_ms: int | None


class Previous(msgspec.Struct, frozen=True, gc=False):
    """What stood at the top before."""

    holder: Holder
    value_fen: int


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """Where the value can be recomputed from: offsets of one partition, both inclusive."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int


class Alert(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One revision of one alert."""

    alert_id: str
    #: 1, 2, 3, …: one higher with each change of state
    revision: int
    rule: Rule
    state: State
    scope: Scope
    holder: Holder
    metric: str
    value_fen: int
    previous: Previous | None
    #: the event time at which this state began to hold; null where no watermark was known, `reason` says so
    event_time_ms: int | None
    #: the detecting worker's clock; for latency alone
    detected_at_ms: int
    #: the watermark that the value was read at; null while there is none
    as_of_ms: int | None
    #: why a state was left, or reached out of time, in words; null where the state says it all
    reason: str | None
    evidence: list[Evidence]
    #: one line for people, see `schemas/alert_text.py`
    text: str


def alert_id(rule: str, metric: str, dimension: str, scope_id: str, holder_id: str) -> str:
    """The id of an alert, the same for all its revisions: 32 hex digits."""
    return sha256(f"{rule}|{metric}|{dimension}|{scope_id}|{holder_id}".encode()).hexdigest()[:32]


def sum_fen(holder: Holder) -> int:
    """The sum of a holder of kind `sum`."""
    return int(holder.id.rpartition("/")[2])


def encode_alert(alert: Alert) -> bytes:
    """The value of an alert in its topic."""
    return msgspec.json.encode(alert)


def decode_alert(value: bytes) -> Alert:
    """Read an alert back; raises `msgspec.MsgspecError` on anything else."""
    return msgspec.json.decode(value, type=Alert)
