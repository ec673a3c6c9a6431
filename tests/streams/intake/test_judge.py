"""Judging: every record of a chunk becomes counted, a resend or a reject, and any cut of the verdicts adds up."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import OrderEvent
from schemas.rejects import Reason
from streams.intake.judge import TRUST_AHEAD_MS, Judged, record_crc
from streams.intake.order import Order, order_digest
from streams.intake.resends import ResendMemory
from tests.streams.intake.making import (
    DEDUPE_MS,
    MIDNIGHT_MS,
    ORDERS_MS,
    Rec,
    as_bytes,
    chunk,
    empty_book,
    judged,
    paid,
    records,
    refund,
)

BAD = b"no json"


def outcomes(it: Judged) -> str:
    """One letter a record, in log order: c counted, r resend, x reject."""
    found = {each.offset: "c" for each in it.counted}
    found |= dict.fromkeys(it.resends, "r")
    found |= {each.record.offset: "x" for each in it.rejects}
    return "".join(found[each.offset] for each in it.chunk.records)


# -- the three outcomes ------------------------------------------------------------------------
def test_each_record_has_one_outcome_in_the_order_of_the_log() -> None:
    it = judged(records([paid("a"), BAD, paid("b"), paid("a"), BAD, paid("c")], start=40))
    assert outcomes(it) == "cxcrxc"
    assert [each.offset for each in it.counted] == [40, 42, 45]
    assert it.resends == [43]
    assert [(each.record.offset, each.reason) for each in it.rejects] == [
        (41, Reason.NOT_JSON),
        (44, Reason.NOT_JSON),
    ]


def test_a_malformed_copy_is_a_reject_and_a_repaired_one_is_no_resend() -> None:
    broken = paid("a", currency="USD")
    assert outcomes(judged(records([broken, paid("a"), broken, paid("a")]))) == "xcxr"


def test_a_resend_of_a_refund_is_a_resend_although_nothing_is_left_of_the_order() -> None:
    it = judged(records([refund("r", 100), refund("r", 100), refund("s", 1)]))
    assert outcomes(it) == "crx"
    assert it.rejects[0].reason is Reason.REFUND_EXCEEDS_ORDER


def test_a_refund_that_was_refused_is_judged_again_when_it_comes_again() -> None:
    """It is not remembered as seen; else driving it again once its cause is gone would drop it in silence."""
    assert outcomes(judged(records([refund("a", 60), refund("b", 60), refund("b", 60)]))) == "cxx"


def test_refunds_are_first_further_or_too_much_in_the_order_of_the_log() -> None:
    it = judged(records([refund("a", 40), refund("b", 60), refund("c", 1), refund("d", 100, "order-2"), paid("e")]))
    assert outcomes(it) == "ccxcc"
    assert [each.first_refund for each in it.counted] == [True, False, True, False]


def test_a_copy_beyond_the_horizon_is_a_new_event() -> None:
    event = paid("a", event_type="order.created")
    first, late = records([event]), records([event], start=1, arrival_ms=MIDNIGHT_MS + DEDUPE_MS + 1)
    assert outcomes(judged([*first, *late])) == "cc"


def test_a_payment_that_comes_again_beyond_the_horizon_is_one_too_many() -> None:
    first, late = records([paid("a")]), records([paid("a")], start=1, arrival_ms=MIDNIGHT_MS + DEDUPE_MS + 1)
    it = judged([*first, *late])
    assert outcomes(it) == "cx"
    assert it.rejects[0].reason is Reason.PAID_TWICE


# -- below the fence ---------------------------------------------------------------------------
def test_a_refund_below_the_fence_that_is_not_in_the_book_was_a_resend() -> None:
    """Its first copy may lie before what is read again. Judged anew it would be too much, and then be forgotten."""
    copies = records([refund("r", 100), refund("r", 100)], start=50)
    book = empty_book(fence=51)
    book.orders[order_digest("order-1")] = [Order(MIDNIGHT_MS, verdicts={10: 100})]
    it = judged(copies, book=book)
    assert outcomes(it) == "rr"
    assert it.touched_in(0, 60) == []


def test_a_payment_below_the_fence_that_is_not_in_the_book_was_a_resend() -> None:
    """As above; taken for a second payment it would be forgotten, and the next copy be refused instead of dropped."""
    book = judged(records([paid("p")], start=10)).book
    book.fence = 52
    assert outcomes(judged(records([paid("p"), paid("p")], start=50), book=book)) == "rr"


def test_a_refund_below_the_fence_that_was_refused_is_refused_again_and_not_remembered() -> None:
    recs = records([refund("a", 100), refund("b", 1), refund("b", 1)], start=49)
    book = judged(recs).book
    book.fence = 52
    assert outcomes(judged(recs[1:], book=book)) == "xx"


# -- orders ------------------------------------------------------------------------------------
def test_a_second_payment_of_an_order_is_refused() -> None:
    again = paid("b", order_id="order-a")
    assert outcomes(judged(records([paid("a"), again, again]))) == "cxx"
    assert outcomes(judged(records([paid("a"), again]), book=empty_book(index=False))) == "cc"


def bare(event_id: str, fen: int, order_id: str = "order-a") -> dict[str, Any]:
    """A refund as the platforms send it."""
    kept = ("event_id", "event_type", "event_time_ms", "order_id", "refund_id", "refund_fen", "currency")
    return {name: value for name, value in refund(event_id, fen, order_id).items() if name in kept}


def test_a_refund_belongs_where_its_order_does() -> None:
    order = paid("a", anchor_id="anchor-1", province="zhejiang", pay_time_ms=MIDNIGHT_MS - 60_000)
    says = {**refund("r", 30, "order-a", 60, anchor_id="anchor-2"), "pay_time_ms": MIDNIGHT_MS}
    it = judged(records([order, bare("q", 40), says, bare("s", 31)]))
    assert outcomes(it) == "cccx"
    for each in it.counted[1:]:
        assert isinstance(each.event, OrderEvent)
        assert (each.event.anchor_id, each.event.province, each.event.category) == (
            "anchor-1",
            "zhejiang",
            "womens-wear",
        )
        assert (each.event.pay_time_ms, each.event.amount_fen) == (MIDNIGHT_MS - 60_000, 100)


def test_a_refund_before_its_order_waits_and_is_counted_when_it_is_driven_again() -> None:
    early, order = records([bare("r", 40), paid("a")])
    again = early._replace(offset=2, headers=[("hightide-origin", b"orders/0/0")])
    it = judged([early, order, again, again._replace(offset=3)])
    assert outcomes(it) == "xccr"
    assert [each.reason for each in it.rejects] == [Reason.UNKNOWN_ORDER]
    assert it.book.orders[order_digest("order-a")][0].waiting() == [0]


def test_a_refund_of_an_old_order_is_refused() -> None:
    order, soon, late = records([paid("a"), bare("r", 40), bare("s", 40)])
    soon = soon._replace(timestamp=order.timestamp + ORDERS_MS)
    late = late._replace(timestamp=order.timestamp + ORDERS_MS + 1)
    assert outcomes(judged([order, soon, late])) == "ccx"


# -- driven again ------------------------------------------------------------------------------
def test_an_origin_settles_once_whatever_its_event_id() -> None:
    origin = [("hightide-origin", b"orders/0/7")]
    recs = [each._replace(headers=origin) for each in records([BAD, paid("a"), paid("b"), BAD])]
    assert outcomes(judged(recs)) == "xcrx"


# -- trust -------------------------------------------------------------------------------------
@pytest.mark.parametrize(("ahead_ms", "trusted"), [(0, True), (TRUST_AHEAD_MS, True), (TRUST_AHEAD_MS + 1, False)])
def test_a_clock_is_trusted_up_to_five_minutes_ahead(ahead_ms: int, trusted: bool) -> None:
    event = paid("a", event_time_ms=MIDNIGHT_MS + ahead_ms)
    assert TRUST_AHEAD_MS == 5 * 60_000
    assert judged(records([event])).progress(0, 1).trusted_ms == (MIDNIGHT_MS + ahead_ms if trusted else 0)


def test_resends_are_trusted_and_rejects_are_not() -> None:
    late = records([paid("a", event_time_ms=MIDNIGHT_MS + 9_000)], start=1)
    early = records([paid("a")])
    assert judged([*early, *late]).progress(1, 2).trusted_ms == MIDNIGHT_MS + 9_000
    refused = records([refund("a", 101, event_time_ms=MIDNIGHT_MS + 9_000)])
    assert judged(refused).progress(0, 1).trusted_ms == 0


# -- progress ----------------------------------------------------------------------------------
def test_progress_counts_and_identifies_its_last_record() -> None:
    recs = records([paid("a"), BAD, paid("a"), paid("b")], start=5)
    progress = judged(recs).progress(6, 8)
    assert (progress.start, progress.stop) == (6, 8)
    assert (progress.counted, progress.resends, progress.rejected) == (0, 1, 1)
    assert (progress.last_crc, progress.last_ms) == (record_crc(recs[2]), recs[2].timestamp)
    assert progress.arrival_ms == recs[2].timestamp


@pytest.mark.parametrize(("highwater", "unread"), [(2, 0), (3, 1)])
def test_progress_tells_whether_records_lie_behind_it(highwater: int, unread: int) -> None:
    it = judged(records([paid("a"), paid("b")]))
    it.chunk = chunk(it.chunk.records, highwater=highwater)
    assert it.progress(0, 2).unread == unread
    assert it.progress(0, 1).unread == 1


def test_a_run_over_a_hole_has_nothing_to_identify() -> None:
    before, behind = records([paid("a")]), records([paid("b")], start=7)
    progress = judged([*before, *behind]).progress(3, 5)
    assert progress == (3, 5, 0, 0, 0, 2, 0, 0, 0, 0, 1)


EVENTS: list[dict[str, Any] | bytes] = [
    *(paid(f"p-{number}", event_time_ms=MIDNIGHT_MS + number * 100_000) for number in range(4)),
    *(refund(f"r-{number}", 40) for number in range(3)),
    BAD,
]


@given(
    picked=st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(1, 3)), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 130), max_size=5),
)
def test_any_cut_of_a_chunk_adds_up(picked: list[tuple[dict[str, Any] | bytes, int]], cuts: list[int]) -> None:
    recs, offset = [], 10
    for event, step in picked:
        recs.append(Rec(offset, MIDNIGHT_MS + offset, None, event if isinstance(event, bytes) else as_bytes(event)))
        offset += step  # steps above 1 leave holes, as in compacted topics
    it = judged(recs)
    start, stop = it.chunk.start, it.chunk.end
    edges = sorted({start, stop, *(cut for cut in cuts if start < cut < stop)})
    whole, parts = it.progress(start, stop), [it.progress(*each) for each in pairwise(edges)]
    assert whole.counted + whole.resends + whole.rejected == len(recs)
    for name in ("counted", "resends", "rejected"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name)
    for name in ("trusted_ms", "arrival_ms"):
        assert max(getattr(part, name) for part in parts) == getattr(whole, name)
    assert (parts[-1].last_crc, parts[-1].last_ms) == (whole.last_crc, whole.last_ms)
    assert [each.offset for part in pairwise(edges) for each in it.counted_in(*part)] == [
        each.offset for each in it.counted
    ]
    assert [each for part in pairwise(edges) for each in it.touched_in(*part)] == it.touched_in(start, stop)


# -- what limits and metrics ask ---------------------------------------------------------------
@pytest.mark.parametrize(
    ("start", "among"),
    [
        (20, (5, [(1, 21), (3, 23), (4, 24)])),
        (21, (4, [(0, 21), (2, 23), (3, 24)])),
        (22, (3, [(1, 23), (2, 24)])),
        (25, (0, [])),
    ],
)
def test_rejects_are_placed_among_the_records_from_an_offset_on(
    start: int, among: tuple[int, list[tuple[int, int]]]
) -> None:
    it = judged(records([paid("a"), BAD, paid("a"), BAD, BAD], start=20))
    assert it.rejects_among(start) == among


def test_a_hole_in_the_log_is_no_record_among_them() -> None:
    recs = records([paid("a"), BAD, BAD, BAD], start=20)
    assert judged([recs[0], recs[3]]).rejects_among(20) == (2, [(1, 23)])


@pytest.mark.parametrize(("start", "untrusted"), [(0, 2), (1, 1), (3, 1), (4, 0)])
def test_stamps_ahead_of_trust_are_counted_from_an_offset_on(start: int, untrusted: int) -> None:
    ahead = [TRUST_AHEAD_MS + 1, TRUST_AHEAD_MS, 0, TRUST_AHEAD_MS + 5_000]
    events = [paid(f"e-{at}", event_time_ms=MIDNIGHT_MS + at * 1_000 + ms) for at, ms in enumerate(ahead)]
    assert judged(records(events)).untrusted_from(start) == untrusted


def test_the_memory_is_fed_over_chunks() -> None:
    memory = ResendMemory(DEDUPE_MS)
    judged(records([paid("a")]), memory)
    assert outcomes(judged(records([paid("a")], start=1), memory)) == "r"
