"""The refund book: every refund is judged as the first time, however often and from wherever it is read again."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from schemas.events import OrderEvent, decode_order
from streams.intake.refunds import RefundBook, Verdict, load_book
from streams.keys import shard_keys
from streams.tally.rows import Row
from streams.tally.windows import DAY_MS, SHANGHAI
from tests.streams.intake.making import MIDNIGHT_MS, ORDERS, as_bytes, refund

KEYS = shard_keys("test", 0)
FIRST, FURTHER, EXCEEDS, RESEND = Verdict.FIRST, Verdict.FURTHER, Verdict.EXCEEDS, Verdict.RESEND


def event(fen: int, order_id: str = "order-1", amount_fen: int = 100, day: int = 0) -> OrderEvent:
    fields = refund(f"refund-{fen}", fen, order_id, amount_fen, pay_time_ms=MIDNIGHT_MS - day * DAY_MS)
    return decode_order(as_bytes(fields))


def verdicts(book: RefundBook, log: list[tuple[int, int]]) -> list[Verdict]:
    """Verdicts over a log of (offset, fen), all of one order of 100 fen."""
    return [book.judge(event(fen), offset) for offset, fen in log]


@pytest.mark.parametrize(
    ("fens", "expected"),
    [
        ([99], [FIRST]),
        ([100], [FIRST]),
        ([101], [EXCEEDS]),
        ([60, 39], [FIRST, FURTHER]),
        ([60, 40], [FIRST, FURTHER]),
        ([60, 41], [FIRST, EXCEEDS]),
        ([60, 41, 40, 1], [FIRST, EXCEEDS, FURTHER, EXCEEDS]),
        ([101, 50], [EXCEEDS, FIRST]),
        ([0, 100, 0], [FIRST, FURTHER, FURTHER]),
    ],
)
def test_refunds_are_accepted_up_to_the_amount_of_their_order(fens: list[int], expected: list[Verdict]) -> None:
    assert verdicts(RefundBook(SHANGHAI), list(enumerate(fens))) == expected


def test_each_order_has_its_own_sum() -> None:
    book = RefundBook(SHANGHAI)
    found = [book.judge(event(100, order_id), at) for at, order_id in enumerate(("order-1", "order-2", "order-1"))]
    assert found == [FIRST, FIRST, EXCEEDS]


def test_what_lies_ahead_in_the_log_has_no_say() -> None:
    """After a kill between two runs the book is ahead of the fence."""
    book = RefundBook(SHANGHAI)
    assert verdicts(book, [(10, 60), (20, 30), (30, 30)]) == [FIRST, FURTHER, EXCEEDS]
    assert verdicts(book, [(10, 60), (20, 30), (30, 30)]) == [FIRST, FURTHER, EXCEEDS]


def test_below_the_fence_verdicts_are_read_and_not_made() -> None:
    first = RefundBook(SHANGHAI)
    verdicts(first, [(10, 60), (30, 50), (40, 40)])
    again = RefundBook(SHANGHAI, fence=50, judged=first.judged)
    assert verdicts(again, [(10, 60), (20, 60), (30, 50), (40, 40), (49, 1)]) == [
        FIRST, RESEND, EXCEEDS, FURTHER, RESEND,
    ]  # fmt: skip
    assert verdicts(again, [(50, 0)]) == [FURTHER]


@given(
    fens=st.lists(st.integers(0, 60), min_size=1, max_size=12),
    reads=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=6),
)
def test_any_reading_again_gives_the_same_verdicts(fens: list[int], reads: list[tuple[int, int]]) -> None:
    log = list(enumerate(fens))
    book = RefundBook(SHANGHAI)
    expected = verdicts(book, log)
    for start, fence in reads:
        again = RefundBook(SHANGHAI, fence, book.judged)
        assert verdicts(again, log[start:]) == expected[start:]


# -- in the store ------------------------------------------------------------------------------
async def write(redis: Redis, rows: Mapping[int, Row], fence: int) -> None:
    """As a settle up to `fence` does."""
    await redis.hset(KEYS.fence(*ORDERS), "next", str(fence))
    for day, row in rows.items():
        await redis.hset(KEYS.refunds(*ORDERS, day), items=list(row))


async def test_a_book_comes_back_from_the_store_as_it_was(redis: Redis) -> None:
    refunds = [event(60), event(50), event(40), event(7, "order-2"), event(7, "order-1", day=3)]
    book = RefundBook(SHANGHAI)
    for offset, each in enumerate(refunds):
        book.judge(each, offset)
    await write(redis, book.rows(refunds), 5)
    loaded = await load_book(redis, KEYS, ORDERS, refunds, SHANGHAI)
    assert loaded is not None
    assert loaded.judged == book.judged
    assert loaded.fence == 5


async def test_only_the_orders_at_hand_are_read_and_only_those_given_are_written(redis: Redis) -> None:
    book = RefundBook(SHANGHAI)
    for offset, order_id in enumerate(("order-1", "order-2", "order-3")):
        book.judge(event(1, order_id), offset)
    await write(redis, book.rows([event(1, "order-1"), event(1, "order-2")]), 3)
    loaded = await load_book(redis, KEYS, ORDERS, [event(1, "order-2"), event(1, "order-3")], SHANGHAI)
    assert loaded is not None
    assert [order_id for _, order_id in loaded.judged] == ["order-2"]


async def test_refunds_lie_by_the_day_of_the_payment(redis: Redis) -> None:
    book = RefundBook(SHANGHAI)
    refunds = [event(1), event(1, day=1)]
    assert [book.judge(each, offset) for offset, each in enumerate(refunds)] == [FIRST, FIRST]
    day = SHANGHAI.day(MIDNIGHT_MS)
    assert sorted(book.rows(refunds)) == [day - 1, day]


async def test_without_a_fence_there_is_no_book(redis: Redis) -> None:
    assert await load_book(redis, KEYS, ORDERS, [event(1)], SHANGHAI) is None


async def test_without_refunds_the_store_is_not_asked() -> None:
    book = await load_book(None, KEYS, ORDERS, [], SHANGHAI)  # type: ignore[arg-type]  # it would fail if it were
    assert book == RefundBook(SHANGHAI)
