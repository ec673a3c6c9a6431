"""What is known of each session: its declared start and end, and its last sign of life."""

from collections.abc import Iterable
from dataclasses import dataclass

from streams.lab.truth.judge import Counted
from streams.lab.truth.validate import Event

#: a session whose end is never declared ends this long after its last sign of life
SILENCE_MS = 6 * 3_600_000


_KEPT = ("event_time_ms", "event_id", "anchor_id", "merchant_id", "cluster_id", "category")


@dataclass(slots=True)
class Session:
    """One session. `started` and `ended` are the least events of their kind by (event time, event id)."""

    started: Event | None = None
    ended: Event | None = None
    last_ms: int = 0

    @property
    def declared_end_ms(self) -> int | None:
        """Its end as its anchor declared it."""
        return None if self.ended is None else int(self.ended["event_time_ms"])

    @property
    def end_ms(self) -> int:
        """The instant at which it counts as ended."""
        declared_ms = self.declared_end_ms
        return self.last_ms + SILENCE_MS if declared_ms is None else declared_ms


def find_sessions(counted: Iterable[Counted], known: dict[str, Session] | None = None) -> dict[str, Session]:
    """Every session that a session event or a paid order speaks of, by its id; `known` ones are told more."""
    sessions = {} if known is None else known
    for event, _, _ in counted:
        event_type, session_id = event["event_type"], event.get("session_id")
        if session_id is None:
            continue
        if event_type == "order.paid":
            session = sessions.setdefault(session_id, Session())
            session.last_ms = max(session.last_ms, event["pay_time_ms"])
        elif event_type.startswith("session."):
            _learn(sessions.setdefault(session_id, Session()), event)
    return sessions


def _learn(session: Session, event: Event) -> None:
    session.last_ms = max(session.last_ms, event["event_time_ms"])
    if event["event_type"] == "session.started":
        session.started = _earlier(session.started, _declaration(event))
    elif event["event_type"] == "session.ended":
        session.ended = _earlier(session.ended, _declaration(event))


def _declaration(event: Event) -> Event:
    """What is ever asked of it: sessions are many, and kept until the end."""
    return {name: event.get(name) for name in _KEPT}


def _earlier(known: Event | None, event: Event) -> Event:
    if known is None:
        return event
    return min(known, event, key=lambda each: (each["event_time_ms"], each["event_id"]))
