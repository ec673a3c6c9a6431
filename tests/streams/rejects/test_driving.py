"""What is driven again: each record once, in the order of the log, under its first origin."""

import pytest

from schemas.rejects import MAX_BYTES
from streams.errors import TopicsWrong
from streams.rejects.driving import check_places, first_origin, plan
from tests.streams.rejects.making import reject


def test_the_origin_is_the_first_reject_of_a_record_however_often_it_was_driven() -> None:
    assert first_origin(reject(7)) == "t.orders/1/7"
    assert first_origin(reject(9, origin="t.orders/1/7")) == "t.orders/1/7"


def test_records_go_in_the_order_of_the_log() -> None:
    rejects = [reject(9), reject(2), reject(1, partition=0), reject(5, topic="t.live-sessions")]
    assert [(each.topic, each.partition, each.offset) for each in plan(rejects).records] == [
        ("t.live-sessions", 1, 5), ("t.orders", 0, 1), ("t.orders", 1, 2), ("t.orders", 1, 9),
    ]  # fmt: skip


def test_a_record_that_was_driven_and_refused_goes_once() -> None:
    planned = plan([reject(7), reject(9, origin="t.orders/1/7"), reject(12, origin="t.orders/1/7"), reject(8)])
    assert [each.offset for each in planned.records] == [8, 12]
    assert planned.repeated == 2


def test_what_was_too_large_has_no_bytes_and_a_record_without_a_value_goes_without_one() -> None:
    planned = plan([reject(1, b"x" * (MAX_BYTES + 1)), reject(2, b"x" * MAX_BYTES), reject(3, None), reject(4, b"")])
    assert [each.offset for each in planned.records] == [2, 3, 4]
    assert [each.offset for each in planned.without_bytes] == [1]


def test_nothing_is_driven_into_a_partition_that_is_gone() -> None:
    records = [reject(1), reject(2, partition=3)]
    check_places(records, {"t.orders": {0, 1, 2, 3}})
    with pytest.raises(TopicsWrong, match=r"no partition t.orders/3 any more, which 1 of the places need"):
        check_places(records, {"t.orders": {0, 1, 2}})
    with pytest.raises(TopicsWrong, match=r"no partition t.orders/1 any more, which 2"):
        check_places(records, {})
