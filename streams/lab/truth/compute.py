"""From a log to its truth, step by step. Each is one pass over everything that the step before left."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Final

from streams.lab.truth.counting import count_tallies
from streams.lab.truth.distinct import count_distinct
from streams.lab.truth.final import closed_holders, final_alerts, leaders
from streams.lab.truth.holders import all_holders
from streams.lab.truth.judge import PartitionJudge
from streams.lab.truth.milestones import milestones, session_totals
from streams.lab.truth.model import Record, Rules, Truth
from streams.lab.truth.sessions import find_sessions
from streams.lab.truth.watermark import told_watermark_ms

_RecordLike = tuple[str, int, int, int, str | bytes | None, bytes | None] | Record


#: how often `on_step` is called
STEPS: Final = 6


def compute_truth(
    log: Iterable[_RecordLike],
    rules: Rules,
    meta: Mapping[str, Any] | None = None,
    on_step: Callable[[str], None] = lambda step: None,
    clock_ms: int = 0,
    drive_again: bool = False,
) -> Truth:
    """The truth of `log`: (topic, partition, offset, arrival_ms, key, value[, origin]) of every record, in any order.

    `topic` is the contract's name. How partitions are interleaved makes no difference. `meta` is kept as it is;
    `on_step` is told the name of each step as it begins. `clock_ms` is how far a clock has moved the watermark, where
    it may (everything idle, `HIGHTIDE_IDLE_S` above 0); the log's own watermark is not lowered by it. `drive_again` is
    for a log that no worker has read yet: see `PartitionJudge.judge_all`.
    """
    on_step("sorting")
    partitions = _by_partition(log)
    on_step("judging")
    judges = [
        _judged(topic, partition, records, rules, drive_again) for (topic, partition), records in partitions.items()
    ]
    counted = [each for judge in judges for each in judge.counted]
    on_step("sessions")
    watermark_ms = told_watermark_ms((judge.count for judge in judges), rules, clock_ms)
    sessions = find_sessions(counted)
    on_step("tallies")
    tallies = count_tallies(counted, sessions, rules)
    on_step("rankings")
    closed = closed_holders(all_holders(tallies, sessions, rules), watermark_ms, rules)
    on_step("distinct")
    return Truth(
        meta=dict(meta or {}),
        watermark_ms=watermark_ms,
        partitions=[judge.count for judge in judges],
        tallies=tallies,
        sketches=count_distinct(counted, rules),
        rankings=leaders(closed),
        alerts=sorted([*final_alerts(closed, rules), *milestones(session_totals(tallies), sessions, rules)]),
    )


def _by_partition(log: Iterable[_RecordLike]) -> dict[tuple[str, int], list[Record]]:
    """The records of each partition in the order of their offsets, the partitions in the order of their names."""
    partitions: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)
    for entry in log:
        record = Record(*entry)
        partitions[record.topic, record.partition].append(record)
    return {place: sorted(partitions[place], key=attrgetter("offset")) for place in sorted(partitions)}


def _judged(topic: str, partition: int, records: list[Record], rules: Rules, drive_again: bool) -> PartitionJudge:
    judge = PartitionJudge(topic, partition, rules)
    judge.judge_all(records, drive_again)
    return judge
