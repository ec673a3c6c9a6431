"""The truth of a log that does not fit into memory: the steps of `compute.py`, partition after partition."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from streams.lab.truth.final import final_alerts, leaders
from streams.lab.truth.holders import Holder
from streams.lab.truth.judge import PartitionJudge
from streams.lab.truth.milestones import milestones
from streams.lab.truth.model import Alert, PartitionCount, Ranking, Record, Rules, Truth
from streams.lab.truth.spill import SpilledSums, open_file
from streams.lab.truth.spill_orders import SpilledOrders
from streams.lab.truth.spilled_marks import closed_rankings
from streams.lab.truth.watermark import told_watermark_ms

#: records after which a judge may forget what is past its horizon
_FORGET_EVERY: Final = 50_000


class SpilledTruth:
    """Give it each partition's records in the order of their offsets, then `finish` it once.

    `db` is the file at `path`, which the caller removes: the tables `due` and `due_sketches` have every window then.
    `watermark_ms` and `partitions` are as in `Truth`.
    """

    def __init__(self, path: Path, rules: Rules) -> None:
        self.db = open_file(path)
        self.sums = SpilledSums(self.db, rules)
        self.partitions: list[PartitionCount] = []
        self.watermark_ms: int | None = None
        self._rules = rules

    def judge(self, topic: str, partition: int) -> "PartitionReader":
        """What takes the records of one partition, after the one before it; `topic` is the contract's name."""
        judge = PartitionJudge(topic, partition, self._rules, SpilledOrders(self.db))
        self.partitions.append(judge.count)
        return PartitionReader(judge, self.sums)

    def finish(self, clock_ms: int = 0) -> None:
        """Everything that needs all records. `clock_ms` as in `compute_truth`."""
        self.partitions.sort(key=lambda count: (count.topic, count.partition))
        self.watermark_ms = told_watermark_ms(self.partitions, self._rules, clock_ms)
        self.sums.finish()

    def rankings(self) -> Iterator[tuple[Ranking, list[Holder]]]:
        """The closed holders of each ranking, in their order; call it once."""
        return closed_rankings(self.db, self.sums.sessions, self.watermark_ms, self._rules)

    def whole(self) -> Truth:
        """All of it in memory, as `compute_truth` gives it; in place of `rankings`."""
        closed = dict(self.rankings())
        return Truth(
            watermark_ms=self.watermark_ms,
            partitions=self.partitions,
            tallies=self.sums.tallies(),
            sketches=self.sums.sketches(),
            rankings=leaders(closed),
            alerts=sorted([*final_alerts(closed, self._rules), *self.milestones()]),
        )

    def milestones(self) -> list[Alert]:
        """The sums that sessions have reached."""
        least_fen = min(self._rules.milestones_fen, default=None)
        if least_fen is None:
            return []
        rows = self.db.execute(
            "SELECT id, gmv_fen FROM due WHERE dimension = 'session' AND grain = 'session' AND gmv_fen >= ?",
            [least_fen],
        )
        return milestones(rows, self.sums.sessions, self._rules)


class PartitionReader:
    """Judges the records of one partition and sums them up."""

    def __init__(self, judge: PartitionJudge, sums: SpilledSums) -> None:
        self._judge = judge
        self._sums = sums
        self._since_forgotten = 0

    def take(self, records: Iterable[Record]) -> None:
        """The next records, in the order of their offsets."""
        before = self._judge.count.consumed
        self._judge.judge_all(records)
        self._sums.add(self._judge.counted)
        self._judge.counted.clear()
        self._since_forgotten += self._judge.count.consumed - before
        if self._since_forgotten >= _FORGET_EVERY:
            self._judge.forget()
            self._since_forgotten = 0
