"""What is streamed, encoded once and held for all listeners: a ring of frames, each with its number."""

from __future__ import annotations

import asyncio
from collections import deque
from secrets import token_hex
from typing import NamedTuple

import msgspec

from schemas.answers import Told
from schemas.live import Change, Snapshot
from streams.board.told import FIRST, Entry

#: frames that a listener may lie behind: minutes
HELD = 600
#: alerts that a snapshot shows, and those that one who comes back can be given
SHOWN, CAUGHT_UP = 50, 1_000
KEEP_ALIVE = b": keep-alive\n\n"


class Place(NamedTuple):
    """What `Last-Event-ID` says: which board process, which frame of it, which alert was the last."""

    board: str
    number: int
    entry: str


def parse_place(text: str) -> Place | None:
    """Read an id; None if it is none of ours: whoever sends it begins anew."""
    parts = text.split(".")
    if len(parts) != 3 or not (parts[1].isascii() and parts[1].isdecimal() and len(parts[1]) < 16):
        return None
    first, dash, second = parts[2].partition("-")
    if not dash or not all(each.isascii() and each.isdecimal() and len(each) < 16 for each in (first, second)):
        return None
    return Place(parts[0], int(parts[1]), parts[2])


class Hub:
    """The state as it was read last, and the frames that led there. `publish` is called by one poller alone."""

    def __init__(self) -> None:
        self.board = token_hex(4)
        self.state: Snapshot | None = None
        self.listeners = 0
        self._number = 0
        self._entry = FIRST
        self._alerts: deque[Entry] = deque(maxlen=SHOWN)
        self._frames: deque[bytes] = deque(maxlen=HELD)
        self._changed = asyncio.Event()
        self._closed = False
        self._joining: tuple[int, bytes] | None = None

    # -- the poller's side ---------------------------------------------------------------------
    def publish(self, state: Snapshot | None, change: Change | None, alerts: list[Entry]) -> None:
        """What is so now, and what of it is new to those who know what was before (None: nothing)."""
        self.state = state
        if alerts:
            self._alerts.extend(alerts)
            self._entry = alerts[-1].id
            change = msgspec.structs.replace(change or Change(), alerts=[each.raw() for each in alerts])
        if change is not None:
            self._push(self._frame("change", self._number + 1, self._entry, change))

    def keep_alive(self) -> None:
        """Something to say, so that whoever stands in between does not take the connection for dead."""
        self._push(KEEP_ALIVE)

    def close(self) -> None:
        """The board ends: every listener is let go."""
        self._closed = True
        self._changed.set()

    @property
    def entry(self) -> str:
        """The last alert that was published here."""
        return self._entry

    @property
    def number(self) -> int:
        """The number of the last frame."""
        return self._number

    def _push(self, frame: bytes) -> None:
        self._number += 1
        self._frames.append(frame)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _frame(self, event: str, number: int, entry: str, data: object) -> bytes:
        id = f"{self.board}.{number}.{entry}".encode()
        return b"event: " + event.encode() + b"\nid: " + id + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"

    # -- the listeners' side -------------------------------------------------------------------
    def holds(self, place: Place | None) -> bool:
        """Whether one who comes back can go on where he was."""
        return place is not None and place.board == self.board and self._oldest() <= place.number <= self._number

    def after(self, number: int) -> tuple[bytes, int] | None:
        """The frames behind `number` and the number of the last; None if some of them are gone: too slow."""
        if number < self._oldest():
            return None
        missed = self._number - number
        if missed == 1:
            return self._frames[-1], self._number
        return b"".join(list(self._frames)[len(self._frames) - missed :] if missed else []), self._number

    async def changed(self) -> bool:
        """Wait for the next frame; False if there will be none."""
        await self._changed.wait()
        return not self._closed

    def snapshot(self) -> tuple[bytes, int]:
        """Everything as it is now, encoded once for all who join before the next frame, and its number."""
        if self._joining is None or self._joining[0] != self._number:
            alerts = [each.raw() for each in self._alerts]
            self._joining = self._number, self._snapshot(alerts, None, self._number, self._entry)
        return self._joining[1], self._number

    def caught_up(self, alerts: list[Told], after: str, number: int, entry: str) -> bytes:
        """Everything as it is now with the alerts behind `after` up to `entry`, for one who goes on at `number`."""
        return self._snapshot(alerts, after, number, entry)

    def _snapshot(self, alerts: list[Told], after: str | None, number: int, entry: str) -> bytes:
        assert self.state is not None, "nobody joins before the first reading"
        state = msgspec.structs.replace(self.state, alerts=alerts, alerts_after=after)
        return self._frame("snapshot", number, entry, state)

    def _oldest(self) -> int:
        return self._number - len(self._frames)
