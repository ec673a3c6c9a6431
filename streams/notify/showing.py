"""Alerts, deliveries and silences for people and for machines. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from schemas.alerts import Alert
from schemas.deliveries import Message, Silence, offsets_of
from streams.logs import escaped


class Revision(NamedTuple):
    """A published revision and its offset in the topic `alerts`."""

    offset: int
    alert: Alert


def by_offset(messages: Iterable[Message]) -> dict[int, list[Message]]:
    """The messages that tell an alert, by its offset in the topic."""
    found: defaultdict[int, list[Message]] = defaultdict(list)
    for message in messages:
        for offset in offsets_of(message.alerts):
            found[offset].append(message)
    return found


def alert_line(revision: Revision, messages: Sequence[Message], offset_ms: int) -> str:
    """One revision: when, its id and text, and who has it."""
    alert = revision.alert
    got = ", ".join(f"{each.target} {each.state}" for each in messages) or "nobody"
    when = local(alert.detected_at_ms, offset_ms)
    return f"{when}  {alert.alert_id} r{alert.revision}  {escaped(alert.text)}  [{got}]"


def message_line(message: Message, offset_ms: int) -> str:
    """One message: to whom, in which state, how often tried, and what the target said last."""
    tried = message.tried_ms
    said = [
        f"{len(tried)} tries, the last at {local(tried[-1], offset_ms)}" if tried else "not tried",
        f"answer {message.answer or 'none'}",
        f"in a digest of {len(offsets_of(message.alerts)):,}" if message.digest else "",
        "sent again" if message.resend else "",
    ]
    return f"  {message.target}: {message.state}, {', '.join(filter(None, said))} ({message.message_id})"


def silence_line(silence: Silence, now_ms: int, offset_ms: int) -> str:
    """One silence: since when and until when, by whom, of what."""
    state = "over" if silence.until_ms <= now_ms else "to come" if silence.from_ms > now_ms else "on"
    of = [*silence.rules, *silence.scopes, *([f"to {silence.target}"] if silence.target else [])]
    span = f"{local(silence.from_ms, offset_ms)} to {local(silence.until_ms, offset_ms)}"
    line = f"{silence.id}  {state:7}  {span}  by {silence.author}: {', '.join(of) or 'everything'}"
    return escaped(f"{line} ({silence.comment})" if silence.comment else line)


def alert_json(revision: Revision, messages: Sequence[Message]) -> dict[str, Any]:
    """The same for machines: the alert as in its topic, its offset, and the messages that tell it."""
    told = [{key: value for key, value in msgspec.to_builtins(each).items() if key != "alerts"} for each in messages]
    return {"offset": revision.offset, "alert": msgspec.to_builtins(revision.alert), "messages": told}


def local(time_ms: int, offset_ms: int) -> str:
    """An instant on local clocks."""
    return f"{datetime.fromtimestamp((time_ms + offset_ms) / 1000, UTC):%Y-%m-%d %H:%M:%S}"
