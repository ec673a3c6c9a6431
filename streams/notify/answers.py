"""What a target's answer means. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson

from streams.notify.outcome import Outcome, Verdict
from streams.notify.targets import Kind

#: the message itself is not what the target takes; everything else may be mended there, and is tried again
_WRONG: Final = frozenset({400, 413, 415, 422})
#: codes by which chats say "too fast", and for how long they then take nothing
_TOO_FAST: Final = {
    Kind.DINGTALK: {130101: 600_000, 410100: 600_000, -1: 60_000},
    Kind.WECOM: {45009: 60_000, 45033: 60_000},
    Kind.FEISHU: {11232: 60_000, 9499: 60_000},
}
#: field of the code in the answer, 0 for done; and the code for a message that is not taken as it is
_CODES: Final = {Kind.DINGTALK: ("errcode",), Kind.WECOM: ("errcode",), Kind.FEISHU: ("code", "StatusCode")}
_CONTENT: Final = {
    Kind.DINGTALK: {400101, 400102, 460101}, Kind.WECOM: {40008, 44004, 45002, 40058}, Kind.FEISHU: {11246},
}  # fmt: skip


def outcome_of(kind: Kind, status: int, headers: Mapping[str, str], body: bytes, now_ms: int) -> Outcome:
    """What came of a request that was answered; `headers` by lower-case name."""
    if 200 <= status < 300:
        return _said(kind, status, body)
    after_ms = retry_after_ms(headers.get("retry-after", ""), now_ms)
    return Outcome(Verdict.WRONG if status in _WRONG else Verdict.AGAIN, str(status), after_ms)


def retry_after_ms(text: str, now_ms: int) -> int | None:
    """`Retry-After` in milliseconds from now, given as seconds or as a date; None if it says nothing."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text[:9]) * 1000
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0, round(when.timestamp() * 1000) - now_ms)


def _said(kind: Kind, status: int, body: bytes) -> Outcome:
    if kind is Kind.SLACK:
        good = body.strip() == b"ok"
        return Outcome(Verdict.DELIVERED if good else Verdict.WRONG, f"{status} {_short(body)}")
    if kind not in _CODES:
        return Outcome(Verdict.DELIVERED, str(status))
    code = _code(kind, body)
    if code is None:
        return Outcome(Verdict.AGAIN, f"{status} without a code")
    if code == 0:
        return Outcome(Verdict.DELIVERED, f"{status} 0")
    after_ms = _TOO_FAST[kind].get(code)
    return Outcome(Verdict.WRONG if code in _CONTENT[kind] else Verdict.AGAIN, f"{status} {code}", after_ms)


def _code(kind: Kind, body: bytes) -> int | None:
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(answer, dict):
        return None
    return next((answer[name] for name in _CODES[kind] if type(answer.get(name)) is int), None)


def _short(body: bytes) -> str:
    """As much of a text from outside as a log may have."""
    return "".join(sign if sign.isprintable() else "�" for sign in body[:60].decode(errors="replace"))
