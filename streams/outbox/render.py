"""Step 7, outbox: stored facts to the alert as it travels. Pure: a revision has one content for ever."""

from __future__ import annotations

from typing import Final

from schemas.alert_text import amount_texts, printable, with_text
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
    said = [_why(fact), "no watermark yet" if fact.as_of_ms is None else None]
    return "; ".join(each for each in said if each) or None


def _why(fact: Fact) -> str | None:
    if fact.cause == "reached" and fact.previous:
        value, other = amount_texts(fact.value, fact.previous.value)
        how = "ties" if fact.previous.value == fact.value else "beats"
        return f"{printable(fact.previous.holder)} {how} it: {other} against {value}"
    if fact.cause == "fell":
        value, other = amount_texts(fact.value, fact.previous.value if fact.previous else None)
        at = f", not above the {other} of {printable(fact.previous.holder)}" if fact.previous else ""
        return f"its own value fell to {value}{at}"
    if fact.cause == "freed" and fact.by:
        if fact.by.value is None:
            return f"{printable(fact.by.holder)} no longer belongs to this {fact.dimension}"
        return f"{printable(fact.by.holder)} gave way: it has {yuan_text(fact.by.value)} now"
    if fact.cause == "history":
        return "too few earlier holders" if fact.state == State.SUPERSEDED else "there are enough earlier holders now"
    return _PLAIN.get(fact.cause or "", "").format(dimension=fact.dimension, value=yuan_text(fact.value)) or None


#: reasons that name no other holder
_PLAIN: Final = {
    "withdrawn": "its session no longer belongs to this {dimension}",
    "late": "late: by orders paid after its end, or read after it had closed",
    "moved": "its end is another now",
    "rose": "its own value rose to {value}",
    "lost": "it was told before the store lost its last writes, and what was counted again does not bear it out",
    "found": "told otherwise before the store lost its last writes",
}
