"""How far behind is a reader of a topic that grows: what was acknowledged, and when. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

#: what was acknowledged so shortly before a look may still be under way to its fence
GRACE_S = 0.5


@dataclass(slots=True)
class Arrived:
    """How many records a topic had at what time: `before` of them from the start on. Times in seconds, ascending."""

    before: int
    _at_s: list[float] = field(default_factory=list)
    _records: list[int] = field(default_factory=list)

    def note(self, at_s: float, sent: int) -> None:
        """`sent` more than at the start were acknowledged by `at_s`."""
        self._at_s.append(at_s)
        self._records.append(sent)

    def by(self, at_s: float) -> int:
        """How many there were then."""
        at = bisect_right(self._at_s, at_s)
        return self.before + (self._records[at - 1] if at else 0)

    def lag(self, settled: int, now_s: float) -> int:
        """Records that arrived more than `GRACE_S` ago and are not settled."""
        return max(0, self.by(now_s - GRACE_S) - settled)
