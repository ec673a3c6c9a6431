"""What a worker says of itself: whether its loop lives (`/healthz`) and whether it does its work (`/readyz`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import monotonic

#: a loop that was not seen for this long does not live; the longest thing that it does at once takes about a second
ALIVE_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class PartitionState:
    """One assigned partition. `lag_records` is null while the end of its log is not known."""

    topic: str
    partition: int
    fence: int
    lag_records: int | None
    stopped: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A worker at one moment. `waits_for` says what the start waits for, and is null once the worker is up."""

    up: bool = False
    waits_for: str | None = "the process to begin"
    redis_away: bool = False
    kafka_away: bool = False
    partitions: tuple[PartitionState, ...] = ()

    def reasons(self) -> list[str]:
        """Why the worker is not ready, in words; empty if it is."""
        said = [] if self.up else [f"not up: waiting for {self.waits_for}"]
        said += ["Redis does not answer"] * self.redis_away + ["Kafka does not answer"] * self.kafka_away
        said += [
            f"{each.topic}/{each.partition} is stopped: {each.stopped}" for each in self.partitions if each.stopped
        ]
        return said


class Health:
    """Carries what the loop of the worker sees to the threads that answer HTTP.

    One reference is written and read whole: no lock is needed. `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._last = (clock(), Seen())

    def beat(self, seen: Seen) -> None:
        """The loop lives, and this is what it sees."""
        self._last = (self._clock(), seen)

    def alive(self) -> tuple[bool, dict[str, object]]:
        """Whether the loop lives, and how many seconds ago it was seen."""
        ago_s = self._clock() - self._last[0]
        return ago_s <= ALIVE_WITHIN_S, {"alive": ago_s <= ALIVE_WITHIN_S, "seen_s_ago": round(ago_s, 1)}

    def ready(self) -> tuple[bool, dict[str, object]]:
        """Whether the worker does its work, and what it would say about that.

        One without a partition is ready: it stands by. One that lags is, too: it works.
        """
        seen, reasons = self._last[1], self._last[1].reasons()
        if not self.alive()[0]:
            reasons.insert(0, f"the loop does not answer since {self._clock() - self._last[0]:.0f} s")
        return not reasons, {"ready": not reasons, "reasons": reasons, **asdict(seen)}
