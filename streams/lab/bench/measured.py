"""What one run of one arm gives, and what a child process that runs an arm is told."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.lab.bench.usage import Used

#: name of the process that does the work, in `Used.cpu_s`
WORKER = "worker"


class Task(msgspec.Struct, frozen=True):
    """What a child process is to do: read `events` records of `topic`, which holds at least so many.

    `topic_prefix` stands before the names of all topics; `offset_ms` is the zone's; `processes` are the servers' ids;
    `folder` takes what the arm must write.
    """

    kafka: str
    topic_prefix: str
    topic: str
    partitions: int
    events: int
    chunk_records: int
    dedupe_ms: int
    offset_ms: int
    processes: dict[str, int]
    folder: str


class Measured(msgspec.Struct, frozen=True):
    """One run: `events` were worked through in `seconds`.

    `cpu_s` maps "worker", "broker" and "store", as far as they are known and take part, to seconds of CPU in that time.
    `extra` has what only this arm can tell, by name.
    """

    events: int
    seconds: float
    cpu_s: dict[str, float]
    peak_rss_mb: float
    extra: dict[str, Any] = {}

    @property
    def events_per_s(self) -> float:
        """The rate on the wall."""
        return self.events / self.seconds

    def with_extra(self, **extra: Any) -> Measured:
        """The same with more of what only this arm can tell."""
        return msgspec.structs.replace(self, extra={**self.extra, **extra})

    def cpu_us_per_event(self, process: str) -> float | None:
        """Microseconds of CPU an event; None for a process that was not measured."""
        return None if process not in self.cpu_s else self.cpu_s[process] / self.events * 1e6


def measured(events: int, used: Used, peak_rss_mb: float, extra: dict[str, Any] | None = None) -> Measured:
    """A run from what its span used."""
    return Measured(events, used.seconds, used.cpu_s, peak_rss_mb, extra or {})
