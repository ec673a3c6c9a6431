"""Which alerts are of one event, which of them is told, and what comes first. Pure."""

from __future__ import annotations

from typing import Final

from schemas.alerts import GROSS, Alert, State

#: scopes from the widest: one event wins at several, and people hear of the widest
_WIDEST: Final = (
    "platform", "category", "cluster", "province", "city", "channel", "merchant", "anchor", "room", "session",
)  # fmt: skip
_CORRECTIONS: Final = frozenset({State.RETRACTED, State.SUPERSEDED, State.REINSTATED})

#: what is taken back or put back, records, other facts, and what may yet change
CORRECTION, RECORD, FACT, PROVISIONAL, LEFTOVER = range(5)

Event = tuple[str, str, str, str, int | None]


def event_of(alert: Alert) -> Event:
    """What happened, wherever it did: one rule, one holder, one state.

    What is taken back at another scope later is another event: nobody may go on believing it for want of company.
    """
    when_ms = alert.as_of_ms if alert.state in _CORRECTIONS else None
    return alert.rule.value, alert.holder.kind, alert.holder.id, alert.state.value, when_ms


def priority(alert: Alert) -> int:
    """How soon it is told when not everything can be; lower is sooner."""
    if alert.state in _CORRECTIONS:
        return CORRECTION
    if alert.rule.value.startswith("record."):
        return RECORD
    return PROVISIONAL if alert.state == State.PROVISIONAL else FACT


def width(alert: Alert) -> int:
    """0 for the widest scope, more for narrower ones."""
    dimension = alert.scope.dimension
    return _WIDEST.index(dimension) if dimension in _WIDEST else len(_WIDEST)


def telling_order(alert: Alert) -> tuple[int, bool, int, str]:
    """Sorts the alerts of one event: the widest scope first, gross before net, the largest value, a stable end."""
    return width(alert), alert.metric != GROSS, -alert.value_fen, alert.alert_id


def newest_ms(alert: Alert) -> int:
    """The event time that the alert knows of: how old it is. What a replay tells of the past is as old as the past."""
    known = [each for each in (alert.event_time_ms, alert.as_of_ms) if each is not None]
    return max(known, default=alert.detected_at_ms)
