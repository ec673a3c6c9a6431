"""The fold: which windows an event lands in, and that nothing is lost between the dimensions."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.events import OrderEvent, SessionEvent
from streams.tally.counters import BUYER_HOUR_DIMENSIONS, COUNTERS, DIMENSIONS, MINUTE_DIMENSIONS
from streams.tally.fold import MINUTE_RETENTION_MS, Counted, Deltas, fold
from streams.tally.windows import MINUTE_MS, SHANGHAI

#: 2025-12-31T20:00+08:00
START_MS = 1_767_182_400_000
HOUR = SHANGHAI.hour(START_MS)
MINUTE = SHANGHAI.minute(START_MS)
CODES = "".join(COUNTERS)


def t(minutes: float) -> int:
    return START_MS + int(minutes * MINUTE_MS)


def order(event_type: str = "order.paid", **changes: Any) -> OrderEvent:
    fields: dict[str, Any] = {
        "event_id": "e", "event_type": event_type, "event_time_ms": t(0), "order_id": "o", "session_id": "s",
        "anchor_id": "a", "merchant_id": "m", "cluster_id": "c", "category": "womens-wear", "province": "p",
        "city": "ci", "channel": "live", "amount_fen": 100, "quantity": 2, "currency": "CNY", "buyer_id": "b",
        "pay_time_ms": t(0),
    }  # fmt: skip
    return OrderEvent(**{**fields, **changes})


def counted(event: OrderEvent | SessionEvent, offset: int = 0, arrival_ms: int = t(0), first: bool = False) -> Counted:
    return Counted(offset, arrival_ms, event, first)


def sums(deltas: Deltas, dimension: str = "platform", id: str = "all", hour: int = HOUR) -> dict[str, int]:
    return {
        code: value for code, value in zip(CODES, deltas.hours.get((dimension, id, hour), []), strict=False) if value
    }


def test_a_paid_order_counts_money_order_and_units_in_its_pay_hour() -> None:
    deltas = fold([counted(order(event_time_ms=t(-90), pay_time_ms=t(59.9)))], SHANGHAI)
    assert sums(deltas) == {"g": 100, "p": 1, "u": 2}
    assert sums(deltas, hour=HOUR - 2) == {}


def test_the_first_millisecond_of_an_hour_is_in_it_and_the_last_one_before_is_not() -> None:
    deltas = fold([counted(order(pay_time_ms=START_MS)), counted(order(pay_time_ms=START_MS - 1))], SHANGHAI)
    assert (sums(deltas)["g"], sums(deltas, hour=HOUR - 1)["g"]) == (100, 100)


def test_created_and_cancelled_count_by_event_time_and_move_no_money() -> None:
    events = [
        counted(order("order.created", event_time_ms=t(1))),
        counted(order("order.cancelled", event_time_ms=t(61))),
    ]
    deltas = fold(events, SHANGHAI)
    assert sums(deltas) == {"c": 1}
    assert sums(deltas, hour=HOUR + 1) == {"x": 1}


def test_a_refund_is_restated_to_the_pay_hour_and_booked_in_its_own() -> None:
    refund = order("order.refunded", event_time_ms=t(125), refund_id="r", refund_fen=40)
    deltas = fold([counted(refund, first=True)], SHANGHAI)
    assert sums(deltas) == {"r": 40, "o": 1}
    assert sums(deltas, hour=HOUR + 2) == {"b": 40}


def test_a_further_refund_of_an_order_adds_money_but_no_refunded_order() -> None:
    refund = order("order.refunded", refund_id="r", refund_fen=40)
    assert sums(fold([counted(refund, first=True), counted(refund)], SHANGHAI)) == {"r": 80, "o": 1, "b": 80}


def test_a_null_id_is_tallied_under_none() -> None:
    deltas = fold([counted(order(session_id=None, cluster_id=None))], SHANGHAI)
    assert sums(deltas, "session", "(none)") == sums(deltas, "cluster", "(none)") == {"g": 100, "p": 1, "u": 2}


def test_minutes_are_kept_for_the_dimensions_with_a_rolling_peak() -> None:
    deltas = fold([counted(order(pay_time_ms=t(7)))], SHANGHAI)
    assert {dimension for dimension, _, _ in deltas.minutes} == MINUTE_DIMENSIONS
    assert {minute for _, _, minute in deltas.minutes} == {MINUTE + 7}


def test_an_event_three_days_late_is_in_its_minute_and_a_millisecond_later_only_in_its_hour() -> None:
    just, late = t(0) + MINUTE_RETENTION_MS, t(0) + MINUTE_RETENTION_MS + 1
    assert fold([counted(order(), arrival_ms=just)], SHANGHAI).minutes
    deltas = fold([counted(order(), arrival_ms=late)], SHANGHAI)
    assert sums(deltas)["g"] == 100 and not deltas.minutes


def sketched(deltas: Deltas) -> dict[tuple[str, str, str, int], set[str]]:
    """The sketches with the names of their members."""
    return {key: {deltas.names[place] for place in places} for key, places in deltas.sketches.items()}


def test_buyers_are_sketched_for_sessions_and_for_the_hours_of_some_dimensions() -> None:
    sketches = sketched(fold([counted(order(buyer_id="b1")), counted(order(buyer_id="b2"))], SHANGHAI))
    buyers = {key: members for key, members in sketches.items() if key[0] == "buyers"}
    assert {key[1] for key in buyers} == BUYER_HOUR_DIMENSIONS | {"session"}
    assert all(members == {"b1", "b2"} for members in buyers.values())


def test_only_paid_orders_make_traders() -> None:
    assert not fold([counted(order("order.created"))], SHANGHAI).sketches
    sketches = sketched(fold([counted(order(anchor_id=None))], SHANGHAI))
    assert sketches["merchants", "cluster", "c", HOUR] == {"m"}
    assert not any(key[0] == "anchors" for key in sketches)


def test_evidence_keeps_the_first_offset_of_each_hour() -> None:
    events = [counted(order(pay_time_ms=t(61)), 5), counted(order(), 6), counted(order(pay_time_ms=t(62)), 7)]
    assert fold(events, SHANGHAI).first_offsets == {HOUR + 1: 5, HOUR: 6}


def session_event(event_type: str, event_id: str, time_ms: int) -> SessionEvent:
    return SessionEvent(
        event_id=event_id, event_type=event_type, event_time_ms=time_ms, session_id="s", room_id="r", anchor_id="a",
        merchant_id="m", cluster_id="c", category="womens-wear", title="x|y",
    )  # fmt: skip


def test_a_session_takes_its_least_start_and_end_in_any_order() -> None:
    events = [
        session_event("session.ended", "z", t(9)),
        session_event("session.ended", "b", t(8)),
        session_event("session.ended", "a", t(8)),
        session_event("session.started", "q", t(1)),
        session_event("session.started", "p", t(1)),
    ]
    for ordering in (events, events[::-1]):
        news = fold([counted(event) for event in ordering], SHANGHAI).sessions["s"]
        assert news.ended == f"{t(8):015d}|a\0"
        assert news.started.startswith(f"{t(1):015d}|p\0{{")
        assert (news.first_ms, news.last_ms) == (t(1), t(9))


def test_paid_orders_are_a_sign_of_life_of_their_session_and_created_ones_are_not() -> None:
    deltas = fold([counted(order(pay_time_ms=t(3))), counted(order("order.created", event_time_ms=t(5)))], SHANGHAI)
    assert deltas.sessions["s"].last_ms == t(3)


ids = st.sampled_from(["1", "2", None])
orders = st.builds(
    order,
    event_type=st.sampled_from(["order.created", "order.paid", "order.cancelled"]),
    event_time_ms=st.integers(t(-200), t(200)),
    pay_time_ms=st.integers(t(-200), t(200)),
    session_id=ids, anchor_id=ids, cluster_id=ids, province=ids, city=ids,
    amount_fen=st.integers(0, 10**12), quantity=st.integers(0, 9),
)  # fmt: skip


@given(st.lists(orders, max_size=40))
def test_every_dimension_adds_up_to_the_same(events: list[OrderEvent]) -> None:
    deltas = fold([counted(event, offset) for offset, event in enumerate(events)], SHANGHAI)
    totals = {dimension: [0] * len(CODES) for dimension in DIMENSIONS}
    for (dimension, _, _), row in deltas.hours.items():
        totals[dimension] = [a + b for a, b in zip(totals[dimension], row, strict=True)]
    assert all(total == totals["platform"] for total in totals.values())
    minutes = {dimension: [0] * len(CODES) for dimension in MINUTE_DIMENSIONS}
    for (dimension, _, _), row in deltas.minutes.items():
        minutes[dimension] = [a + b for a, b in zip(minutes[dimension], row, strict=True)]
    assert all(total == totals["platform"] for total in minutes.values())


@given(st.lists(orders, max_size=40), st.integers(0, 40))
def test_a_run_may_be_cut_anywhere(events: list[OrderEvent], at: int) -> None:
    every = [counted(event, offset) for offset, event in enumerate(events)]
    whole, parts = fold(every, SHANGHAI), [fold(every[:at], SHANGHAI), fold(every[at:], SHANGHAI)]
    for name in ("hours", "minutes"):
        together: dict[Any, list[int]] = {}
        for part in parts:
            for key, row in getattr(part, name).items():
                together[key] = [a + b for a, b in zip(together.get(key, [0] * len(CODES)), row, strict=True)]
        assert together == getattr(whole, name)


def test_what_stands_for_no_session_is_no_session() -> None:
    events = [order(session_id="(none)"), order(session_id=None)]
    started = session_event("session.started", "p", t(1))
    named = SessionEvent(
        **{name: getattr(started, name) for name in started.__struct_fields__} | {"session_id": "(none)"}
    )
    deltas = fold([counted(event) for event in [*events, named]], SHANGHAI)
    assert deltas.sessions == {} and sums(deltas, "session", "(none)")["p"] == 2
