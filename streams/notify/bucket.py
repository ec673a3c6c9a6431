"""How many messages a target takes in a minute: a bucket whose tokens come back a minute after they were used. Pure.

So never more than that many are sent in any minute, however they are spread; a bucket that is refilled bit by bit would
let twice as many through in its first one.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import Final

#: a second more than a minute: it is the receiver who counts, and what left 60 s apart arrives closer at times
WINDOW_MS: Final = 61_000


class Bucket:
    """Times are epoch milliseconds."""

    def __init__(self, per_minute: int) -> None:
        self.size = per_minute
        self._used_ms: list[int] = []

    def free(self, now_ms: int) -> int:
        """Tokens there are now."""
        del self._used_ms[: bisect_right(self._used_ms, now_ms - WINDOW_MS)]
        return max(0, self.size - len(self._used_ms))

    def use(self, now_ms: int) -> None:
        """Take one; also one that there is not, which others have to wait for."""
        insort(self._used_ms, now_ms)

    def more_ms(self, wanted: int, now_ms: int) -> int:
        """The time at which at least `wanted` (from 1 to `size`) are free."""
        missing = wanted - self.free(now_ms)
        return now_ms if missing <= 0 else self._used_ms[missing - 1] + WINDOW_MS
