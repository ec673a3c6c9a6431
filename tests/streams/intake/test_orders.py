"""The order book: every payment and refund is judged as the first time, however often and from wherever it is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from redis.asyncio import Redis

from schemas.events import OrderEvent, decode_order
from schemas.rejects import Reason
from streams.errors import StoreFault
from streams.intake import order_store
from streams.intake.order import (
    CODES,
    Order,
    generation_of,
    generation_starts_ms,
    order_digest,
    pack_lives,
    pack_order,
    unpack_lives,
    unpack_order,
)
from streams.intake.order_store import OrderRules, Spoken, Touched, load_orders, write_orders
from streams.intake.orders import BACK_MS, ORIGIN_MS, RESEND, OrderBook, Refunded, What
from streams.keys import shard_keys
from streams.tally.windows import DAY_MS, SHANGHAI
from tests.streams.intake.making import MIDNIGHT_MS, ORDERS, ORDERS_MS, as_bytes, empty_book, paid, refund

KEYS = shard_keys("test", 0)
RULES = OrderRules(SHANGHAI, ORDERS_MS, index=True)
EXCEEDS, UNKNOWN, TWICE = Reason.REFUND_EXCEEDS_ORDER, Reason.UNKNOWN_ORDER, Reason.PAID_TWICE


def refund_event(fen: int, order_id: str = "order-1", **fields: object) -> OrderEvent:
    return decode_order(as_bytes({**refund(f"refund-{fen}", fen, order_id, 100), **fields}))


def bare(fen: int, order_id: str = "order-1") -> OrderEvent:
    return refund_event(fen, order_id, merchant_id=None, category=None, channel=None, amount_fen=None, pay_time_ms=None)


def payment(order_id: str = "order-1", fen: int = 100, **fields: object) -> OrderEvent:
    return decode_order(as_bytes(paid("p", fen, order_id=order_id, **fields)))


def take(book: OrderBook, event: OrderEvent, offset: int, arrival_ms: int = MIDNIGHT_MS) -> What:
    if event.event_type == "order.paid":
        return book.pay(event, offset, arrival_ms)[0]
    return book.refund(event, offset, arrival_ms)[0].what


# -- verdicts ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fens", "expected"),
    [
        ([99], [None]),
        ([100], [None]),
        ([101], [EXCEEDS]),
        ([60, 39], [None, None]),
        ([60, 40], [None, None]),
        ([60, 41], [None, EXCEEDS]),
        ([60, 41, 40, 1], [None, EXCEEDS, None, EXCEEDS]),
        ([0, 100, 0], [None, None, None]),
    ],
)
@pytest.mark.parametrize("index", [True, False])
def test_refunds_are_accepted_up_to_the_amount_of_their_order(
    fens: list[int], expected: list[What], index: bool
) -> None:
    book = empty_book(index=index)
    refunds = [refund_event(fen, refund_id=f"refund-{offset}") for offset, fen in enumerate(fens)]
    assert [take(book, each, offset) for offset, each in enumerate(refunds)] == expected


def test_the_first_accepted_refund_is_told() -> None:
    book = empty_book()
    found = [book.refund(refund_event(fen), offset, MIDNIGHT_MS)[0] for offset, fen in enumerate((101, 40, 60))]
    assert [each.first for each in found if each.what is None] == [True, False]


def test_without_an_index_a_bare_refund_is_unknown_and_leaves_no_trace() -> None:
    book = empty_book(index=False)
    assert book.refund(bare(1), 0, MIDNIGHT_MS) == (
        Refunded(UNKNOWN, bare(1), "not known of the order: merchant_id, category, channel, amount_fen, pay_time_ms"),
        None,
    )
    assert book.orders == {}


LOG = [bare(10), refund_event(30), payment(fen=90), bare(50), payment(fen=80), bare(11), bare(10), payment(fen=1)]
OUTCOMES = [UNKNOWN, None, None, None, TWICE, EXCEEDS, None, TWICE]


def test_an_order_is_judged_in_the_order_of_the_log() -> None:
    book = empty_book()
    assert [take(book, event, offset) for offset, event in enumerate(LOG)] == OUTCOMES


@given(reads=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=6))
def test_any_reading_again_gives_the_same_verdicts(reads: list[tuple[int, int]]) -> None:
    book = empty_book()
    for offset, event in enumerate(LOG):
        take(book, event, offset)
    for start, fence in reads:
        again = OrderBook(SHANGHAI, ORDERS_MS, True, fence, book.orders, ids=book.ids)
        outcomes = [take(again, event, offset) for offset, event in enumerate(LOG)][start:]
        assert outcomes == OUTCOMES[start:]


def test_below_the_fence_what_is_not_in_the_book_was_a_resend() -> None:
    book = empty_book()
    for offset, event in ((10, payment()), (20, bare(40))):
        take(book, event, offset)
    book.fence = 50
    assert [take(book, payment(), 30), take(book, bare(40), 40)] == [RESEND, RESEND]
    assert [take(book, payment(), 50), take(book, bare(60), 51), take(book, bare(1), 52)] == [TWICE, None, EXCEEDS]


def test_the_same_refund_is_a_resend_however_long_after() -> None:
    """Its first copy may have waited for the order, and be driven again when the second is settled and forgotten."""
    book = empty_book()
    log = [bare(40), payment(), bare(40), bare(40), bare(60), bare(60)]
    assert [take(book, event, offset) for offset, event in enumerate(log)] == [
        UNKNOWN,
        None,
        None,
        RESEND,
        None,
        RESEND,
    ]


@pytest.mark.parametrize(("late_ms", "outcome"), [(-1, TWICE), (0, TWICE), (1, None)])
def test_an_order_is_known_for_its_time(late_ms: int, outcome: What) -> None:
    book = empty_book()
    assert take(book, payment(), 0) is None
    assert take(book, payment(), 1, MIDNIGHT_MS + ORDERS_MS + late_ms) is outcome
    assert take(book, bare(100), 2, MIDNIGHT_MS + ORDERS_MS + late_ms) is None


# -- packed ------------------------------------------------------------------------------------
@given(
    made_ms=st.integers(MIDNIGHT_MS, MIDNIGHT_MS + 400 * DAY_MS),
    before_ms=st.integers(-DAY_MS, 36 * DAY_MS),
    amount_fen=st.integers(0, 10**12),
    offset=st.integers(0, 2**50),
    verdicts=st.dictionaries(st.integers(0, 2**50), st.integers(-5, 10**12), max_size=4),
    is_paid=st.booleans(),
)
def test_an_entry_reads_as_it_was_written(
    made_ms: int, before_ms: int, amount_fen: int, offset: int, verdicts: dict[int, int], is_paid: bool
) -> None:
    order = Order(made_ms, verdicts=verdicts)
    if is_paid:
        order = Order(made_ms, offset, made_ms - before_ms, amount_fen, b"t" * 10, b"p" * 10, verdicts)
    start_ms = generation_starts_ms(generation_of(made_ms, SHANGHAI), SHANGHAI)
    assert 0 <= made_ms - start_ms < 16 * DAY_MS
    assert unpack_order(pack_order(order, start_ms), start_ms) == order


def test_what_began_anew_within_a_generation_lies_in_one_entry() -> None:
    start_ms = generation_starts_ms(generation_of(MIDNIGHT_MS, SHANGHAI), SHANGHAI)
    lives = [Order(MIDNIGHT_MS + days * DAY_MS, 7 + days, verdicts={9 + days: 30}) for days in range(3)]
    assert unpack_lives(pack_lives(lives, start_ms), start_ms) == lives
    assert unpack_lives(pack_order(lives[1], start_ms), start_ms) == [lives[1]]


def test_an_entry_is_small() -> None:
    order = Order(MIDNIGHT_MS, 123_456_789, MIDNIGHT_MS - 1_500, 129_900, b"t" * 10, b"p" * 10)
    start_ms = generation_starts_ms(generation_of(MIDNIGHT_MS, SHANGHAI), SHANGHAI)
    assert len(pack_order(order, start_ms)) <= 46


def test_every_refusal_has_a_code_of_its_own_below_any_amount() -> None:
    assert len(set(CODES.values())) == len(CODES)
    assert max(CODES.values()) < 0


# -- in the store ------------------------------------------------------------------------------
async def settle(redis: Redis, book: OrderBook, touched: list[Touched], fence: int) -> None:
    """As a settle up to `fence` does."""
    await redis.hset(KEYS.fence(*ORDERS), "next", str(fence))
    for key, row in write_orders(KEYS, ORDERS, book, touched).items():
        await redis.hset(key, items=list(row))


def touch(book: OrderBook, event: OrderEvent, offset: int, arrival_ms: int = MIDNIGHT_MS) -> Touched:
    judged = book.pay if event.event_type == "order.paid" else book.refund
    return Touched(offset, arrival_ms, event.order_id, judged(event, offset, arrival_ms)[1], None)


async def test_a_book_comes_back_from_the_store_as_it_was(redis: Redis) -> None:
    book = empty_book()
    ids = {"anchor_id": "anchor-1", "city": "Jiaxing"}
    events = [payment(**ids), bare(60), bare(50), bare(40), refund_event(7, "order-2"), bare(1, "order-3")]
    touched = [touch(book, event, offset) for offset, event in enumerate(events)]
    await settle(redis, book, touched, 6)
    loaded = await load_orders(redis, KEYS, ORDERS, [Spoken(MIDNIGHT_MS, each, None) for each in events], RULES)
    assert loaded is not None
    assert (loaded.orders, loaded.ids, loaded.fence) == (book.orders, book.ids, 6)


async def test_orders_of_other_generations_are_found_within_their_time(redis: Redis) -> None:
    book = empty_book()
    await settle(redis, book, [touch(book, payment(), 0)], 1)
    for after_ms, outcome in ((ORDERS_MS, None), (ORDERS_MS + 1, UNKNOWN)):
        arrival_ms = MIDNIGHT_MS + after_ms
        loaded = await load_orders(redis, KEYS, ORDERS, [Spoken(arrival_ms, bare(1), None)], RULES)
        assert loaded is not None
        assert take(loaded, bare(1), 1, arrival_ms) is outcome


async def test_a_payment_drives_the_refunds_again_that_waited_for_it(redis: Redis) -> None:
    book = empty_book()
    touched = [touch(book, event, at) for at, event in enumerate([bare(1), bare(2), payment(), bare(3)])]
    await settle(redis, book, touched, 4)
    assert await redis.hgetall(KEYS.redrive(*ORDERS)) == {b"0": b"2", b"1": b"2"}


@pytest.mark.parametrize(
    ("after_ms", "settled"), [(-BACK_MS - 1, False), (-BACK_MS, True), (ORIGIN_MS, True), (ORIGIN_MS + 1, False)]
)
async def test_an_origin_is_remembered_as_long_as_rejects_are_kept(redis: Redis, after_ms: int, settled: bool) -> None:
    book = empty_book()
    for offset in (5, 6):  # the second is a resend of the first
        book.settle_origin("orders/0/1", offset, MIDNIGHT_MS)
        await settle(redis, book, [Touched(offset, MIDNIGHT_MS, "", None, "orders/0/1")], offset + 1)
    spoken = [Spoken(MIDNIGHT_MS + after_ms, None, "orders/0/1")]
    loaded = await load_orders(redis, KEYS, ORDERS, spoken, RULES)
    assert loaded is not None
    assert loaded.is_settled("orders/0/1", 9, MIDNIGHT_MS + after_ms) is settled
    assert not loaded.is_settled("orders/0/1", 5, MIDNIGHT_MS + after_ms)


async def test_ids_are_written_with_every_run_although_they_may_stand_there(redis: Redis) -> None:
    """Redis may have gone back since, and another worker have brought the fence to where it was."""
    book, key = empty_book(), KEYS.attributions(*ORDERS, generation_of(MIDNIGHT_MS, SHANGHAI))
    rows = [write_orders(KEYS, ORDERS, book, [touch(book, payment(f"order-{at}"), at)]) for at in range(2)]
    assert rows[0][key] == rows[1][key]
    assert len(rows[0][key]) == 4


async def test_a_second_payment_is_settled_beside_an_order_of_the_same_room_and_another_town(redis: Redis) -> None:
    book = empty_book()
    await settle(redis, book, [touch(book, payment(city="Jiaxing"), 0)], 1)
    events = [payment(city="Jiaxing"), payment("order-2", city="Tongxiang")]
    loaded = await load_orders(redis, KEYS, ORDERS, [Spoken(MIDNIGHT_MS, each, None) for each in events], RULES)
    assert loaded is not None
    await settle(redis, loaded, [touch(loaded, event, 1 + at) for at, event in enumerate(events)], 3)
    again = await load_orders(redis, KEYS, ORDERS, [Spoken(MIDNIGHT_MS, bare(1), None)], RULES)
    assert again is not None
    assert take(again, bare(1), 3) is None


async def test_a_payment_behind_the_fence_brings_its_ids_when_it_is_read_again(redis: Redis) -> None:
    """Of a chunk that is settled in runs, the first was; its early refund was written with all that followed."""
    book, events = empty_book(), [bare(1), payment(anchor_id="anchor-1"), bare(2)]
    touched = [touch(book, event, offset) for offset, event in enumerate(events)]
    await settle(redis, book, touched[:1], 1)
    loaded = await load_orders(redis, KEYS, ORDERS, [Spoken(MIDNIGHT_MS, each, None) for each in events[1:]], RULES)
    assert loaded is not None
    assert [take(loaded, event, offset) for offset, event in enumerate(events) if offset] == [None, None]


async def test_an_order_that_began_anew_does_not_replace_what_was_judged_before(redis: Redis) -> None:
    """A shard that went back is settled again by these verdicts; orders that are known for a day share a generation."""
    rules = OrderRules(SHANGHAI, DAY_MS, index=True)
    book = rules.book()
    log = [(payment(), MIDNIGHT_MS), (bare(30), MIDNIGHT_MS + DAY_MS), (bare(40), MIDNIGHT_MS + DAY_MS + 1)]
    touched = [touch(book, event, offset, at_ms) for offset, (event, at_ms) in enumerate(log)]
    await settle(redis, book, touched, 3)
    loaded = await load_orders(redis, KEYS, ORDERS, [Spoken(at_ms, event, None) for event, at_ms in log], rules)
    assert loaded is not None
    assert [take(loaded, event, offset, at_ms) for offset, (event, at_ms) in enumerate(log)] == [None, None, UNKNOWN]


async def test_an_order_is_known_to_what_arrived_a_little_before_it(redis: Redis) -> None:
    """Arrivals go back when another broker takes a partition over; a generation may begin in between."""
    start_ms = generation_starts_ms(generation_of(MIDNIGHT_MS, SHANGHAI), SHANGHAI)
    book = empty_book()
    await settle(redis, book, [touch(book, payment(pay_time_ms=start_ms - DAY_MS), 0, start_ms)], 1)
    back = replace(bare(1), event_time_ms=start_ms - DAY_MS)
    for before_ms, outcome in ((1, None), (BACK_MS, None), (BACK_MS + 1, UNKNOWN)):
        loaded = await load_orders(redis, KEYS, ORDERS, [Spoken(start_ms - before_ms, back, None)], RULES)
        assert loaded is not None
        assert take(loaded, back, 1, start_ms - before_ms) is outcome


async def test_an_order_that_was_paid_while_the_index_was_off_is_no_fault_once_it_is_on(redis: Redis) -> None:
    """Read again below the fence, but needed by another shard, it becomes known; with it what it belongs to."""
    await settle(redis, empty_book(index=False), [], 2)
    events = [payment(), bare(30)]
    spoken = [Spoken(MIDNIGHT_MS, each, None) for each in events]
    book = await load_orders(redis, KEYS, ORDERS, spoken, RULES)
    assert book is not None
    touched = [touch(book, events[0], 1), touch(book, events[1], 2)]
    await settle(redis, book, touched[1:], 3)
    loaded = await load_orders(redis, KEYS, ORDERS, spoken, RULES)
    assert loaded is not None
    assert take(loaded, bare(70), 3) is None


def test_what_is_read_to_remember_copies_alone_makes_no_order_known() -> None:
    """Its first copy may lie before what is read, under an id that another order's event had."""
    book = empty_book(fence=20)
    book.low = 20
    assert take(book, payment(), 5) is RESEND
    assert take(book, payment(), 20) is None
    assert take(book, payment(), 21) is TWICE
    book.low = 30
    assert [take(book, payment(), at) for at in (5, 20, 21, 22)] == [RESEND, None, TWICE, RESEND]


def test_an_order_is_packed_once_however_often_a_run_speaks_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    book, packed = empty_book(), list[int]()
    touched = [touch(book, event, offset) for offset, event in enumerate([payment(), *[bare(101)] * 50])]
    monkeypatch.setattr(order_store, "pack_lives", lambda lives, start_ms: packed.append(len(lives)) or b"")
    write_orders(KEYS, ORDERS, book, touched)
    assert packed == [1]


async def test_an_order_whose_ids_are_lost_is_a_fault(redis: Redis) -> None:
    book = empty_book()
    await settle(redis, book, [touch(book, payment(), 0)], 1)
    await redis.delete(KEYS.attributions(*ORDERS, generation_of(MIDNIGHT_MS, SHANGHAI)))
    with pytest.raises(StoreFault, match="order index of orders/0"):
        await load_orders(redis, KEYS, ORDERS, [Spoken(MIDNIGHT_MS, bare(1), None)], RULES)


async def test_without_a_fence_there_is_no_book(redis: Redis) -> None:
    assert await load_orders(redis, KEYS, ORDERS, [Spoken(MIDNIGHT_MS, bare(1), None)], RULES) is None


async def test_what_speaks_of_no_order_does_not_ask_the_store() -> None:
    book = await load_orders(None, KEYS, ORDERS, [], RULES)  # type: ignore[arg-type]  # it would fail if it did
    assert book == RULES.book()


def test_an_order_is_named_by_96_bits() -> None:
    assert len(order_digest("order-1")) == 12
