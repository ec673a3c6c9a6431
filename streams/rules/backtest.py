"""What rules would have told over the kept past: from the revisions of the alerts, and the totals of sessions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from schemas.alerts import Alert, State
from streams.rules.book import AnyRule, Milestones, RuleBook, kind_of, tells

_STANDS = (State.CONFIRMED, State.REINSTATED)
_TAKEN_BACK = (State.RETRACTED, State.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule would have told. `lead_s` is the median of seconds from the first word to the holder's end.

    `retracted` counts alerts that were taken back at any time, `standing` those that stand now. A lead is None where no
    alert had one, `why` says why.
    """

    name: str
    kind: str
    fired: int
    standing: int
    retracted: int
    lead_s: float | None
    why: str | None = None


def backtest(
    book: RuleBook, revisions: Iterable[Alert], totals: Mapping[str, tuple[int, int]], from_ms: int, to_ms: int
) -> list[Outcome]:
    """One outcome a rule, over holders that end in `[from_ms, to_ms)`, sessions by their start where they are open.

    `totals` are (end in epoch ms, GMV in fen) of every kept closed session.
    """
    within = [each for each in revisions if from_ms <= (each.holder.end_ms or each.holder.start_ms) < to_ms]
    ended = {id: fen for id, (end_ms, fen) in totals.items() if from_ms <= end_ms < to_ms}
    return [
        _milestones(rule, ended) if isinstance(rule, Milestones) else _outcome(rule, _lives(rule, within))
        for rule in book.rules
    ]


def _lives(rule: AnyRule, revisions: Sequence[Alert]) -> list[list[Alert]]:
    """The revisions of each alert that the rule would have told, from the first that it would have."""
    lives: dict[str, list[Alert]] = {}
    for each in sorted(revisions, key=lambda each: each.revision):
        if each.alert_id in lives or (tells(rule, each) and each.state not in _TAKEN_BACK):
            lives.setdefault(each.alert_id, []).append(each)
    return list(lives.values())


def _outcome(rule: AnyRule, lives: Sequence[Sequence[Alert]]) -> Outcome:
    leads = [lead for lead in (_lead_s(life[0]) for life in lives) if lead is not None]
    return Outcome(
        rule.name,
        kind_of(rule),
        fired=len(lives),
        standing=sum(life[-1].state in _STANDS for life in lives),
        retracted=sum(any(each.state in _TAKEN_BACK for each in life) for life in lives),
        lead_s=median(leads) if leads else None,
        why=None if leads else "no alert had an end and a watermark",
    )


def _lead_s(first: Alert) -> float | None:
    if first.holder.end_ms is None or first.as_of_ms is None:
        return None
    return max(0, first.holder.end_ms - first.as_of_ms) / 1000


def _milestones(rule: Milestones, ended: Mapping[str, int]) -> Outcome:
    fired = sum(fen >= yuan * 100 for fen in ended.values() for yuan in set(rule.sums_yuan))
    why = "of a session that ended its total is kept, and not when it came there"
    return Outcome(rule.name, kind_of(rule), fired, standing=fired, retracted=0, lead_s=None, why=why)
