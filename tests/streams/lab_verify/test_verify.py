"""Verifying an alert on a log that lies in lists: what counts, what is read before it, and what is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from schemas.alerts import GROSS, NET, Alert, Evidence, Holder, HolderKind, Rule, Scope, State
from streams.errors import LogReplaced
from streams.lab.truth import Record
from streams.lab.verify.find import NoSuchAlert, TwoContents, pick
from streams.lab.verify.verify import Finding, Verdict, verify
from tests.streams.lab.logs import RULES, Log, paid, refunded, t


class Kafka:
    """A log in batches of two; `begin` is the first offset that it still has."""

    def __init__(self, log: Log, begin: int = 0) -> None:
        self._records = [each for each in log.records if each.topic == "orders"]
        self._begin = begin
        self.asked: list[tuple[int, int]] = []

    async def first(self, topic: str, partition: int) -> int:
        return self._begin

    async def offset_at(self, topic: str, partition: int, time_ms: int) -> int | None:
        return next((each.offset for each in self._kept(partition) if each.arrival_ms >= time_ms), None)

    async def batches(self, topic: str, partition: int, start: int, stop: int) -> AsyncIterator[list[Record]]:
        self.asked.append((start, stop))
        found = [each for each in self._kept(partition) if start <= each.offset < stop]
        for at in range(0, len(found), 2):
            yield found[at : at + 2]
        if len(found) < stop - start:
            raise LogReplaced("it ends before")

    def _kept(self, partition: int) -> list[Record]:
        return [each for each in self._records if each.partition == partition and each.offset >= self._begin]


HOUR = ("hour", "2025-12-31T20", t("20:00"), t("21:00"))
SPAN = ("span", "2025-12-31", t("20:30"), t("21:30"))


def alert(
    value_fen: int,
    *ranges: tuple[int, int],
    rule: Rule = Rule.PEAK_HOUR,
    holder: tuple[HolderKind, str, int, int | None] = HOUR,  # type: ignore[assignment]
    metric: str = GROSS,
    **fields: Any,
) -> Alert:
    """An alert of anchor a1 about offsets (first, last) of partition 0, 1, …"""
    made: dict[str, Any] = {
        "alert_id": "id-1", "revision": 1, "rule": rule, "state": State.CONFIRMED, "scope": Scope("anchor", "a1"),
        "holder": Holder(*holder), "metric": metric, "value_fen": value_fen, "previous": None, "event_time_ms": 1,
        "detected_at_ms": 2, "as_of_ms": 3, "reason": None, "text": "Peak hour",
        "evidence": [Evidence("x-orders", at, *each) for at, each in enumerate(ranges)],
    }  # fmt: skip
    return Alert(**{**made, **fields})


async def finding(it: Alert, log: Log, begin: int = 0) -> Finding:
    return await verify(it, Kafka(log, begin), RULES, lambda read: None)


def sales(*at: tuple[str, int], **fields: Any) -> Log:
    """Payments to anchor a1, each as it happens."""
    log = Log()
    for clock, fen in at:
        log.sales(clock, fen, **{"anchor_id": "a1", "session_id": "s1", **fields})
    return log


# -- the value ---------------------------------------------------------------------------------
@pytest.mark.parametrize(("value_fen", "verdict"), [(29, "different"), (30, "equal"), (31, "different")])
async def test_an_hour_is_what_was_paid_in_it(value_fen: int, verdict: str) -> None:
    log = sales(("19:59:59.999", 1), ("20:00", 10), ("20:59:59.999", 20), ("21:00", 40))
    log.sales("20:30", 80, anchor_id="a2")
    found = await finding(alert(value_fen, (0, 4)), log)
    assert (found.verdict, found.recomputed_fen) == (verdict, 30)


async def test_partitions_add_up_and_what_lies_behind_the_evidence_is_not_in_it() -> None:
    log = sales(("20:00", 10), ("20:10", 20), ("20:20", 40))
    log.order(paid("o-1", t("20:05"), 5, anchor_id="a1"), partition=1)
    assert (await finding(alert(35, (0, 1), (0, 0)), log)).verdict is Verdict.EQUAL


async def test_a_span_is_sixty_minutes_and_only_of_what_came_within_three_days() -> None:
    log = sales(("20:29", 1), ("20:30", 10), ("21:29", 20), ("21:30", 40))
    log.order(paid("o-late", t("20:40"), 80, anchor_id="a1"), t("20:40") + 3 * 86_400_000)
    log.order(paid("o-later", t("20:40"), 160, anchor_id="a1"), t("20:40") + 3 * 86_400_000 + 1)
    assert (await finding(alert(110, (0, 5), rule=Rule.PEAK_ROLLING, holder=SPAN), log)).verdict is Verdict.EQUAL


def session(value_fen: int, last: int, metric: str = GROSS, ended: int | None = t("22:00")) -> Alert:
    holder = ("session", "s1", t("20:00"), ended)
    return alert(value_fen, (0, last), rule=Rule.RECORD_SESSION, holder=holder, metric=metric)  # type: ignore[arg-type]


async def test_a_session_is_all_that_was_paid_in_it_whatever_the_scope() -> None:
    log = sales(("20:00", 10), ("23:30", 20), anchor_id="a9")
    assert (await finding(session(30, 1), log)).verdict is Verdict.EQUAL


async def test_a_session_without_an_end_takes_what_an_ended_one_leaves() -> None:
    log = sales(("20:00", 10))
    log.order(paid("o-late", t("22:00") + 31 * 86_400_000, 20, session_id="s1"))
    assert (await finding(session(10, 1), log)).verdict is Verdict.EQUAL
    assert (await finding(session(30, 1, ended=None), log)).verdict is Verdict.EQUAL


async def test_a_net_value_lacks_the_refunds_up_to_the_fence_and_no_later_ones() -> None:
    log = sales(("20:00", 10), ("20:30", 20))
    for number in range(2):
        sold = paid(f"o-{number}", t("20:40"), 100, session_id="s1")
        log.order(sold)
        log.order(refunded(sold, 1, t("23:00"), 30))
    assert (await finding(session(200, 5, NET), log)).recomputed_fen == 170
    assert (await finding(session(130, 4, NET), log)).recomputed_fen == 200
    assert (await finding(session(230, 5, GROSS), log)).verdict is Verdict.EQUAL


# -- what lies before --------------------------------------------------------------------------
async def test_a_copy_of_what_came_just_before_the_evidence_does_not_count() -> None:
    log = Log()
    sold = paid("o-1", t("20:00"), 10, anchor_id="a1")
    log.order(sold, t("20:00"))
    log.order(sold, t("20:15"))
    log.order(paid("o-2", t("20:20"), 20, anchor_id="a1"))
    found = await finding(alert(20, (1, 2)), log)
    assert (found.verdict, found.read, found.read_before) == (Verdict.EQUAL, 3, 1)


async def test_refunds_long_before_the_evidence_leave_less_to_refund() -> None:
    """Of 100, 80 were given back an hour before: the 30 are refused, in whatever window the order lies."""
    log = Log()
    sold = paid("o-1", t("20:00"), 100, session_id="s1")
    log.order(sold, t("20:00"))
    log.order(refunded(sold, 1, t("20:10"), 80), t("20:10"))
    for number in range(5):
        log.order(paid(f"x-{number}", t("20:20"), 1), t("20:20"))
    log.order(refunded(sold, 2, t("22:00"), 30), t("22:00"))
    log.order(paid("o-2", t("22:30"), 7, session_id="s1"), t("22:30"))
    holder = ("session", "s1", t("20:00"), None)
    it = alert(7, (7, 8), rule=Rule.RECORD_SESSION, holder=holder, metric=NET)  # type: ignore[arg-type]
    found = await finding(it, log)
    assert (found.verdict, found.read_before) == (Verdict.EQUAL, 7)


# -- what can not be verified ------------------------------------------------------------------
@pytest.mark.parametrize(("begin", "verdict"), [(0, "equal"), (1, "equal"), (2, "impossible")])
async def test_once_the_first_record_is_gone_it_is_no_longer_possible(begin: int, verdict: str) -> None:
    log = sales(("19:00", 1), ("20:00", 10), ("20:10", 20))
    found = await finding(alert(30, (1, 2)), log, begin)
    assert found.verdict == verdict
    if verdict == "impossible":
        assert (found.recomputed_fen, found.why) == (
            None, "x-orders/0 begins at offset 2 by now, the value is from 1 on"
        )  # fmt: skip


async def test_a_log_that_ends_before_is_another_one() -> None:
    found = await finding(alert(10, (0, 1)), sales(("20:00", 10)))
    assert (found.verdict, found.why) == (Verdict.IMPOSSIBLE, "it ends before")


async def test_a_value_from_elsewhere_names_no_records() -> None:
    found = await finding(alert(10), Log())
    assert found.verdict is Verdict.IMPOSSIBLE
    assert found.why is not None and "imported" in found.why


async def test_what_is_no_order_in_the_evidence_is_passed_over() -> None:
    log = sales(("20:00", 10))
    for value in (None, b"", b"[1]", b"5", b'{"event_type": 5}', b"[" * 2_000, b'{"event_type": "order.paid"}'):
        log.put("orders", 0, t("20:01"), value)
    assert (await finding(alert(10, (0, 7)), log)).verdict is Verdict.EQUAL


# -- which revision ----------------------------------------------------------------------------
def test_the_latest_revision_is_meant_unless_another_is_asked_for() -> None:
    alerts = [alert(1, revision=2), alert(2, revision=1), alert(3, revision=9, alert_id="id-2")]
    assert pick(alerts, "alerts", "id-1", None).value_fen == 1
    assert pick(alerts, "alerts", "id-1", 1).value_fen == 2


@pytest.mark.parametrize(("alert_id", "revision"), [("id-9", None), ("id-1", 2)])
def test_one_that_is_not_there_is_said(alert_id: str, revision: int | None) -> None:
    with pytest.raises(NoSuchAlert, match=alert_id) as raised:
        pick([alert(1)], "alerts", alert_id, revision)
    assert raised.value.exit_code == 64


def test_a_revision_with_two_contents_is_wrong_in_itself() -> None:
    assert pick([alert(1), alert(1)], "alerts", "id-1", None).value_fen == 1
    with pytest.raises(TwoContents, match="two contents") as raised:
        pick([alert(1), alert(2)], "alerts", "id-1", None)
    assert raised.value.exit_code == 1
