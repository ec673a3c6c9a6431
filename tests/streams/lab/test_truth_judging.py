"""The truth on logs small enough to check by hand: what counts, what is a resend, what is a reject."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from streams.lab.truth import PartitionCount, Tally
from tests.streams.lab.logs import RULES, Log, paid, refunded, session, t

NOON = t("12:00")


def outcome(log: Log) -> PartitionCount:
    """Of the one partition of `log`."""
    (count,) = log.truth().partitions
    return count


def hour(clock: str, dimension: str = "platform", id: str = "all") -> Tally:
    return Tally(dimension, id, "hour", t(clock))


# -- bytes ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("extra", "rejected"), [
    ("[" * 511 + "]" * 511, {}),
    ("[" * 512 + "]" * 512, {"not_json": 1}),
    ("[" * 511 + '"[[{\\"["' + "]" * 511, {}),
    (",".join(["[[]]"] * 300).join("[]"), {}),
])  # fmt: skip
def test_json_may_be_nested_512_deep(extra: str, rejected: dict[str, int]) -> None:
    """The object is one level, its field the rest; signs in strings are none."""
    log = Log()
    log.put("orders", 0, NOON, orjson.dumps(paid("o1", NOON, 100))[:-1] + b',"extra":' + extra.encode() + b"}")
    assert outcome(log).rejected == rejected


# -- resends --------------------------------------------------------------------------------------
@pytest.mark.parametrize(("gap_ms", "resends"), [(0, 1), (899_999, 1), (900_000, 1), (900_001, 0)])
def test_a_copy_is_a_resend_up_to_the_horizon(gap_ms: int, resends: int) -> None:
    log = Log()
    log.order(paid("o1", NOON, 100), NOON)
    log.order(paid("o1", NOON, 100), NOON + gap_ms)
    count = outcome(log)
    assert (count.consumed, count.resends, count.counted) == (2, resends, 1)
    assert count.rejected == ({} if resends else {"paid_twice": 1})
    without = log.truth(replace(RULES, order_index=False))
    assert without.tallies[hour("12:00")]["gmv_fen"] == 100 * (2 - resends)


def test_a_resend_renews_the_horizon() -> None:
    log = Log()
    for arrival_ms in (NOON, NOON + 900_000, NOON + 1_800_000, NOON + 2_700_001):
        log.order(paid("o1", NOON, 100), arrival_ms)
    assert (outcome(log).resends, outcome(log).rejected) == (2, {"paid_twice": 1})


def test_the_same_event_id_in_another_partition_is_no_resend() -> None:
    log = Log()
    log.order(paid("o1", NOON, 100), partition=0)
    log.order(paid("o1", NOON, 100), partition=1)
    assert log.truth().totals() == {"consumed": 2, "counted": 2, "resends": 0, "rejected": 0}


def test_a_reject_is_not_remembered_and_its_copy_is_a_reject_again() -> None:
    log = Log()
    log.order(paid("o1", NOON, -1))
    log.order(paid("o1", NOON, -1))
    log.order(paid("o1", NOON, 100))
    assert outcome(log).rejected == {"amount_out_of_range": 2}
    assert outcome(log).counted == 1


# -- rejects --------------------------------------------------------------------------------------
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
LONG = "x" * 128


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"event_type": "order.shipped"}, "unknown_type"),
        ({"event_type": None}, "missing_field"),
        ({"event_type": 5}, "mistyped_field"),
        ({"order_id": None}, "missing_field"),
        ({"pay_time_ms": None}, "missing_field"),
        ({"order_id": ""}, "mistyped_field"),
        ({"order_id": LONG}, None),
        ({"order_id": LONG + "x"}, "mistyped_field"),
        ({"cluster_id": ""}, "mistyped_field"),
        ({"channel": "radio"}, "mistyped_field"),
        ({"quantity": 1.5}, "mistyped_field"),
        ({"quantity": -1}, "mistyped_field"),
        ({"amount_fen": True}, "mistyped_field"),
        ({"amount_fen": 0}, None),
        ({"amount_fen": -1}, "amount_out_of_range"),
        ({"amount_fen": 10**12}, None),
        ({"amount_fen": 10**12 + 1}, "amount_out_of_range"),
        ({"currency": "USD"}, "currency"),
        ({"currency": 156}, "mistyped_field"),
        ({"event_time_ms": 1_420_070_400_000}, None),
        ({"event_time_ms": 1_420_070_399_999}, "time_out_of_range"),
        ({"event_time_ms": 10**14}, "time_out_of_range"),
        ({"event_time_ms": 10**14 - 1}, None),
        ({"pay_time_ms": NOON + DAY_MS}, None),
        ({"pay_time_ms": NOON + DAY_MS + 1}, "time_ahead"),
        ({"pay_time_ms": NOON - 35 * DAY_MS}, None),
        ({"pay_time_ms": NOON - 35 * DAY_MS - 1}, "expired"),
        ({"note": "unknown fields are ignored"}, None),
        ({"order_id": None, "currency": "USD"}, "missing_field"),
    ],
)
def test_each_reason_of_one_event(changes: dict[str, Any], reason: str | None) -> None:
    log = Log()
    log.put("orders", 0, NOON, orjson.dumps({**paid("o1", NOON, 100), **changes}))
    assert outcome(log).rejected == ({} if reason is None else {reason: 1})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "not_json"),
        (b"", "not_json"),
        (b"[]", "not_json"),
        (b"{", "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b'"\xff"', "not_json"),
        (b'{"event_id": "\\ud800"}', "not_json"),
        (b"{}", "missing_field"),
        (b'{"note":"' + b"x" * (65_536 - 11) + b'"}', "missing_field"),
        (b'{"note":"' + b"x" * (65_537 - 11) + b'"}', "too_large"),
    ],
)
def test_each_reason_of_mere_bytes(value: bytes | None, reason: str) -> None:
    log = Log()
    log.put("orders", 0, NOON, value)
    assert outcome(log).rejected == {reason: 1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"merchant_id": None, "cluster_id": None, "title": ""}, None),
        ({"category": None}, "missing_field"),
        ({"title": 5}, "mistyped_field"),
        ({"event_type": "order.paid"}, "unknown_type"),
        ({"event_time_ms": NOON + DAY_MS + 1}, "time_ahead"),
    ],
)
def test_each_reason_of_a_session_event(changes: dict[str, Any], reason: str | None) -> None:
    log = Log()
    log.session(session("started", "s1", NOON, **changes), NOON)
    assert outcome(log).rejected == ({} if reason is None else {reason: 1})


# -- refunds --------------------------------------------------------------------------------------
def test_a_refund_goes_back_to_the_hour_of_the_payment_and_is_booked_in_its_own() -> None:
    log, order = Log(), paid("o1", t("12:10"), 1_000)
    log.order(order)
    log.order(refunded(order, 1, t("14:05"), 300))
    log.order(refunded(order, 2, t("15:05"), 200))
    truth = log.truth()
    noon, two = truth.tallies[hour("12:00")], truth.tallies[hour("14:00")]
    assert (noon["refund_fen"], noon["orders_refunded"], noon["refund_booked_fen"]) == (500, 1, 0)
    assert (noon["net_gmv_fen"], noon["net_gmv_booked_fen"]) == (500, 1_000)
    assert (two["refund_fen"], two["orders_refunded"], two["refund_booked_fen"]) == (0, 0, 300)
    assert (two["net_gmv_fen"], two["net_gmv_booked_fen"]) == (0, -300)


@pytest.mark.parametrize(("second_fen", "rejected"), [(399, {}), (400, {}), (401, {"refund_exceeds_order": 1})])
def test_no_more_is_refunded_than_the_order_was(second_fen: int, rejected: dict[str, int]) -> None:
    log, order = Log(), paid("o1", NOON, 1_000)
    log.order(refunded(order, 1, NOON + 1, 600))
    log.order(refunded(order, 2, NOON + 2, second_fen))
    assert outcome(log).rejected == rejected


def test_a_resent_refund_is_no_second_refund() -> None:
    log, order = Log(), paid("o1", NOON, 1_000)
    log.order(refunded(order, 1, NOON + 1, 600))
    log.order(refunded(order, 1, NOON + 1, 600), NOON + 2)
    assert (outcome(log).resends, outcome(log).rejected) == (1, {})
    assert log.truth().tallies[hour("12:00")]["refund_fen"] == 600


def test_a_refund_belongs_where_its_order_does_whatever_it_says() -> None:
    log, order = Log(), paid("o1", NOON, 1_000, cluster_id="c1")
    log.order(order)
    log.order(refunded(order, 1, NOON + 1, 10, cluster_id="c2", pay_time_ms=NOON + HOUR_MS, amount_fen=5))
    log.order(refunded(order, 2, NOON + 2, 20, merchant_id=None, pay_time_ms=None, amount_fen=None))
    assert outcome(log).rejected == {}
    assert log.truth().tallies[hour("12:00", "cluster", "c1")]["refund_fen"] == 30


def test_a_refund_before_its_order_is_driven_again_at_the_end() -> None:
    log, order = Log(), paid("o1", NOON, 1_000)
    log.order(refunded(order, 1, NOON - 1, 10, pay_time_ms=None), NOON - 1)
    assert outcome(log).rejected == {"unknown_order": 1}
    log.order(order)
    assert log.truth().totals() == {"consumed": 2, "counted": 1, "resends": 0, "rejected": 1}
    driven = log.truth(drive_again=True)
    assert driven.totals() == {"consumed": 3, "counted": 2, "resends": 0, "rejected": 1}
    assert driven.tallies[hour("12:00")]["net_gmv_fen"] == 990


@pytest.mark.parametrize(("late_ms", "rejected"), [(-1, {}), (0, {}), (1, {"unknown_order": 1})])
def test_an_order_is_known_for_thirty_days(late_ms: int, rejected: dict[str, int]) -> None:
    log, order = Log(), paid("o1", NOON, 1_000)
    log.order(order, NOON)
    log.order(refunded(order, 1, NOON, 10, pay_time_ms=None), NOON + 30 * DAY_MS + late_ms)
    assert outcome(log).rejected == rejected


def test_what_a_refund_may_lack_and_what_it_may_not() -> None:
    log, order = Log(), paid("o1", NOON, 1_000, cluster_id="c1")
    log.order(refunded(order, 1, NOON, 10, cluster_id=None, quantity=None, buyer_id=None))
    for number, name in enumerate(("merchant_id", "category", "channel", "amount_fen", "pay_time_ms"), start=2):
        log.order(refunded(order, number, NOON, 10, **{name: None}))
    log.order(refunded(order, 9, NOON, 1_001))
    assert outcome(log).rejected == {"unknown_order": 5, "refund_exceeds_order": 1}
    assert log.truth().tallies[hour("12:00", "cluster", "(none)")]["refund_fen"] == 10


# -- windows --------------------------------------------------------------------------------------
def test_windows_are_half_open_and_local() -> None:
    log = Log()
    for clock in ("22:59:59.999", "23:00", "23:59:59.999", "24:00"):
        log.sales(clock, 1)
    tallies = log.truth().tallies
    starts = {
        key.start_ms: value["gmv_fen"] for key, value in tallies.items() if key[:3] == ("platform", "all", "hour")
    }
    assert starts == {t("22:00"): 1, t("23:00"): 2, t("24:00"): 1}
    days = {key.start_ms: value["gmv_fen"] for key, value in tallies.items() if key[:3] == ("platform", "all", "day")}
    assert days == {t("00:00"): 3, t("24:00"): 1}


def test_the_pay_time_decides_and_nine_dimensions_count() -> None:
    log = Log()
    ids = {"session_id": "s1", "anchor_id": "a1", "cluster_id": "c1", "province": "p1", "city": "t1"}
    log.order(paid("o1", t("12:59"), 700, quantity=3, **ids) | {"event_time_ms": t("13:00")})
    named = {(key.dimension, key.id) for key in log.truth().tallies}
    assert named == {
        ("platform", "all"), ("province", "p1"), ("city", "t1"), ("cluster", "c1"), ("category", "womens-wear"),
        ("merchant", "m1"), ("anchor", "a1"), ("session", "s1"), ("channel", "live"),
    }  # fmt: skip
    assert log.truth().tallies[hour("12:00", "city", "t1")]["units"] == 3
    with_minutes = {key.dimension for key in log.truth().tallies if key.grain == "minute"}
    assert with_minutes == {"platform", "cluster", "category", "anchor", "session"}


@pytest.mark.parametrize(("late_ms", "minutes"), [(3 * DAY_MS, 1), (3 * DAY_MS + 1, 0)])
def test_minutes_are_not_added_to_after_three_days(late_ms: int, minutes: int) -> None:
    log = Log()
    log.order(paid("o1", NOON, 1), NOON + late_ms)
    tallies = log.truth().tallies
    assert sum(key[:3] == ("platform", "all", "minute") for key in tallies) == minutes
    assert tallies[hour("12:00")]["gmv_fen"] == 1


def test_distinct_ids_are_of_paid_orders_and_null_is_none() -> None:
    log = Log()
    for number, (buyer, anchor) in enumerate([("b1", "a1"), ("b1", "a2"), ("b2", None), (None, "a1")]):
        log.order(paid(f"o{number}", NOON + number, 1, buyer_id=buyer, anchor_id=anchor, session_id="s1"))
    log.order(paid("o9", NOON, 1, buyer_id="b9") | {"event_type": "order.created"})
    counts = {key[:4]: count for key, count in log.truth().sketches.items() if key.grain != "day"}
    assert counts == {
        ("buyers", "platform", "all", "hour"): 2,
        ("buyers", "category", "womens-wear", "hour"): 2,
        ("buyers", "anchor", "a1", "hour"): 1,
        ("buyers", "anchor", "a2", "hour"): 1,
        ("buyers", "session", "s1", "session"): 2,
        ("merchants", "platform", "all", "hour"): 1,
        ("anchors", "platform", "all", "hour"): 2,
    }


def test_the_rules_default_to_those_of_the_contract() -> None:
    assert (RULES.offset_ms, RULES.lateness_ms, RULES.dedupe_ms) == (8 * HOUR_MS, 120_000, 900_000)
    assert (RULES.idle_ms, RULES.refund_days, RULES.min_history) == (60_000, 30, 3)
