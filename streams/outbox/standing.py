"""Step 7, outbox: how an alert stands, by the topic and by its ranking, and what is told if they differ. Pure.

They can differ only after Redis went back: what was told then may never arise again, or end differently on the way
there. States are compared by what they mean to people: it stands, it may come to stand, it does not stand.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from schemas.alerts import Alert, State
from streams.marks.facts import Fact, PreviousFact

_STANDS: Final = (State.CONFIRMED, State.REINSTATED)
_MAY: Final = (State.PROVISIONAL,)
_encode = msgspec.json.Encoder().encode
#: places in an entry of a ranking (`streams/marks/book.lua`)
_ORDER, _HOLDER, _VALUE, _START, _END, _EVIDENCE = 0, 1, 2, 3, 4, 6


def same(one: State | None, other: State | None) -> bool:
    """Whether two states mean the same to people; None: there is no alert."""
    return _meaning(one) == _meaning(other)


def _meaning(state: State | None) -> str:
    return "stands" if state in _STANDS else "may" if state in _MAY else "does not"


def taken_back(told: Alert, watermark_ms: int, now_ms: int) -> Fact:
    """The fact that ends an alert which its ranking does not bear out; its numbers are those that were told."""
    return msgspec.structs.replace(
        _as_told(told, watermark_ms, now_ms), state=str(State.SUPERSEDED), cause="lost", previous=None
    )


def told_again(
    told: Alert, state: State, entry: list[Any] | None, stairs: list[list[Any]], watermark_ms: int, now_ms: int
) -> Fact:
    """The fact that brings an alert to the state that its ranking has; `entry` is its holder there.

    `stairs` are the ranking's, in their order.
    """
    fact = msgspec.structs.replace(_as_told(told, watermark_ms, now_ms), state=str(state), cause="found")
    if entry is None:
        return fact
    before = [stair for stair in stairs if _place(stair) < _place(entry)]
    return msgspec.structs.replace(
        fact,
        start_ms=int(entry[_START]),
        end_ms=_end(entry),
        value=int(entry[_VALUE]),
        evidence=entry[_EVIDENCE],
        previous=_previous(before[-1]) if before else None,
    )


def _as_told(told: Alert, watermark_ms: int, now_ms: int) -> Fact:
    ranges: dict[str, list[tuple[int, int, int]]] = {}
    for each in told.evidence:
        ranges.setdefault(each.topic, []).append((each.partition, each.first_offset, each.last_offset))
    return Fact(
        rule=told.rule,
        metric=told.metric,
        dimension=told.scope.dimension,
        scope_id=told.scope.id,
        kind=told.holder.kind,
        holder=told.holder.id,
        start_ms=told.holder.start_ms,
        end_ms=told.holder.end_ms,
        value=told.value_fen,
        state=str(told.state),
        revision=told.revision + 1,
        event_time_ms=watermark_ms,
        as_of_ms=watermark_ms,
        detected_at_ms=now_ms,
        evidence=_encode(ranges).decode(),
    )


def _previous(entry: list[Any]) -> PreviousFact:
    return PreviousFact(entry[_HOLDER], int(entry[_START]), int(entry[_VALUE]), _end(entry))


def _end(entry: list[Any]) -> int | None:
    return int(entry[_END]) if entry[_END] else None


def _place(entry: list[Any]) -> tuple[int, bytes]:
    return int(entry[_ORDER]), entry[_HOLDER].encode()
