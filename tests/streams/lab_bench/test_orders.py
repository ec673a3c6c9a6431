"""The bench's orders are what the profile says, and the same ones every time."""

import tracemalloc
from collections import Counter
from itertools import islice
from typing import Any

import msgspec
import pytest

from schemas.events import OrderEvent, decode_order
from streams.intake.admission import admit_order
from streams.lab.bench.orders import START_MS, Totals, orders
from streams.lab.bench.profile import CHANNELS, ORDER_TYPES, PROFILES, Profile
from streams.lab.simulator.planned import Planned
from streams.tally.windows import SHANGHAI

STATED = PROFILES["stated"]
COUNT = 20_000


@pytest.fixture(scope="module")
def totals() -> Totals:
    return Totals()


@pytest.fixture(scope="module")
def records(totals: Totals) -> list[Planned]:
    return list(orders(STATED, 1, COUNT, totals))


@pytest.fixture(scope="module")
def events(records: list[Planned]) -> list[OrderEvent]:
    return [decode_order(record.value) for record in records]


def shares(values: list[Any]) -> dict[Any, float]:
    return {value: count / len(values) for value, count in Counter(values).items()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(records: list[Planned]) -> None:
    assert list(orders(STATED, 1, 500, Totals())) == records[:500]
    assert list(orders(STATED, 2, 500, Totals())) != records[:500]


def test_a_million_anchors_are_made_without_holding_their_names() -> None:
    tracemalloc.start()
    try:
        events = [decode_order(record.value) for record in islice(orders(PROFILES["hard"], 1, 2_000, Totals()), 2_000)]
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # names in dictionaries would be 2 GB; what is left are the steps of the dice and the sums of the peers' job
    assert peak_bytes < 150e6
    assert len({each.anchor_id for each in events}) > 900  # of 2,000 events; the stated profile has 700
    assert any(len(str(each.anchor_id)) == len("anchor-500000") for each in events)


def test_types_and_channels_have_their_shares(events: list[OrderEvent]) -> None:
    types, channels = shares([each.event_type for each in events]), shares([each.channel for each in events])
    assert types == {
        name: pytest.approx(share, abs=0.01) for name, share in zip(ORDER_TYPES, STATED.type_shares, strict=True)
    }
    assert channels == {
        name: pytest.approx(share, abs=0.015) for name, share in zip(CHANNELS, STATED.channel_shares, strict=True)
    }


def test_nearly_every_anchor_and_cluster_has_sold_by_now(events: list[OrderEvent]) -> None:
    assert 0.98 * STATED.anchors <= len({each.anchor_id for each in events}) <= STATED.anchors
    assert 0.98 * STATED.clusters <= len({each.cluster_id for each in events}) <= STATED.clusters


def test_sessions_sell_by_zipf(events: list[OrderEvent]) -> None:
    sold = Counter(each.session_id for each in events)
    harmonic = sum(1 / rank for rank in range(1, STATED.sessions + 1))
    assert sold["session-0000"] / COUNT == pytest.approx(1 / harmonic, rel=0.1)
    assert sold["session-0009"] / COUNT == pytest.approx(0.1 / harmonic, rel=0.25)


def test_an_event_has_about_400_bytes_and_all_nine_ids(records: list[Planned], totals: Totals) -> None:
    assert 380 <= totals.bytes / COUNT <= 460
    wanted = {"session_id", "anchor_id", "merchant_id", "cluster_id", "category", "province", "city", "channel"}
    assert all(wanted <= msgspec.json.decode(record.value).keys() for record in records[:200])


def test_every_event_is_admitted(records: list[Planned]) -> None:
    outcomes = {type(admit_order(record.value, record.arrival_ms, SHANGHAI)) for record in records}
    assert outcomes == {OrderEvent}


def test_arrivals_ascend_at_the_stated_rate(records: list[Planned]) -> None:
    arrivals = [record.arrival_ms for record in records]
    assert arrivals == sorted(arrivals)
    assert (arrivals[0], arrivals[-1]) == (START_MS, START_MS + (COUNT - 1) * 1_000 // STATED.events_a_second)


def test_no_event_id_comes_twice(events: list[OrderEvent]) -> None:
    assert len({each.event_id for each in events}) == COUNT


def test_a_refund_is_of_an_order_paid_before_and_the_only_one(events: list[OrderEvent]) -> None:
    paid: dict[str, OrderEvent] = {}
    refunded: set[str] = set()
    for event in events:
        if event.event_type == "order.paid":
            assert event.order_id not in paid
            paid[event.order_id] = event
        elif event.event_type == "order.refunded":
            order = paid[event.order_id]
            assert event.order_id not in refunded
            assert (event.pay_time_ms, event.amount_fen) == (order.pay_time_ms, order.amount_fen)
            assert 0 < (event.refund_fen or 0) <= (order.amount_fen or 0)
            refunded.add(event.order_id)
    assert refunded


def test_all_events_of_an_order_have_its_key(records: list[Planned], events: list[OrderEvent]) -> None:
    assert all(record.key == event.order_id for record, event in zip(records, events, strict=True))


def test_totals_are_those_of_the_events(events: list[OrderEvent], records: list[Planned], totals: Totals) -> None:
    paid = [each for each in events if each.event_type == "order.paid"]
    gmv_fen = sum(each.amount_fen or 0 for each in paid)
    assert totals.events == COUNT and totals.bytes == sum(len(record.value) for record in records)
    assert totals.counters["gmv_fen"] == sum(totals.gmv_fen.values()) == gmv_fen
    assert totals.counters["orders_paid"] == len(paid)
    assert totals.counters["refund_fen"] == sum(each.refund_fen or 0 for each in events)
    assert totals.span_ms == records[-1].arrival_ms - START_MS


def test_a_first_refund_without_a_paid_order_becomes_a_payment() -> None:
    only_refunds = Profile("refunds", type_shares=(0.0, 0.0, 0.0, 1.0))
    first, second = (decode_order(record.value) for record in orders(only_refunds, 1, 2, Totals()))
    assert (first.event_type, second.event_type) == ("order.paid", "order.refunded")
    assert first.order_id == second.order_id
