"""`hightide top`: the board in a terminal, as lines of text. Pure; `top_cmd.py` reads and draws."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from unicodedata import east_asian_width

from schemas.alert_text import printable
from schemas.answers import Standing
from schemas.live import Leader, OpenSession, Snapshot
from schemas.money import yuan_text

_BOLD, _DIM, _RED, _END = "\x1b[1m", "\x1b[2m", "\x1b[31;1m", "\x1b[0m"
_CODES: Final = re.compile(r"\x1b\[[0-9;]*m")
_BARS: Final = "▁▂▃▄▅▆▇█"
#: the watermark may lag by this much before it is said loudly
LATE_MS: Final = 60_000


def lines(state: Snapshot, width: int, offset_ms: int) -> list[str]:
    """The screen; lines end at `width` columns. `offset_ms` is what the business zone's clock is ahead of UTC."""
    shown = [_fresh(state, offset_ms), ""]
    if state.hour is None or state.minutes is None:
        return [*shown, "nothing was counted yet: start `hightide worker`, and send events"]
    shown += [*_hour(state), "", f"  {spark(state.minutes.gmv_fen)}  last 60 minutes", ""]
    left = _leaders("clusters of this hour", state.clusters or [])
    right = _leaders("anchors of this hour", state.anchors or [])
    shown += _beside(left, right, width)
    shown += ["", *_sessions(state), "", *_channels(state), "", *_alerts(state)]
    return [_cut(line, width) for line in shown]


def _fresh(state: Snapshot, offset_ms: int) -> str:
    fresh = state.freshness
    if not fresh.store:
        return f"{_RED}the store does not answer: what stands here is old{_END}"
    if fresh.as_of_ms is None or fresh.behind_ms is None:
        return f"{_BOLD}Hightide{_END}  no watermark yet"
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=fresh.as_of_ms + offset_ms)
    behind = f"{fresh.behind_ms / 1000:.0f} s behind the clock"
    late = fresh.behind_ms > LATE_MS
    unread = ", records unread" if fresh.unread else ""
    return f"{_BOLD}Hightide{_END}  as of {local:%Y-%m-%d %H:%M:%S}  {_RED if late else _DIM}{behind}{unread}{_END}"


def _hour(state: Snapshot) -> list[str]:
    hour = state.hour
    assert hour is not None
    value = f"{_BOLD}{yuan_text(hour.gmv_fen)}{_END}"
    line = f"  hour {hour.id[-2:]}:00  {value}  {hour.orders_paid:,} orders  {hour.buyers:,} buyers"
    if hour.best is None:
        return [line, f"  {_DIM}{hour.reasons.get('best', 'no best hour')}{_END}"]
    filled = min(40, 40 * hour.gmv_fen // max(1, hour.best.value_fen))
    water = f"{'█' * filled}{'░' * (40 - filled)}"
    return [line, f"  {water}  best hour {hour.best.holder.id}: {yuan_text(hour.best.value_fen)}"]


def spark(values: list[int | None]) -> str:
    """A bar a value, relative to the greatest; a blank where none is known."""
    top = max((each for each in values if each is not None), default=0)
    return "".join(" " if each is None else _BARS[(len(_BARS) - 1) * each // top if top else 0] for each in values)


def _leaders(title: str, leaders: list[Leader]) -> list[str]:
    rows = [f"{each.rank:>3} {_fit(printable(each.id), 26)} {yuan_text(each.gmv_fen)}" for each in leaders]
    return [f"{_BOLD}{title}{_END}", *(rows or ["  none"])]


def _sessions(state: Snapshot) -> list[str]:
    sessions = state.sessions
    if sessions is None or not sessions.top:
        return [f"{_BOLD}open sessions{_END}", "  none"]
    return [f"{_BOLD}open sessions ({sessions.count:,}){_END}", *map(_session, sessions.top[:8])]


def _session(each: OpenSession) -> str:
    title = each.declared.title or each.session_id
    line = f"  {_fit(printable(title), 30)} {yuan_text(each.gmv_fen):<28} {yuan_text(each.recent_fen)} in 10 min"
    beaten = next((record for record in each.records if record.best is not None), None)
    return line + (f"  {_share(each.gmv_fen, beaten)}" if beaten else "")


def _share(gmv_fen: int, record: Standing) -> str:
    assert record.best is not None
    return f"{100 * gmv_fen // max(1, record.best.value_fen)} % of the {record.scope.dimension}'s record"


def _channels(state: Snapshot) -> list[str]:
    shares = [f"{each.id} {100 * each.share:.0f} %" for each in state.channels or [] if each.share is not None]
    return [f"{_BOLD}channels{_END}  " + ("   ".join(shares) or "none")]


def _alerts(state: Snapshot) -> list[str]:
    texts = [printable(each.alert.text) for each in state.alerts[::-1][:8]]
    return [f"{_BOLD}alerts{_END}", *(f"  {text}" for text in texts or ["none"])]


def _beside(left: list[str], right: list[str], width: int) -> list[str]:
    if width < 120:
        return [*left, "", *right]
    rows = max(len(left), len(right))
    padded = [[*column, *[""] * (rows - len(column))] for column in (left, right)]
    return [_fit(one, width // 2) + other for one, other in zip(*padded, strict=True)]


def plain(text: str) -> str:
    """Without terminal codes."""
    return _CODES.sub("", text)


# -- columns: a Chinese character takes two, a terminal code none ------------------------------------------
def _cut(text: str, width: int) -> str:
    """At most `width` columns, terminal codes whole."""
    kept, columns, at = [], 0, 0
    while at < len(text):
        if text[at] == "\x1b":
            end = text.index("m", at) + 1
            kept.append(text[at:end])
            at = end
            continue
        columns += _columns(text[at])
        if columns <= width:
            kept.append(text[at])
        at += 1
    return "".join(kept)


def _fit(text: str, width: int) -> str:
    """Exactly `width` columns."""
    cut = _cut(text, width)
    return cut + " " * (width - _width(cut))


def _width(text: str) -> int:
    columns, at = 0, 0
    while at < len(text):
        if text[at] == "\x1b":
            at = text.index("m", at)
        else:
            columns += _columns(text[at])
        at += 1
    return columns


def _columns(character: str) -> int:
    return 2 if east_asian_width(character) in "WF" else 1
