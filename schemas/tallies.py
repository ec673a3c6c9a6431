"""What goes out: the value of the topic `tallies`, the state of one tally, and its key.

Values are absolute. The last record of a key is the state of its tally; a reader that keeps the record with the highest
`version` of each key has it too, whatever came twice or late.
"""

from typing import Final, Literal

import msgspec

from schemas.alerts import GROSS

#: what keys begin with; the id stands last, so that no id can be read as another key
HOUR: Final = "hour"
SESSION: Final = "session"


class TallyState(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One hour of one tally, or one session over its whole life."""

    #: `session`: the total of a session, which is its `id`; `hour`: one hour of the `id` of a `dimension`
    grain: Literal["hour", "session"]
    #: platform, province, city, cluster, category, merchant, anchor, session or channel
    dimension: str
    #: the platform's is `all`; `(none)` stands for what has no id in its dimension
    id: str
    #: half-open `[start_ms, end_ms)`; of a session what it declared, null while it has not
    start_ms: int | None
    end_ms: int | None
    #: the definition that `gmv_fen` follows
    metric: str = GROSS
    gmv_fen: int
    orders_paid: int
    units: int
    orders_created: int
    orders_cancelled: int
    #: of the orders paid in this window, whenever they were refunded
    refund_fen: int
    orders_refunded: int
    net_gmv_fen: int
    #: of the refunds that happened in this window
    refund_booked_fen: int
    net_gmv_booked_fen: int
    #: distinct buyers, estimated to about 1 %; null in dimensions for which they are not kept, and after 35 days
    buyers: int | None
    #: distinct merchants and anchors with a paid order, estimated; null as above
    merchants: int | None
    anchors: int | None
    #: grows with each change; of two records of a key the one with the greater version is the newer one
    version: int
    #: the watermark that this was read at: what happened before is in it; null while there is none
    as_of_ms: int | None
    #: from this watermark on it changes by what comes late alone; that of a session without a declared end moves on
    closes_ms: int | None
    #: whether `as_of_ms` had reached `closes_ms`; no record comes for that alone, so compare with the newest `as_of_ms`
    final: bool


def hour_key(dimension: str, start_ms: int, id: str) -> bytes:
    """The key of an hour of a tally: `hour|<start_ms>|<dimension>|<id>`."""
    return f"{HOUR}|{start_ms}|{dimension}|{id}".encode()


def session_key(session_id: str) -> bytes:
    """The key of the total of a session: `session|<id>`."""
    return f"{SESSION}|{session_id}".encode()


def encode_tally(state: TallyState) -> bytes:
    """The value of a tally in its topic."""
    return _encode(state)


def decode_tally(value: bytes) -> TallyState:
    """Read a tally back; raises `msgspec.MsgspecError` on anything else."""
    return _decode(value)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(TallyState).decode
