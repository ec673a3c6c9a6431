"""Step 6, peaks and records: what the outbox holds, one entry for each revision of an alert. Written by `raise.lua`."""

from __future__ import annotations

import msgspec


class PreviousFact(msgspec.Struct, frozen=True):
    """The last holder in closing order that is above all before it, and closes before the alert's."""

    holder: str
    start_ms: int
    value: int
    end_ms: int | None = None


class Mover(msgspec.Struct, frozen=True):
    """The other holder whose change made this one's; `value` is its value now, None if it left the ranking."""

    holder: str
    start_ms: int
    value: int | None = None


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of one alert. Times in epoch ms, values in fen.

    `cause` tells why a state was left: `fell` (its own value), `withdrawn` (its session moved to another scope),
    `reached` (an earlier holder ties or beats it), `history` (there is not enough of it any more), `lost` (it was told
    before Redis went back, and is not so by what was counted again). Or why one was reached out of time: `late` (what
    was paid or read after it closed), `moved` (its end), `rose`, `freed` (an earlier holder gave way: `by`), `history`
    (there is enough of it now), `found` (it was told otherwise before Redis went back).
    """

    rule: str
    metric: str
    dimension: str
    scope_id: str
    kind: str
    holder: str
    start_ms: int
    value: int
    state: str
    revision: int
    detected_at_ms: int
    #: JSON, see `evidence.py`
    evidence: str
    end_ms: int | None = None
    previous: PreviousFact | None = None
    cause: str | None = None
    by: Mover | None = None
    #: None while there is no watermark
    event_time_ms: int | None = None
    as_of_ms: int | None = None


_decode = msgspec.msgpack.Decoder(Fact).decode


def decode_fact(packed: bytes) -> Fact:
    """Read the field `f` of an outbox entry. Raises `msgspec.MsgspecError` on anything else."""
    return _decode(packed)
