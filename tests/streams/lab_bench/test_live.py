"""Live traffic: what the producer sends are valid orders of one life each, and probes cause what they are to cause."""

from collections import defaultdict

import msgspec
import pytest

from schemas.events import OrderEvent, SessionEvent, decode_order, decode_session
from streams.intake.admission import admit_order, admit_session
from streams.lab.bench.live import probes
from streams.lab.bench.live.ring import Ring
from streams.lab.bench.profile import PROFILES
from streams.lab.simulator.planned import ORDERS, SESSIONS
from streams.tally.windows import HOUR_MS, MINUTE_MS, SHANGHAI

PROFILE = PROFILES["stated"]
NOW_MS = SHANGHAI.start_ms("hour", 500_000) + 5 * MINUTE_MS
RING = Ring(PROFILE, 1, 500, 4)


def sent(count: int) -> list[OrderEvent]:
    return [decode_order(RING.ready(number, NOW_MS + number).value) for number in range(count)]


def test_every_event_is_admitted_and_none_is_ahead_of_its_arrival() -> None:
    for number in range(1_200):
        arrival_ms = NOW_MS + number
        admitted = admit_order(RING.ready(number, arrival_ms).value, arrival_ms, SHANGHAI)
        assert isinstance(admitted, OrderEvent)
        assert 0 < arrival_ms - admitted.event_time_ms <= 12_000


def test_no_event_comes_twice_in_several_rounds() -> None:
    assert len({event.event_id for event in sent(1_500)}) == 1_500


def test_all_events_of_an_order_share_a_partition() -> None:
    places = defaultdict(set)
    for number in range(1_500):
        ready = RING.ready(number, NOW_MS)
        places[ready.key].add(ready.partition)
    assert {len(each) for each in places.values()} == {1}
    assert {partition for each in places.values() for partition in each} == {0, 1, 2, 3}


def test_a_refund_is_of_an_order_that_was_paid_in_the_same_round() -> None:
    events = sent(1_500)
    paid = {event.order_id for event in events if event.event_type == "order.paid"}
    refunded = [event for event in events if event.event_type == "order.refunded"]
    assert len(refunded) > 10 and {event.order_id for event in refunded} <= paid


def test_numbers_begin_with_a_round() -> None:
    numbers = RING.numbers_of(3)
    assert [next(numbers), next(numbers)] == [1_500, 1_501]
    assert RING.ready(1_500, NOW_MS).key.startswith(b"000003")


# -- probes --------------------------------------------------------------------------------------
def test_a_probe_has_as_many_closed_hours_and_sessions_as_history_asks_for() -> None:
    past = probes.past(2, 3, NOW_MS, SHANGHAI)
    paid = [decode_order(record.value) for record in past if record.topic == ORDERS]
    hours = {SHANGHAI.hour(event.pay_time_ms or 0) for event in paid if event.anchor_id == probes.anchor_of(1)}
    assert hours == {500_000 - 2, 500_000 - 3, 500_000 - 4}
    sessions = [decode_session(record.value) for record in past if record.topic == SESSIONS]
    ended = {event.session_id for event in sessions if event.event_type == "session.ended"}
    assert {event.session_id for event in paid} == ended


def test_all_of_the_past_is_admitted_in_the_order_of_its_arrival() -> None:
    past = [*probes.past(3, 3, NOW_MS, SHANGHAI), *probes.started_sessions(PROFILE, NOW_MS)]
    for record in past:
        admit = admit_order if record.topic == ORDERS else admit_session
        assert isinstance(admit(record.value, record.arrival_ms, SHANGHAI), OrderEvent | SessionEvent)
        assert record.arrival_ms <= NOW_MS - HOUR_MS
    arrivals = [record.arrival_ms for record in past[: -PROFILE.sessions]]
    assert arrivals == sorted(arrivals)


def test_the_live_payment_is_above_every_past_one_and_in_an_open_session() -> None:
    past = probes.past(1, 3, NOW_MS, SHANGHAI)
    most = max(decode_order(record.value).amount_fen or 0 for record in past if record.topic == ORDERS)
    live = decode_order(probes.probe(0, NOW_MS)[1])
    assert (live.amount_fen or 0) > most
    events = [decode_session(record.value) for record in past if record.topic == SESSIONS]
    assert [event.event_type for event in events if event.session_id == live.session_id] == ["session.started"]


@pytest.mark.parametrize("name", ["session_id", "anchor_id", "cluster_id", "merchant_id", "category"])
def test_started_sessions_are_those_of_the_orders(name: str) -> None:
    started = {
        event["session_id"]: event[name]
        for event in (msgspec.json.decode(record.value) for record in probes.started_sessions(PROFILE, NOW_MS))
    }
    for event in sent(300):
        assert started[str(event.session_id)] == getattr(event, name)
