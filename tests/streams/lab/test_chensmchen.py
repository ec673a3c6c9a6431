"""The record evening is exact for every seed, and as untidy as life."""

from collections import Counter
from typing import NamedTuple

import pytest

from streams.lab.simulator.chensmchen import chensmchen
from streams.lab.simulator.dates import at
from streams.lab.simulator.evenings import BEST_EARLIER_SESSION, FUR_SESSION, NIGHT, TAKEN_BACK_SESSION
from streams.lab.simulator.partitions import partition_of
from streams.lab.simulator.planned import ORDERS, SESSIONS, Planned
from streams.lab.truth import Alert, PartitionCount, Truth
from tests.streams.lab.reading import Arrived, first_copies, of_type, sold_by_session

BILLION = 1_000_000_000
#: refunds that came before their order, with their resends
DRIVEN_AGAIN = 8
GROSS, NET = "gmv.paid.gross.v1", "gmv.paid.net.v1"


def alerts(truth: Truth, rule: str, metric: str, dimension: str, scope_id: str) -> dict[str, Alert]:
    """The final set of one ranking by holder."""
    return {each.holder: each for each in truth.alerts if each[1:5] == (rule, metric, dimension, scope_id)}


class Seeded(NamedTuple):
    """One run of the scenario."""

    records: list[Planned]
    events: list[Arrived]


@pytest.fixture(scope="module", params=[1, 2, 2025])
def any_seed(request: pytest.FixtureRequest, evening: list[Planned], evening_events: list[Arrived]) -> Seeded:
    if request.param == 1:
        return Seeded(evening, evening_events)
    records = list(chensmchen(request.param))
    return Seeded(records, first_copies(records))


def test_the_fur_session_is_exact_whatever_the_seed(any_seed: Seeded) -> None:
    sold = sold_by_session(any_seed.events)
    fur = sold.pop(FUR_SESSION)
    assert fur.orders == 35_000
    assert fur.gmv_fen == 10_750_000_000
    assert max(fur.hours.values()) == fur.hours[21] == 2_500_000_000
    assert sorted(fur.hours) == list(range(16, 24))
    assert sorted(fur.hours.values())[-2] < 2_500_000_000
    assert max(each.gmv_fen for each in sold.values()) == sold[BEST_EARLIER_SESSION].gmv_fen == 9 * BILLION
    assert sorted(each.gmv_fen for each in sold.values())[-2] < 9 * BILLION


def test_the_fur_session_lasts_exactly_eight_hours(evening_events: list[Arrived]) -> None:
    bounds = [
        event["event_time_ms"]
        for event_type in ("session.started", "session.ended")
        for event in of_type(evening_events, event_type)
        if event["session_id"] == FUR_SESSION
    ]
    assert bounds == [at(NIGHT, 16), at(NIGHT, 24)]
    assert bounds[1] - bounds[0] == 8 * 3_600_000


def test_a_second_anchor_is_on_air_for_an_hour_of_it(evening_events: list[Arrived]) -> None:
    anchors = Counter(
        (event["anchor_id"], event["pay_time_ms"] // 3_600_000 * 3_600_000 == at(NIGHT, 18))
        for event in of_type(evening_events, "order.paid")
        if event["session_id"] == FUR_SESSION
    )
    assert set(anchors) == {("anchor-0001", False), ("anchor-0011", True)}


def test_all_its_orders_arrive_before_it_closes(any_seed: Seeded) -> None:
    last_ms = max(
        record.arrival_ms
        for record, event in any_seed.events
        if event.get("session_id") == FUR_SESSION and event["event_type"] == "order.paid"
    )
    assert at(NIGHT, 23, 59) < last_ms < at(NIGHT, 24) + 60_000


def test_arrivals_ascend_and_the_stream_goes_on_for_more_than_an_hour(any_seed: Seeded) -> None:
    arrivals = [record.arrival_ms for record in any_seed.records]
    assert arrivals == sorted(arrivals)
    assert at(NIGHT, 25, 29) < arrivals[-1] < at(NIGHT, 25, 30)


@pytest.mark.parametrize("topic", [ORDERS, SESSIONS])
def test_every_partition_has_records_in_the_last_minute(any_seed: Seeded, topic: str) -> None:
    last_ms = any_seed.records[-1].arrival_ms - 60_000
    places = {
        partition_of(each.key, 4) for each in any_seed.records if each.topic == topic and each.arrival_ms > last_ms
    }
    assert places == {0, 1, 2, 3}


def test_orders_are_created_before_they_are_paid_and_a_share_is_never_paid(evening_events: list[Arrived]) -> None:
    created = {event["order_id"]: event["event_time_ms"] for event in of_type(evening_events, "order.created")}
    paid = [event for event in of_type(evening_events, "order.paid") if event["order_id"] in created]
    assert all(created[event["order_id"]] <= event["pay_time_ms"] for event in paid)
    assert 0.08 < 1 - len(paid) / len(created) < 0.16
    assert 4_000 < len(of_type(evening_events, "order.cancelled")) < len(created) - len(paid)


def test_one_in_a_hundred_is_sent_again_within_the_horizon(evening: list[Planned], evening_truth: Truth) -> None:
    resends = evening_truth.totals()["resends"]
    assert 0.009 < resends / len(evening) < 0.011
    copies = Counter(record[:3] for record in evening)
    assert max(copies.values()) == 2
    # every copy is judged a resend or a second reject, none is counted twice
    assert sum(count - 1 for count in copies.values()) - resends < 10


def test_records_overtake_each_other_by_seconds(evening_events: list[Arrived]) -> None:
    newest, behind = 0, []
    for event in of_type(evening_events, "order.paid"):
        if event["session_id"] == FUR_SESSION:
            newest = max(newest, event["event_time_ms"])
            behind.append(newest - event["event_time_ms"])
    assert sum(each > 1_000 for each in behind) > 500
    assert max(behind) < 13_000


def test_some_payments_come_after_their_hour_is_closed(evening_events: list[Arrived]) -> None:
    late = [
        event
        for record, event in evening_events
        if event["event_type"] == "order.paid"
        and record.arrival_ms > event["pay_time_ms"] // 3_600_000 * 3_600_000 + 3_600_000 + 120_000
    ]
    assert 15 <= len(late) <= 30
    assert sum(event["amount_fen"] for event in late if event["session_id"] == "session-0003-20251231") == 60_000_000


def test_one_producer_is_ten_minutes_ahead(evening_events: list[Arrived]) -> None:
    ahead = [
        event["merchant_id"]
        for record, event in evening_events
        if event["event_type"].startswith("order.") and event["event_time_ms"] == record.arrival_ms + 600_000
    ]
    assert len(ahead) > 500
    assert set(ahead) <= {"merchant-0005", "merchant-0006"}


def test_every_reason_is_there(evening_truth: Truth) -> None:
    reasons = Counter[str]()
    for partition in evening_truth.partitions:
        reasons.update(partition.rejected)
    assert reasons == {
        "not_json": 9, "too_large": 3, "unknown_type": 6, "missing_field": 6, "mistyped_field": 6, "currency": 3,
        "amount_out_of_range": 6, "time_out_of_range": 3, "time_ahead": 3, "expired": 3, "unknown_order": 24,
        "refund_exceeds_order": 12, "paid_twice": 3,
    }  # fmt: skip


def test_refunds_are_whole_partial_and_in_parts(evening_events: list[Arrived]) -> None:
    refunds = [event for event in of_type(evening_events, "order.refunded") if "amount_fen" in event]
    by_order = Counter(event["order_id"] for event in refunds)
    assert sum(event["refund_fen"] == event["amount_fen"] for event in refunds) > 1_000
    assert sum(count == 1 for count in by_order.values()) > 1_000
    assert sum(count > 1 for count in by_order.values()) > 100
    assert any(event["cluster_id"] is None for event in refunds)


# -- what a correct run must end in ---------------------------------------------------------------
def test_consumed_is_counted_resends_and_rejected(evening: list[Planned], evening_truth: Truth) -> None:
    totals = evening_truth.totals()
    assert totals["consumed"] == sum(totals.values()) - totals["consumed"]
    assert totals["consumed"] == len(evening) + DRIVEN_AGAIN

    def balanced(partition: PartitionCount) -> bool:
        return partition.consumed == partition.counted + partition.resends + sum(partition.rejected.values())

    assert all(balanced(partition) for partition in evening_truth.partitions)


def test_the_fur_session_is_the_record_in_all_five_scopes_gross_and_net(evening_truth: Truth) -> None:
    for metric in (GROSS, NET):
        for dimension, scope_id in (
            ("category", "womens-wear"),
            ("cluster", "haining-fur"),
            ("platform", "all"),
            ("merchant", "merchant-chensmchen"),
            ("anchor", "anchor-0001"),
        ):
            assert FUR_SESSION in alerts(evening_truth, "record.session", metric, dimension, scope_id)
    record = alerts(evening_truth, "record.session", GROSS, "category", "womens-wear")[FUR_SESSION]
    assert record.value_fen == 10_750_000_000
    assert record.previous == (BEST_EARLIER_SESSION, 9_000_000_000)
    assert (record.start_ms, record.end_ms) == (at(NIGHT, 16), at(NIGHT, 24))


def test_its_best_hour_is_a_peak_in_its_session_and_in_the_category(evening_truth: Truth) -> None:
    peaks = alerts(evening_truth, "peak.hour", GROSS, "session", FUR_SESSION)
    assert sorted(peaks) == ["2025-12-31T19", "2025-12-31T20", "2025-12-31T21"]
    assert peaks["2025-12-31T21"].value_fen == 2_500_000_000
    assert "2025-12-31T21" in alerts(evening_truth, "peak.hour", GROSS, "category", "womens-wear")
    assert "2025-12-31" in alerts(evening_truth, "peak.rolling", GROSS, "category", "womens-wear")


def test_refunds_take_a_record_back_in_net_terms_only(evening_truth: Truth) -> None:
    assert TAKEN_BACK_SESSION in alerts(evening_truth, "record.session", GROSS, "category", "womens-wear")
    assert TAKEN_BACK_SESSION not in alerts(evening_truth, "record.session", NET, "category", "womens-wear")


def test_held_back_orders_move_the_peak_of_their_session_an_hour_earlier(evening_truth: Truth) -> None:
    peaks = alerts(evening_truth, "peak.hour", GROSS, "session", "session-0003-20251231")
    assert {holder: peak.value_fen for holder, peak in peaks.items()} == {"2025-12-31T21": 720_000_000}
