"""The line that people read of an alert: a pure function of its facts.

Record session confirmed in category womens-wear: session-0042 at ¥107.50 M (1.075 亿), above ¥90.00 M (9000 万) of
session-0007
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from schemas.alerts import NET, Alert, Holder, Rule, Scope, State, sum_fen
from schemas.money import exact_text, yuan_text

_SUBJECT: Final = {
    Rule.PEAK_HOUR: "Peak hour",
    Rule.PEAK_ROLLING: "Peak 60 minutes",
    Rule.RECORD_SESSION: "Record session",
    Rule.MILESTONE: "Milestone",
}
#: states in which the holder leads; in the others it did and does not any more
_LEADING: Final = frozenset({State.PROVISIONAL, State.CONFIRMED, State.REINSTATED})


def with_text(alert: Alert, offset_ms: int) -> Alert:
    """The alert with its text; `offset_ms` is what the business zone's clock is ahead of UTC."""
    return replace(alert, text=alert_text(alert, offset_ms))


def alert_text(alert: Alert, offset_ms: int) -> str:
    """One line: what, in which state, where, who, how much, above what. Times are local, money in both notations."""
    what = _SUBJECT[alert.rule] + (" (net of refunds)" if alert.metric == NET else "")
    value, before = amount_texts(alert.value_fen, alert.previous.value_fen if alert.previous else None)
    line = f"{what} {alert.state.value} {_where(alert.scope)}: {_who(alert.holder, offset_ms)} at {value}"
    if alert.previous is not None:
        relation = "above" if alert.state in _LEADING else "against"
        line += f", {relation} {before} of {_who(alert.previous.holder, offset_ms)}"
    return f"{line} ({alert.reason})" if alert.reason else line


def amount_texts(value_fen: int, other_fen: int | None) -> tuple[str, str]:
    """Both amounts for people, to the fen where the short texts would make different amounts look equal."""
    if other_fen is None:
        return yuan_text(value_fen), ""
    short = yuan_text(value_fen), yuan_text(other_fen)
    if short[0] == short[1] and value_fen != other_fen:
        return exact_text(value_fen), exact_text(other_fen)
    return short


def _where(scope: Scope) -> str:
    return "on the platform" if scope.dimension == "platform" else f"in {scope.dimension} {printable(scope.id)}"


def _who(holder: Holder, offset_ms: int) -> str:
    if holder.kind == "sum":
        return f"{yuan_text(sum_fen(holder))} reached"
    if holder.kind == "session" or holder.end_ms is None:
        return printable(holder.id)
    start, end = _local(holder.start_ms, offset_ms), _local(holder.end_ms, offset_ms)
    return f"{start:%Y-%m-%d %H:%M}-{end:%H:%M}"


def _local(time_ms: int, offset_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms + offset_ms)


def printable(id: str) -> str:
    """An id comes from outside: whatever it holds, the text stays one line and its own words stay its own."""
    return "".join(character if character.isprintable() else "�" for character in id)
