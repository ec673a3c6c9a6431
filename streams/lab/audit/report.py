"""What an audit found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

#: differences that are kept in words; of more only the number
LISTED = 1_000


@dataclass(slots=True)
class Report:
    """Sums over all partitions, sizes of the true sets, and one line a difference.

    `tallies` were compared; `purged` are those below the floors, which it does not look at. `markers` are offsets of
    transactions that hold no record. `rankings` were compared, None if more was settled meanwhile. `restated` alerts
    stand at another value than they were told at, which late events and refunds may do; `verified` of them were told
    what the log said then. `imported` rows of history were read.
    """

    tallies: int = 0
    purged: int = 0
    consumed: int = 0
    counted: int = 0
    resends: int = 0
    rejected: int = 0
    markers: int = 0
    alerts: int = 0
    imported: int = 0
    rankings: int | None = None
    restated: int = 0
    verified: int = 0
    differences: list[str] = field(default_factory=list)
    unlisted: int = 0

    def differ(self, lines: Iterable[str]) -> None:
        """Add differences."""
        for line in lines:
            if len(self.differences) < LISTED:
                self.differences.append(line)
            else:
                self.unlisted += 1

    @property
    def count(self) -> int:
        """How many differences there are."""
        return len(self.differences) + self.unlisted
