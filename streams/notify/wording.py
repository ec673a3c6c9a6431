"""What a message says to people: one line an event, naming the other scopes. Pure."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Final

from schemas.alert_text import printable
from schemas.alerts import NET, Alert
from streams.notify.events import event_of

#: other scopes named in a line, and lines in a digest; what is more is counted
_OTHERS: Final = 6
_LINES: Final = 20


def text_of(alerts: list[Alert], digest: bool, most_bytes: int) -> str:
    """The text of a message, at most so many bytes of UTF-8. `alerts` as in `Outgoing`: events one after the other."""
    events = [list(of_event) for _, of_event in groupby(alerts, key=event_of)]
    if not digest:
        return cut(line_of(events[0]), most_bytes)
    lines = [_heading(events), *(f"- {line_of(each)}" for each in events[:_LINES])]
    if len(events) > _LINES:
        lines.append(f"- and {len(events) - _LINES:,} more")
    return cut("\n".join(lines), most_bytes)


def line_of(alerts: list[Alert]) -> str:
    """One event: the text of its widest scope, and the names of the others."""
    others = list(dict.fromkeys(_name(each) for each in alerts[1:] if each.scope != alerts[0].scope))
    line = alerts[0].text
    if any(each.metric == NET for each in alerts[1:]) and alerts[0].metric != NET:
        line += "; also net of refunds"
    if not others:
        return line
    more = f" and {len(others) - _OTHERS:,} more" if len(others) > _OTHERS else ""
    return f"{line}; also in {', '.join(others[:_OTHERS])}{more}"


def cut(text: str, most_bytes: int) -> str:
    """`text`, or as much of its beginning as fits, with an ellipsis behind it."""
    whole = text.encode()
    if len(whole) <= most_bytes:
        return text
    return whole[: most_bytes - 3].decode(errors="ignore") + "…"


def _heading(events: list[list[Alert]]) -> str:
    kinds = Counter(f"{each[0].rule.value} {each[0].state.value}" for each in events)
    counts = ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common())
    return f"Hightide: {len(events):,} messages in one ({counts})"


def _name(alert: Alert) -> str:
    scope = alert.scope
    return "platform" if scope.dimension == "platform" else f"{scope.dimension} {printable(scope.id)}"
