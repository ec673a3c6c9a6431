"""Admission: every rule below, at and above its edge, and never an exception."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import ALSO_REQUIRED, MAX_AMOUNT_FEN, MIN_TIME_MS, TIME_LIMIT_MS, OrderEvent, SessionEvent
from schemas.faults import MAX_DEPTH
from schemas.rejects import MAX_BYTES, Reason
from streams.intake.admission import Refusal, admit_order, admit_session
from streams.intake.timely import AHEAD_MS, HOUR_RETENTION_MS
from streams.tally.windows import HOUR_MS, SHANGHAI
from tests.streams.intake.making import empty_book

#: 2025-01-01 00:00 in Shanghai
MIDNIGHT_MS = 1_735_660_800_000
ARRIVAL_MS = MIDNIGHT_MS + 5_000

PAID: dict[str, Any] = {
    "event_id": "evt-1",
    "event_type": "order.paid",
    "event_time_ms": MIDNIGHT_MS,
    "order_id": "sku-1",
    "parent_order_id": None,
    "session_id": "session-0042",
    "room_id": "room-0042",
    "anchor_id": "anchor-0042",
    "merchant_id": "merchant-0007",
    "cluster_id": "haining-fur",
    "category": "womens-wear",
    "province": "zhejiang",
    "city": None,
    "channel": "live",
    "amount_fen": 129_900,
    "quantity": 1,
    "currency": "CNY",
    "buyer_id": "buyer-8f41c2",
    "pay_time_ms": MIDNIGHT_MS,
}
CREATED = {**PAID, "event_type": "order.created", "pay_time_ms": None}
REFUND = {**PAID, "event_type": "order.refunded", "refund_id": "refund-1", "refund_fen": 129_900}
STARTED: dict[str, Any] = {
    "event_id": "evt-2",
    "event_type": "session.started",
    "event_time_ms": MIDNIGHT_MS,
    "session_id": "session-0042",
    "room_id": "room-0042",
    "anchor_id": "anchor-0042",
    "merchant_id": None,
    "cluster_id": None,
    "category": "womens-wear",
    "title": None,
}


def order(record: dict[str, Any] | bytes | None, arrival_ms: int = ARRIVAL_MS) -> OrderEvent | Refusal:
    """An admitted order event; of a refund also what its order says, which nothing is known of."""
    event = admit_order(json.dumps(record).encode() if isinstance(record, dict) else record, arrival_ms, SHANGHAI)
    if isinstance(event, Refusal) or event.event_type != "order.refunded":
        return event
    verdict, _ = empty_book().refund(event, 0, arrival_ms)
    return Refusal(verdict.what, verdict.detail) if isinstance(verdict.what, Reason) else verdict.event


def session(record: dict[str, Any] | bytes | None, arrival_ms: int = ARRIVAL_MS) -> SessionEvent | Refusal:
    return admit_session(json.dumps(record).encode() if isinstance(record, dict) else record, arrival_ms, SHANGHAI)


def reason(outcome: OrderEvent | SessionEvent | Refusal) -> Reason | None:
    """The reason of a refusal, None for an event."""
    return outcome.reason if isinstance(outcome, Refusal) else None


def test_an_order_event_has_the_fields_of_its_record() -> None:
    event = order({**PAID, "unknown": [1, {"deep": None}]})
    assert isinstance(event, OrderEvent)
    assert {name: getattr(event, name) for name in PAID} == PAID
    assert (event.refund_id, event.refund_fen) == (None, None)


def test_a_session_event_has_the_fields_of_its_record() -> None:
    event = session(STARTED)
    assert isinstance(event, SessionEvent)
    assert {name: getattr(event, name) for name in STARTED} == STARTED


@pytest.mark.parametrize("record", [PAID, CREATED, REFUND])
@pytest.mark.parametrize("name", list(PAID))
def test_absent_is_null_and_both_are_missing_where_the_type_needs_the_field(record: dict[str, Any], name: str) -> None:
    absent, null = order({k: v for k, v in record.items() if k != name}), order({**record, name: None})
    needed = name in ("event_id", "event_type", "event_time_ms", "order_id", "currency")
    if needed or name in ALSO_REQUIRED[record["event_type"]]:
        assert reason(absent) is reason(null) is Reason.MISSING_FIELD
    elif record is REFUND and name in ("merchant_id", "category", "channel", "amount_fen", "pay_time_ms"):
        assert absent == null == Refusal(Reason.UNKNOWN_ORDER, f"not known of the order: {name}")
    else:
        assert absent == null
        assert isinstance(absent, OrderEvent)
        assert getattr(absent, name) is None


@pytest.mark.parametrize("name", ["refund_id", "refund_fen"])
def test_a_refund_needs_its_own_two_fields(name: str) -> None:
    assert order({**REFUND, name: None}) == Refusal(Reason.MISSING_FIELD, f"{name}: needed for this event type")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Reason.NOT_JSON),
        (b"", Reason.NOT_JSON),
        (b"   ", Reason.NOT_JSON),
        (b"null", Reason.NOT_JSON),
        (b"17", Reason.NOT_JSON),
        (b'"text"', Reason.NOT_JSON),
        (b"[{}]", Reason.NOT_JSON),
        (b"{", Reason.NOT_JSON),
        (b"{}{}", Reason.NOT_JSON),
        (b"{'event_id': 1}", Reason.NOT_JSON),
        (b'{"x": NaN}', Reason.NOT_JSON),
        (b'{"x": Infinity}', Reason.NOT_JSON),
        (b'{"x": 01}', Reason.NOT_JSON),
        (b'{"x": "\xff"}', Reason.NOT_JSON),
        (b'{"\xff": 1}', Reason.NOT_JSON),
        (b'{"x": "\xed\xa0\x80"}', Reason.NOT_JSON),
        (b'{"x": "\\udc00"}', Reason.NOT_JSON),
        (b'{"x": "line\nbreak"}', Reason.NOT_JSON),
        (b"\xef\xbb\xbf{}", Reason.NOT_JSON),
        (b"{}", Reason.MISSING_FIELD),
        (b'{"x": 1e400}', Reason.MISSING_FIELD),
    ],
)
def test_bytes_that_are_no_json_object(value: bytes | None, expected: Reason) -> None:
    assert reason(order(value)) is expected
    assert reason(session(value)) is expected


def padded(record: dict[str, Any], size: int) -> bytes:
    bare = json.dumps({**record, "pad": ""}).encode()
    return bare[:-2] + b"x" * (size - len(bare)) + b'"}'


@pytest.mark.parametrize(
    ("size", "expected"), [(MAX_BYTES - 1, None), (MAX_BYTES, None), (MAX_BYTES + 1, Reason.TOO_LARGE)]
)
def test_64_kib_are_the_most(size: int, expected: Reason | None) -> None:
    assert len(padded(PAID, size)) == size
    assert reason(order(padded(PAID, size))) is expected
    assert reason(session(padded(STARTED, size))) is expected


@pytest.mark.parametrize("opened", [b"[", b'{"a":'])
@pytest.mark.parametrize(
    ("levels", "expected"), [(MAX_DEPTH, None), (MAX_DEPTH + 1, Reason.NOT_JSON), (10_000, Reason.NOT_JSON)]
)
def test_nesting_has_a_limit_of_its_own(opened: bytes, levels: int, expected: Reason | None) -> None:
    inner = levels - 1
    closed = b"]" if opened == b"[" else b"}"
    nested = opened * inner + b"0" + closed * inner
    assert reason(order(json.dumps(PAID).encode()[:-1] + b', "x": ' + nested + b"}")) is expected


def test_brackets_in_text_are_no_nesting() -> None:
    text = '[{"' * 2_000 + "\\"
    assert reason(order({**PAID, "note": text})) is None


@pytest.mark.parametrize("name", ["event_id", "order_id", "session_id", "merchant_id", "category", "buyer_id", "city"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", Reason.MISTYPED_FIELD),
        ("x", None),
        ("x" * 128, None),
        ("衣" * 128, None),
        ("x" * 129, Reason.MISTYPED_FIELD),
        (7, Reason.MISTYPED_FIELD),
        (True, Reason.MISTYPED_FIELD),
        (["x"], Reason.MISTYPED_FIELD),
        ({"id": "x"}, Reason.MISTYPED_FIELD),
    ],
)
def test_ids_are_strings_of_1_to_128_characters(name: str, value: Any, expected: Reason | None) -> None:
    assert reason(order({**PAID, name: value})) is expected


THIRTY_DIGITS = int("9" * 30)


@pytest.mark.parametrize("wrong", ["1", 1.0, 1.5, 1e300, True, [1], {"fen": 1}])
@pytest.mark.parametrize("name", ["event_time_ms", "pay_time_ms", "amount_fen", "refund_fen", "quantity"])
def test_numbers_are_whole_and_written_so(name: str, wrong: Any) -> None:
    refusal = order({**REFUND, name: wrong})
    assert reason(refusal) is Reason.MISTYPED_FIELD
    assert isinstance(refusal, Refusal)
    assert refusal.detail.startswith(f"{name}: expected a whole number")


@pytest.mark.parametrize("name", ["amount_fen", "refund_fen"])
@pytest.mark.parametrize("value", [-1, MAX_AMOUNT_FEN + 1, THIRTY_DIGITS, -THIRTY_DIGITS])
def test_amounts_out_of_range(name: str, value: int) -> None:
    assert reason(order({**REFUND, name: value})) is Reason.AMOUNT_OUT_OF_RANGE


@pytest.mark.parametrize("digits", [b"9" * 30, b"9" * 4_300, b"9" * 4_301, b"9" * 60_000, b"-" + b"9" * 4_300])
def test_integers_of_any_length_are_out_of_range_and_not_mistyped(digits: bytes) -> None:
    value = json.dumps(PAID).encode().replace(b"129900", digits)
    assert order(value) == Refusal(Reason.AMOUNT_OUT_OF_RANGE, "amount_fen: negative or above 10^12 fen")


@pytest.mark.parametrize("value", [0, MAX_AMOUNT_FEN])
def test_amounts_at_the_edge_of_their_range(value: int) -> None:
    assert reason(order({**PAID, "amount_fen": value})) is None
    assert reason(order({**REFUND, "amount_fen": value, "refund_fen": value})) is None


@pytest.mark.parametrize(
    ("value", "expected"), [(-1, Reason.MISTYPED_FIELD), (0, None), (10**9, None), (10**9 + 1, Reason.MISTYPED_FIELD)]
)
def test_quantities(value: int, expected: Reason | None) -> None:
    assert reason(order({**PAID, "quantity": value})) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("CNY", None), ("cny", Reason.CURRENCY), ("", Reason.CURRENCY), (156, Reason.MISTYPED_FIELD)],
)
def test_the_currency(value: Any, expected: Reason | None) -> None:
    assert reason(order({**PAID, "currency": value})) is expected


@pytest.mark.parametrize("value", ["radio", "LIVE", "", 1])
def test_the_channel(value: Any) -> None:
    assert reason(order({**PAID, "channel": value})) is Reason.MISTYPED_FIELD


def test_types_belong_to_their_topic() -> None:
    assert reason(order({**PAID, "event_type": "session.started"})) is Reason.UNKNOWN_TYPE
    assert reason(session({**STARTED, "event_type": "order.paid"})) is Reason.UNKNOWN_TYPE
    assert reason(order({**PAID, "event_type": 101})) is Reason.MISTYPED_FIELD


@pytest.mark.parametrize("name", ["event_time_ms", "pay_time_ms"])
@pytest.mark.parametrize(
    "value", [0, -1, MIN_TIME_MS - 1, TIME_LIMIT_MS, MIDNIGHT_MS // 1000, MIDNIGHT_MS * 1000, THIRTY_DIGITS]
)
def test_times_out_of_range(name: str, value: int) -> None:
    assert reason(order({**PAID, name: value})) is Reason.TIME_OUT_OF_RANGE
    assert reason(order({**CREATED, name: value})) is Reason.TIME_OUT_OF_RANGE


def test_the_first_instant_of_2015_and_the_last_before_the_limit() -> None:
    for time_ms in (MIN_TIME_MS, TIME_LIMIT_MS - 1):
        record = {**PAID, "event_time_ms": time_ms, "pay_time_ms": time_ms}
        assert reason(order(record, arrival_ms=time_ms)) is None


@pytest.mark.parametrize(("plus_ms", "expected"), [(-1, None), (0, None), (1, Reason.TIME_AHEAD)])
def test_a_deciding_time_is_at_most_24_hours_ahead(plus_ms: int, expected: Reason | None) -> None:
    time_ms = ARRIVAL_MS + AHEAD_MS + plus_ms
    assert reason(order({**PAID, "pay_time_ms": time_ms})) is expected
    assert reason(order({**CREATED, "event_time_ms": time_ms})) is expected
    assert reason(order({**CREATED, "event_type": "order.cancelled", "event_time_ms": time_ms})) is expected
    assert reason(order({**REFUND, "event_time_ms": time_ms})) is expected
    assert reason(order({**REFUND, "pay_time_ms": time_ms})) is expected
    assert reason(session({**STARTED, "event_time_ms": time_ms})) is expected


def test_a_time_that_decides_nothing_may_be_ahead_or_old() -> None:
    for time_ms in (ARRIVAL_MS + 10 * AHEAD_MS, ARRIVAL_MS - 2 * HOUR_RETENTION_MS):
        assert reason(order({**PAID, "event_time_ms": time_ms})) is None
        assert reason(order({**CREATED, "pay_time_ms": time_ms})) is None


@pytest.mark.parametrize(("plus_ms", "expected"), [(-1, Reason.EXPIRED), (0, None), (1, None)])
def test_the_oldest_hour_is_the_one_of_35_days_before_arrival(plus_ms: int, expected: Reason | None) -> None:
    arrival_ms = MIDNIGHT_MS + 20 * 60_000
    oldest_hour_ms = MIDNIGHT_MS - HOUR_RETENTION_MS
    time_ms = oldest_hour_ms + plus_ms
    assert SHANGHAI.start_ms("hour", SHANGHAI.hour(oldest_hour_ms)) == oldest_hour_ms
    assert reason(order({**PAID, "pay_time_ms": time_ms}, arrival_ms)) is expected
    assert reason(order({**CREATED, "event_time_ms": time_ms}, arrival_ms)) is expected
    assert reason(order({**REFUND, "event_time_ms": time_ms}, arrival_ms)) is expected
    assert reason(order({**REFUND, "pay_time_ms": time_ms}, arrival_ms)) is expected
    assert reason(session({**STARTED, "event_time_ms": time_ms}, arrival_ms)) is expected


@pytest.mark.parametrize(
    ("fen", "expected"), [(129_899, None), (129_900, None), (129_901, Reason.REFUND_EXCEEDS_ORDER)]
)
def test_a_refund_alone_gives_back_at_most_the_order(fen: int, expected: Reason | None) -> None:
    assert reason(order({**REFUND, "refund_fen": fen})) is expected


def test_the_earliest_fault_in_the_order_of_the_rules_is_the_reason() -> None:
    record = json.dumps({
        **{name: value for name, value in PAID.items() if name != "order_id"},
        "event_type": "order.shipped", "anchor_id": 7, "amount_fen": -1, "currency": "USD", "pay_time_ms": 1,
    })  # fmt: skip
    found = []
    for wrong, right in (
        ("order.shipped", "order.paid"),
        ('"anchor_id": 7', '"anchor_id": "a", "order_id": 7'),
        ('"order_id": 7', '"order_id": "o"'),
        ('"amount_fen": -1', '"amount_fen": 1'),
        ("USD", "CNY"),
        ('"pay_time_ms": 1', f'"pay_time_ms": {ARRIVAL_MS + AHEAD_MS + 1}'),
        (str(ARRIVAL_MS + AHEAD_MS + 1), str(ARRIVAL_MS)),
    ):
        found.append(reason(order(record.encode())))
        assert wrong in record
        record = record.replace(wrong, right)
    assert found == [
        Reason.UNKNOWN_TYPE,
        Reason.MISSING_FIELD,
        Reason.MISTYPED_FIELD,
        Reason.AMOUNT_OUT_OF_RANGE,
        Reason.CURRENCY,
        Reason.TIME_OUT_OF_RANGE,
        Reason.TIME_AHEAD,
    ]
    assert reason(order(record.encode())) is None


def test_of_a_field_that_stands_twice_the_last_counts_and_each_must_be_right() -> None:
    both = json.dumps(PAID).encode()[:-1]
    event = order(both + b', "quantity": 5}')
    assert isinstance(event, OrderEvent)
    assert event.quantity == 5
    assert reason(order(both + b', "quantity": "5"}')) is Reason.MISTYPED_FIELD
    twice = b'{"quantity": "5", ' + both[1:] + b"}"
    assert order(twice) == Refusal(Reason.MISTYPED_FIELD, "a field stands twice, and the first is wrong")


# -- whatever comes ---------------------------------------------------------------------------------

ID_FIELDS = (
    "event_id", "order_id", "parent_order_id", "session_id", "room_id", "anchor_id", "merchant_id", "cluster_id",
    "category", "province", "city", "buyer_id", "refund_id",
)  # fmt: skip
AMOUNTS, TIMES = ("amount_fen", "refund_fen"), ("event_time_ms", "pay_time_ms")
ORDER_TYPES = ("order.created", "order.paid", "order.cancelled", "order.refunded")
WHOLE = (*AMOUNTS, *TIMES, "quantity")

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-2, 10**14 + 2),
    st.integers(ARRIVAL_MS - 40 * AHEAD_MS, ARRIVAL_MS + 2 * AHEAD_MS),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(["", "x" * 129, "CNY", "live", *ALSO_REQUIRED]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.none(), max_size=2),
)


NUMBERS = st.one_of(
    st.integers(-2, 130_000),
    st.integers(ARRIVAL_MS - 40 * AHEAD_MS, ARRIVAL_MS + 2 * AHEAD_MS),
    st.sampled_from([MAX_AMOUNT_FEN + 1, MIN_TIME_MS - 1, TIME_LIMIT_MS, THIRTY_DIGITS]),
)


def replacement(name: str) -> st.SearchStrategy[tuple[str, Any]]:
    """A field with another value: mostly one of its own kind, at times anything."""
    return st.tuples(st.just(name), st.one_of(NUMBERS, NUMBERS, VALUES) if name in WHOLE else VALUES)


def changes(record: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """`record` with a few fields replaced or removed."""
    names = st.sampled_from([*sorted(record), *(name for name in WHOLE if name in record)])
    return st.builds(
        lambda new, gone: {name: value for name, value in {**record, **new}.items() if name not in gone},
        st.lists(names.flatmap(replacement), max_size=3).map(dict),
        st.sets(names, max_size=1),
    )


ORDERS = st.one_of(changes(PAID), changes(CREATED), changes(REFUND))


@given(st.one_of(st.none(), st.binary(max_size=200), st.text().map(str.encode)), st.integers(0, 10**15))
def test_any_bytes_are_admitted_or_refused(value: bytes | None, arrival_ms: int) -> None:
    assert isinstance(order(value, arrival_ms), OrderEvent | Refusal)
    assert isinstance(session(value, arrival_ms), SessionEvent | Refusal)


@settings(max_examples=300)
@given(ORDERS)
def test_an_order_is_judged_as_its_rules_say_in_plain_python(record: dict[str, Any]) -> None:
    outcome = order(record)
    assert reason(outcome) is plain_reason(json.loads(json.dumps(record)))
    assert outcome == order(record)


@given(changes(STARTED))
def test_a_session_is_admitted_or_refused_with_a_reason_of_its_own(record: dict[str, Any]) -> None:
    outcome = session(record)
    assert isinstance(outcome, SessionEvent | Refusal)
    if isinstance(outcome, SessionEvent):
        assert {name: getattr(outcome, name) for name in STARTED} == {name: record.get(name) for name in STARTED}


@given(ORDERS, st.integers(0, 600), st.integers(0, 255))
def test_a_flipped_byte_never_raises(record: dict[str, Any], at: int, byte: int) -> None:
    value = bytearray(json.dumps(record).encode())
    value[at % len(value)] = byte
    assert isinstance(order(bytes(value)), OrderEvent | Refusal)


@given(ORDERS)
def test_a_detail_tells_no_value(record: dict[str, Any]) -> None:
    secret = "buyer-that-must-not-show"
    outcome = order({**record, "buyer_id": secret, "city": secret, "event_type": record.get("event_type")})
    assert not isinstance(outcome, Refusal) or secret not in outcome.detail


def plain_reason(record: dict[str, Any]) -> Reason | None:
    """The rules once more, slow and without a schema, in the order in which they decide."""
    if any(value != value or value in (float("inf"), -float("inf")) for value in record.values()):
        return Reason.NOT_JSON
    event_type = record.get("event_type")
    if isinstance(event_type, str) and event_type not in ORDER_TYPES:
        return Reason.UNKNOWN_TYPE
    return plain_shape(record) or plain_range(record) or plain_sense(record)


def plain_shape(record: dict[str, Any]) -> Reason | None:
    event_type = record.get("event_type")
    also = ALSO_REQUIRED[event_type] if isinstance(event_type, str) else ()
    needed = {"event_id", "event_type", "event_time_ms", "order_id", "currency", *also}
    for name in OrderEvent.__struct_fields__:
        value = record.get(name)
        if value is None:
            if name in needed:
                return Reason.MISSING_FIELD
        elif not plain_fit(name, value):
            return Reason.MISTYPED_FIELD
    return None


def plain_fit(name: str, value: Any) -> bool:
    if name in WHOLE:
        return type(value) is int and (name != "quantity" or 0 <= value <= 10**9)
    if name == "channel":
        return value in ("live", "shelf", "short_video") and isinstance(value, str)
    return isinstance(value, str) and (name not in ID_FIELDS or 0 < len(value) <= 128)


def plain_range(record: dict[str, Any]) -> Reason | None:
    for name in OrderEvent.__struct_fields__:
        value = record.get(name)
        if value is None:
            continue
        if name == "currency" and value != "CNY":
            return Reason.CURRENCY
        if name in AMOUNTS and not 0 <= value <= MAX_AMOUNT_FEN:
            return Reason.AMOUNT_OUT_OF_RANGE
        if name in TIMES and not MIN_TIME_MS <= value < TIME_LIMIT_MS:
            return Reason.TIME_OUT_OF_RANGE
    return None


def plain_sense(record: dict[str, Any]) -> Reason | None:
    deciding = [record["pay_time_ms"] if record["event_type"] == "order.paid" else record["event_time_ms"]]
    if record["event_type"] == "order.refunded":
        if any(
            record.get(name) is None for name in ("merchant_id", "category", "channel", "amount_fen", "pay_time_ms")
        ):
            return Reason.UNKNOWN_ORDER
        if record["refund_fen"] > record["amount_fen"]:
            return Reason.REFUND_EXCEEDS_ORDER
        deciding.append(record["pay_time_ms"])
    if max(deciding) - ARRIVAL_MS > 24 * HOUR_MS:
        return Reason.TIME_AHEAD
    # hours since 1970, counted in Shanghai's eight hours ahead
    hours = [(time_ms + 8 * HOUR_MS) // HOUR_MS for time_ms in (min(deciding), ARRIVAL_MS)]
    return Reason.EXPIRED if hours[1] - hours[0] > 35 * 24 else None
