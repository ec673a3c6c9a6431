"""What goes into the truth and what comes out of it."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Record(NamedTuple):
    """A record of the log. `topic` is the contract's name (`orders`, `live-sessions`), without prefix."""

    topic: str
    partition: int
    offset: int
    arrival_ms: int
    key: str | bytes | None
    value: bytes | None
    #: which reject this is, `topic/partition/offset`, if it was driven again
    origin: str | None = None


@dataclass(frozen=True)
class Rules:
    """The settings that decide. `offset_ms` is what local time is ahead of UTC; an order is known for `refund_days`
    of arrivals, and what is paid until `tail_days` after the end of a session counts for it."""

    offset_ms: int = 8 * 3_600_000
    lateness_ms: int = 120_000
    dedupe_ms: int = 900_000
    idle_ms: int = 60_000
    refund_days: int = 30
    order_index: bool = True
    tail_days: int = 30
    min_history: int = 3
    #: sums at which each session is told, gross
    milestones_fen: tuple[int, ...] = ()


@dataclass
class PartitionCount:
    """What became of the records of one partition: consumed = counted + resends + rejected."""

    topic: str
    partition: int
    consumed: int = 0
    counted: int = 0
    resends: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    #: largest trusted event time (None: no trusted event) and largest arrival
    trusted_ms: int | None = None
    arrival_ms: int = 0


class Tally(NamedTuple):
    """Names the counters of one window. Grain "session" is the session's total, its `start_ms` is 0."""

    dimension: str
    id: str
    grain: str
    start_ms: int


class Sketch(NamedTuple):
    """Names an exact distinct count `of` buyers, merchants or anchors; grains as in `Tally` without "minute"."""

    of: str
    dimension: str
    id: str
    grain: str
    start_ms: int


class Ranking(NamedTuple):
    """Names a ranking: a rule and a metric inside one scope."""

    rule: str
    metric: str
    dimension: str
    id: str


class Leader(NamedTuple):
    """The best closed holder of a ranking, the first one of equals."""

    holder: str
    value_fen: int


class Alert(NamedTuple):
    """One member of the final set: state confirmed or reinstated once everything is read.

    `previous` is the best holder before it (None only where no history is asked for).
    """

    alert_id: str
    rule: str
    metric: str
    dimension: str
    scope_id: str
    holder_kind: str
    holder: str
    start_ms: int
    end_ms: int | None
    value_fen: int
    previous: Leader | None


@dataclass
class Truth:
    """Everything that a correct run must end in. `watermark_ms` is None if no event was trusted.

    `tallies` hold all ten counters of the contract by name, zeros included. `alerts` are sorted by `alert_id`.
    """

    meta: dict[str, Any] = field(default_factory=dict)
    watermark_ms: int | None = None
    partitions: list[PartitionCount] = field(default_factory=list)
    tallies: dict[Tally, dict[str, int]] = field(default_factory=dict)
    sketches: dict[Sketch, int] = field(default_factory=dict)
    rankings: dict[Ranking, Leader] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)

    def totals(self) -> dict[str, int]:
        """Consumed, counted, resends and rejected over all partitions."""
        return {
            "consumed": sum(each.consumed for each in self.partitions),
            "counted": sum(each.counted for each in self.partitions),
            "resends": sum(each.resends for each in self.partitions),
            "rejected": sum(sum(each.rejected.values()) for each in self.partitions),
        }
