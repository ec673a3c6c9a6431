"""Step 1, chunk: what a worker knows of one partition between two seeks."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from faust.types import TP

from streams.intake.limits import RejectLimits
from streams.intake.resends import ResendMemory


@dataclass(slots=True)
class Partition:
    """One assigned partition since its last seek.

    `fences[n]` is where the tallies of shard n stand, as last heard. `identity` is crc and timestamp of the record
    just below the fence of shard 0, to be compared when it is read again; None when nothing was settled yet.
    """

    tp: TP
    epoch: int
    origin: int
    fences: list[int]
    memory: ResendMemory
    identity: tuple[int, int] | None = None
    #: counts rejects since the opening; None before the first chunk
    limits: RejectLimits | None = None
    #: why nothing more is taken from it until it is opened again
    stopped: str | None = None
    #: a chunk is being settled: what Redis says meanwhile may be newer than what is known here
    taking: bool = False
    #: where the next chunk must begin (offset), and the end of the log as it was at the last one
    read_to: int = 0
    highwater: int = 0
    #: the end of the log as the heartbeat last heard it; None while no fetch was answered
    end: int | None = None
    #: monotonic seconds of the last progress, for the watchdog
    moved_at: float = field(default_factory=monotonic)

    @property
    def low(self) -> int:
        """The first offset that some shard still needs."""
        return min(self.fences)
