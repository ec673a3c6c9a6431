"""Alerts for tests of delivery."""

from __future__ import annotations

from schemas.alert_text import with_text
from schemas.alerts import GROSS, Alert, Holder, Previous, Rule, Scope, State, alert_id
from streams.tally.windows import SHANGHAI

#: 2025-12-31 21:00 in Shanghai
HOUR_MS = 1_767_186_000_000
NOW_MS = HOUR_MS + 3_720_000


def alert(
    scope: str = "category:womens-wear",
    holder: str = "session-0042",
    state: str = "confirmed",
    revision: int = 1,
    rule: str = "record.session",
    metric: str = GROSS,
    value_fen: int = 10_750_000_000,
    as_of_ms: int | None = NOW_MS,
) -> Alert:
    """A confirmed record session, but for what is given; `scope` is `dimension:id`."""
    dimension, _, id = scope.partition(":")
    it = Alert(
        alert_id=alert_id(rule, metric, dimension, id, holder),
        revision=revision,
        rule=Rule(rule),
        state=State(state),
        scope=Scope(dimension, id),
        holder=Holder("session" if rule == "record.session" else "hour", holder, HOUR_MS, HOUR_MS + 3_600_000),
        metric=metric,
        value_fen=value_fen,
        previous=Previous(Holder("session", "session-0007", HOUR_MS - 86_400_000, HOUR_MS - 82_800_000), 9_000_000_000),
        event_time_ms=as_of_ms,
        detected_at_ms=NOW_MS,
        as_of_ms=as_of_ms,
        reason=None,
        evidence=[],
        text="",
    )
    return with_text(it, SHANGHAI.offset_ms)
