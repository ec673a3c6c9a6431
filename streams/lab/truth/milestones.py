"""The sums that sessions have reached once everything is read, open ones too."""

from collections.abc import Iterable, Iterator, Mapping

from streams.lab.truth.final import alert_id
from streams.lab.truth.holders import GROSS
from streams.lab.truth.model import Alert, Ranking, Rules, Tally
from streams.lab.truth.sessions import Session


def session_totals(tallies: Mapping[Tally, dict[str, int]]) -> Iterator[tuple[str, int]]:
    """Session id and total GMV of each."""
    return ((tally.id, sums["gmv_fen"]) for tally, sums in tallies.items() if tally.grain == "session")


def milestones(totals: Iterable[tuple[str, int]], sessions: Mapping[str, Session], rules: Rules) -> list[Alert]:
    """One alert for each session and each sum of the rules that its total (fen) is not below."""
    return [
        _alert(session_id, sessions[session_id], total_fen, sum_fen)
        for session_id, total_fen in totals
        for sum_fen in rules.milestones_fen
        if total_fen >= sum_fen and session_id != "(none)"
    ]


def _alert(session_id: str, session: Session, total_fen: int, sum_fen: int) -> Alert:
    holder = f"{session_id}/{sum_fen}"
    return Alert(
        alert_id=alert_id(Ranking("milestone", GROSS, "session", session_id), holder),
        rule="milestone",
        metric=GROSS,
        dimension="session",
        scope_id=session_id,
        holder_kind="sum",
        holder=holder,
        start_ms=0 if session.started is None else session.started["event_time_ms"],
        end_ms=session.declared_end_ms,
        value_fen=total_fen,
        previous=None,
    )
