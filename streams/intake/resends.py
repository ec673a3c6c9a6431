"""Step 2, admit: the memory that tells a resend from a new event.

Pure, one per partition. It must be fed every admitted record in log order, and be thrown away and fed again from
before the fence after every seek backward: then its answers are a function of the log alone.
"""

_ARRIVAL_BITS = 44  # epoch milliseconds until the year 2527, packed with the offset into one integer to save memory
_ARRIVAL_MASK = (1 << _ARRIVAL_BITS) - 1


class ResendMemory:
    """Remembers offset and arrival of the last copy of every event id, for at least `horizon_ms` of arrival time.

    Two generations instead of a queue: an id is looked up in both, written to the young one, and forgetting is
    dropping the old one whole. An id is thus kept between one and two horizons; the horizon itself is compared.
    """

    __slots__ = ("_horizon_ms", "_now_ms", "_old", "_turn_ms", "_young")

    def __init__(self, horizon_ms: int) -> None:
        self._horizon_ms = horizon_ms
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._turn_ms = 0
        #: the largest arrival so far: what forgets goes by it, so what is compared must, too
        self._now_ms = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def is_resend(self, event_id: str, offset: int, arrival_ms: int) -> bool:
        """Whether an earlier copy arrived at most the horizon before; the copy at `offset` is remembered either way.

        An arrival that goes back counts as that of the records around it.
        """
        if arrival_ms < self._now_ms:
            arrival_ms = self._now_ms
        else:
            self._now_ms = arrival_ms
            if arrival_ms > self._turn_ms:
                self._old, self._young = self._young, {}
                self._turn_ms = arrival_ms + self._horizon_ms
        last = self._young.get(event_id)
        if last is None:
            last = self._old.get(event_id)
        self._young[event_id] = offset << _ARRIVAL_BITS | arrival_ms
        if last is None:
            return False
        return last >> _ARRIVAL_BITS < offset and arrival_ms - (last & _ARRIVAL_MASK) <= self._horizon_ms

    def forget(self, event_id: str) -> None:
        """The copy just remembered turned out to be a reject."""
        self._young.pop(event_id, None)
