"""Step 3, tally: what events tell about a session, as values that merge in any order.

A session's declared start and end are the *least* of their kind by (event time, event id); its first and last sign of
life are a minimum and a maximum. So partitions may be read in any interleaving and replays are harmless. Stored in the
hash `Keys.session`, written by the settle script.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from schemas.events import SessionEvent

#: a session's orders count for it until this long after its declared end (contract)
TAIL_DAYS = 30
#: ends the event id inside a stamp: it sorts before every letter, so that "evt-1" is less than "evt-10"
END_OF_ID = "\0"


class Scopes(msgspec.Struct, frozen=True):
    """What a `session.started` declares: where the session's record counts, and how people know it."""

    anchor_id: str
    merchant_id: str | None
    cluster_id: str | None
    category: str
    room_id: str
    title: str | None


@dataclass(slots=True)
class SessionDelta:
    """News of one session. `started` and `ended` order as bytes: fifteen digits of time, the event id, the rest."""

    started: str = ""
    ended: str = ""
    first_ms: int = 0
    last_ms: int = 0

    def saw(self, time_ms: int) -> None:
        """The session showed life at `time_ms` (a session event, or a paid order by its pay time)."""
        if time_ms > self.last_ms:
            self.last_ms = time_ms
        if not self.first_ms or time_ms < self.first_ms:
            self.first_ms = time_ms

    def event(self, event: SessionEvent) -> None:
        """Merge one session event."""
        self.saw(event.event_time_ms)
        stamp = f"{event.event_time_ms:015d}|{event.event_id}{END_OF_ID}"
        if event.event_type == "session.started":
            self.started = _least(self.started, f"{stamp}{_scopes(event)}")
        elif event.event_type == "session.ended":
            self.ended = _least(self.ended, stamp)


def _scopes(event: SessionEvent) -> str:
    scopes = Scopes(event.anchor_id, event.merchant_id, event.cluster_id, event.category, event.room_id, event.title)
    return msgspec.json.encode(scopes).decode()


def _least(stored: str, new: str) -> str:
    # by UTF-8, as the script compares them
    return new if not stored or new.encode() < stored.encode() else stored
