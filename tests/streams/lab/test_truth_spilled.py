"""One rule book, two ways to hold the sums: in memory and in a file they come out the same."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pytest

from streams.lab.simulator.clusters import Size, clusters
from streams.lab.simulator.concetery import concetery
from streams.lab.simulator.partitions import place
from streams.lab.simulator.planned import Planned
from streams.lab.truth import Record, Rules, compute_truth, spill, spill_orders, spilled
from streams.lab.truth.judge import PartitionJudge
from streams.lab.truth.spilled import SpilledTruth
from tests.streams.lab.logs import Log, paid, refunded, session, t

FOUR = {"orders": 4, "live-sessions": 4}


def in_a_file(log: Iterable[Record], path: Path, batch: int = 700) -> SpilledTruth:
    partitions: dict[tuple[str, int], list[Record]] = {}
    for record in log:
        partitions.setdefault((record.topic, record.partition), []).append(record)
    truth = SpilledTruth(path, Rules())
    for (topic, number), records in partitions.items():
        reader, left = truth.judge(topic, number), iter(sorted(records, key=lambda each: each.offset))
        while some := list(islice(left, batch)):
            reader.take(some)
    truth.finish()
    return truth


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little fits into memory: everything is spilled many times, merged and forgotten."""
    for name, most in {"_WINDOWS": 300, "_MEMBERS": 500, "_AT_ONCE": 50}.items():
        monkeypatch.setattr(spill, name, most)
    monkeypatch.setattr(spilled, "_FORGET_EVERY", 200)
    monkeypatch.setattr(spill_orders, "_HELD", 20)


@pytest.mark.usefixtures("tight")
@pytest.mark.parametrize("planned", [clusters(3, Size(rate=0.2, hours=6)), concetery(2)], ids=["clusters", "concetery"])
def test_a_scenario_ends_in_the_same_truth(planned: Iterable[Planned], tmp_path: Path) -> None:
    log = [Record(*each) for each in place(planned, FOUR)]
    expected = compute_truth(log, Rules())
    assert expected.alerts
    assert in_a_file(log, tmp_path / "sums").whole() == expected


@pytest.mark.usefixtures("tight")
def test_late_sales_long_refunds_and_sessions_without_a_start_are_the_same(tmp_path: Path) -> None:
    log = Log()
    for number in range(5):
        log.session(session("started", f"s{number}", t(f"{10 + number}:00")))
        log.sales(f"{10 + number}:10", 1_000 * number + 7, session_id=f"s{number}", anchor_id="a1", buyer_id="b")
        log.session(session("ended", f"s{number}", t(f"{10 + number}:50")))
    sold = paid("o-1", t("12:20"), 500, session_id="s2", anchor_id="a1")
    log.order(sold)
    for number in range(50):
        log.order(paid(f"x-{number}", t("12:30"), number))
    log.order(refunded(sold, 1, t("20:00"), 300))
    log.order(refunded(sold, 2, t("20:01"), 300))
    log.order({**sold, "event_id": "again"}, t("20:02"))
    for days in (29, 30, 31):
        late = t("13:30") + days * 86_400_000
        log.order(paid(f"o-{days}", late, 90_000, session_id="s3"), late)
    log.order(paid("o-none", t("14:00"), 5, session_id="(none)"), t("14:00") + 3 * 86_400_000 + 1)
    log.put("orders", 1, t("15:00"), b"no json")
    assert in_a_file(log.records, tmp_path / "sums").whole() == log.truth()


@pytest.mark.parametrize(("minutes", "resends"), [(15, 1), (16, 0)])
def test_what_is_forgotten_would_be_no_resend(minutes: int, resends: int) -> None:
    log = Log()
    log.order(paid("o-1", t("12:00"), 5))
    log.order(paid("o-2", t("12:00"), 5), t("12:20"))
    log.order(paid("o-2", t("12:00"), 5), t("12:20") + minutes * 60_000)
    judge = PartitionJudge("orders", 0, Rules())
    for record in log.records:
        judge.judge_all([record])
        judge.forget()
    assert judge.count.resends == resends


def test_ids_from_long_ago_are_forgotten() -> None:
    log = Log()
    for minute in range(120):
        log.order(paid(f"o-{minute}", t("12:00"), 5), t("12:00") + minute * 60_000)
    judge = PartitionJudge("orders", 0, Rules())
    judge.judge_all(log.records)
    judge.forget()
    assert len(judge._last_copy_ms) == 16
