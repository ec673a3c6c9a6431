"""Step 1, chunk: what a worker knows of one partition between two seeks."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from faust.types import TP

from streams.intake.resends import ResendMemory

MAX_STORED_IDS = 100_000


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
    #: (generation, digest) of the ids that stand in the order index for certain, so that they need not be written again
    stored_ids: set[tuple[int, bytes]] = field(default_factory=set)
    rejects_in_a_row: int = 0
    stopped: str | None = None
    #: a chunk is being settled: what Redis says meanwhile may be newer than what is known here
    taking: bool = False
    #: where the next chunk must begin (offset), and the end of the log as it was at the last one
    read_to: int = 0
    highwater: int = 0
    #: monotonic seconds of the last progress, for the watchdog
    moved_at: float = field(default_factory=monotonic)

    def remember_ids(self, stored: set[tuple[int, bytes]]) -> None:
        """These ids were written with a settle. Forgotten now and then, which bounds the memory."""
        if len(self.stored_ids) > MAX_STORED_IDS:
            self.stored_ids.clear()
        self.stored_ids |= stored

    @property
    def low(self) -> int:
        """The first offset that some shard still needs."""
        return min(self.fences)
