"""Step 7, outbox: stored facts to the alert as it travels. Pure: a revision has one content for ever."""

from __future__ import annotations

from schemas.alert_text import with_text
from schemas.alerts import Alert, Evidence, Holder, HolderKind, Previous, Rule, Scope, State, alert_id
from schemas.money import yuan_text
from streams.marks.evidence import evidence_ranges
from streams.marks.facts import Fact, PreviousFact


def render(fact: Fact, offset_ms: int) -> Alert:
    """The alert of a fact; `offset_ms` is what the business zone's clock is ahead of UTC."""
    kind: HolderKind = fact.kind  # type: ignore[assignment]
    alert = Alert(
        alert_id=alert_id(fact.rule, fact.metric, fact.dimension, fact.scope_id, fact.holder),
        revision=fact.revision,
        rule=Rule(fact.rule),
        state=State(fact.state),
        scope=Scope(fact.dimension, fact.scope_id),
        holder=Holder(kind, fact.holder, fact.start_ms, fact.end_ms),
        metric=fact.metric,
        value_fen=fact.value,
        previous=_previous(kind, fact.previous) if fact.previous else None,
        event_time_ms=fact.event_time_ms,
        detected_at_ms=fact.detected_at_ms,
        as_of_ms=fact.as_of_ms,
        reason=_reason(fact),
        evidence=[Evidence(*each) for each in evidence_ranges(fact.evidence)],
        text="",
    )
    return with_text(alert, offset_ms)


def _previous(kind: HolderKind, previous: PreviousFact) -> Previous:
    return Previous(Holder(kind, previous.holder, previous.start_ms, previous.end_ms), previous.value)


def _reason(fact: Fact) -> str | None:
    if fact.cause == "fell":
        return f"its own value fell to {yuan_text(fact.value)}"
    if fact.cause == "withdrawn":
        return f"its session no longer belongs to this {fact.dimension}"
    if fact.cause == "history":
        return "too few earlier holders"
    if fact.cause == "reached" and fact.previous:
        how = "ties" if fact.previous.value == fact.value else "beats"
        return f"{fact.previous.holder} {how} it"
    return None
