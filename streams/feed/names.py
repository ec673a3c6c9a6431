"""The feed: what a settle says has changed (`Keys.changed_tallies`), as sets of names. Pure.

A settle writes one text however many tallies it changed: a msgpack list of `<local hour>|<dimension>|<id>` for each
hour and `session|<id>` for each session that was declared or ended (`streams/tally/rows.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from streams.tally.counters import NONE_ID

_SESSION = "session"

_decode = msgspec.msgpack.Decoder(list[str]).decode
_encode = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class Changed:
    """Changed hours as (dimension, id, local hour), and changed sessions; an hour of a session changes the session."""

    hours: set[tuple[str, str, int]] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.hours) + len(self.sessions)

    def add(self, text: bytes) -> None:
        """Add what a settle wrote. Raises `msgspec.MsgspecError` or `ValueError` on anything else."""
        for name in _decode(text):
            first, _, rest = name.partition("|")
            if first == _SESSION:
                self.sessions.add(rest)
                continue
            dimension, _, id = rest.partition("|")
            self.hours.add((dimension, id, int(first)))
            if dimension == _SESSION and id != NONE_ID:
                self.sessions.add(id)


def text_of(hours: Iterable[tuple[str, str, int]], sessions: Iterable[str]) -> bytes:
    """The text that says that these have changed."""
    names = [f"{hour}|{dimension}|{id}" for dimension, id, hour in hours]
    return _encode(names + [f"{_SESSION}|{id}" for id in sessions])
