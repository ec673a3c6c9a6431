"""Step 5, changed: how far event time is read, over all partitions. Pure.

The watermark is the smallest, over the partitions that have records, of the largest trusted event time. It is a
function of the log: an idle partition is told by arrivals alone, and what lies unread always holds it back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

#: a fully read partition whose last record arrived this much before the newest of all does not hold the watermark
IDLE_MS = 60_000
#: two looks at "nothing unread" must be this far apart: the flag may be stale for as long as a fetch takes
SETTLE_MS = 500


class Progress(NamedTuple):
    """How far one partition is read. Times in epoch ms; 0 = no such record yet.

    `trusted_ms` is the largest event time that is not ahead of its arrival, `arrival_ms` the largest record timestamp;
    `unread` tells whether records lie behind `next`.
    """

    topic: str
    partition: int
    next: int
    trusted_ms: int
    arrival_ms: int
    unread: bool

    @property
    def place(self) -> tuple[str, int]:
        """Topic and partition."""
        return self.topic, self.partition


def merge_shards(shards: Iterable[Mapping[tuple[str, int], Progress]]) -> list[Progress]:
    """One progress a partition: that of the shard that lags most. A shard without it has read nothing.

    One that lags has records behind it, whatever its flag says: that may be as old as the shard, which went back.
    """
    merged: dict[tuple[str, int], Progress] = {}
    all_shards = list(shards)
    for place in sorted({place for shard in all_shards for place in shard}):
        nothing = Progress(*place, -1, 0, 0, unread=True)
        here = [shard.get(place, nothing) for shard in all_shards]
        last = min(here, key=lambda each: each.next)
        merged[place] = last._replace(unread=last.unread or any(each.next > last.next for each in here))
    return list(merged.values())


def stand_apart(shards: Sequence[Mapping[tuple[str, int], Progress]]) -> bool:
    """Whether some shard lags: for the length of a settle, or because it went back."""
    nexts = [{place: each.next for place, each in shard.items()} for shard in shards]
    return any(each != nexts[0] for each in nexts)


def watermark_ms(partitions: Collection[Progress], fully_read: Collection[tuple[str, int]]) -> int | None:
    """The watermark in epoch ms; None while it can not be told.

    `fully_read` are the partitions behind whose fence nothing lies. One of those without a trusted event time (it is
    empty, or has rejects alone) has nothing to hold back.
    """
    newest_ms = max((each.arrival_ms for each in partitions), default=0)
    held = [each.trusted_ms for each in partitions if not _is_free(each, fully_read, newest_ms)]
    return min(held, default=0) or None


def quiet_watermark_ms(
    partitions: Collection[Progress], fully_read: Collection[tuple[str, int]], idle_ms: int, now_ms: int
) -> int | None:
    """The watermark that the clock allows: `now_ms - idle_ms` if everything is read and that long ago arrived.

    None if there were no records yet, something is unread or too new, or `idle_ms` is 0 (the clock has no say).
    """
    newest_ms = max((each.arrival_ms for each in partitions), default=0)
    if not idle_ms or not newest_ms or newest_ms > now_ms - idle_ms:
        return None
    return now_ms - idle_ms if all(each.place in fully_read for each in partitions) else None


def _is_free(each: Progress, fully_read: Collection[tuple[str, int]], newest_ms: int) -> bool:
    if each.place not in fully_read:
        return False
    return not each.trusted_ms or newest_ms - each.arrival_ms >= IDLE_MS


@dataclass(slots=True)
class FullyRead:
    """Believes that a partition is fully read once looks at least SETTLE_MS apart, and all between, say so.

    One that was seen further went back, and its flag with it.
    """

    _since_ms: dict[tuple[str, int], int] = field(default_factory=dict)
    _furthest: dict[tuple[str, int], int] = field(default_factory=dict)

    def look(self, partitions: Iterable[Progress], now_ms: int) -> set[tuple[str, int]]:
        """Take one look at the clock's `now_ms`; returns those that are fully read."""
        before, self._since_ms = self._since_ms, {}
        for each in partitions:
            self._furthest[each.place] = max(each.next, self._furthest.get(each.place, 0))
            if not each.unread and each.next == self._furthest[each.place]:
                self._since_ms[each.place] = min(before.get(each.place, now_ms), now_ms)
        return {place for place, since_ms in self._since_ms.items() if now_ms - since_ms >= SETTLE_MS}
