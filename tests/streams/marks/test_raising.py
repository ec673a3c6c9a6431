"""The script's edges: arguments, keys, what waits to be closed."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from schemas.alerts import GROSS, Rule
from streams.keys import shard_keys
from streams.marks.acts import Close, Holder, Raise, Ranking, Terms, Withdraw, in_order
from streams.marks.facts import decode_fact
from streams.marks.raising import BATCH, Raiser
from streams.marks.store import MarkStore, parse_closing

KEYS = shard_keys("test", 0)
FREE = Terms(0, 0)


def up(ranking: Ranking, id: str, value: int, close_ms: int = 1_000, version: int = 1) -> Raise:
    return Raise(ranking, Holder(id, close_ms, 0, close_ms, close_ms), value, "{}", version)


async def test_a_fact_has_all_that_an_alert_needs(redis: Redis, record: Ranking) -> None:
    raiser = Raiser(redis, FREE)
    first = Raise(record, Holder("s1", 1_000, 10, None, 1_000), 20, '{"orders":[[0,1,2]]}', 1)
    await raiser.apply(KEYS, "records", [first, up(record, "s2", 30, 5_000)], 2_000, 77)
    facts = [decode_fact(fields[b"f"]) for _, fields in await redis.xrange(KEYS.outbox())]
    confirmed, provisional = facts
    assert (confirmed.rule, confirmed.metric, confirmed.dimension, confirmed.scope_id, confirmed.kind) == record
    assert (confirmed.start_ms, confirmed.end_ms, confirmed.evidence) == (10, None, '{"orders":[[0,1,2]]}')
    assert (confirmed.state, confirmed.event_time_ms) == ("confirmed", 1_000), "it holds since its window's end"
    assert (confirmed.as_of_ms, confirmed.detected_at_ms, confirmed.previous) == (2_000, 77, None)
    assert (provisional.state, provisional.event_time_ms) == ("provisional", 2_000), "it holds since now"
    assert provisional.previous is not None
    assert msgspec.structs.astuple(provisional.previous) == ("s1", 10, 20, None)


async def test_changes_are_counted_by_rule_and_state(redis: Redis, record: Ranking, peak: Ranking) -> None:
    acts = [up(record, "s1", 20), up(record, "s2", 30, 9_000), up(peak, "h1", 20)]
    changes = await Raiser(redis, FREE).apply(KEYS, "records", acts, 2_000, 0)
    assert changes == {
        ("record.session", "confirmed"): 1,
        ("record.session", "provisional"): 1,
        ("peak.hour", "confirmed"): 1,
    }


@pytest.mark.parametrize("metric", ["m1", "m2"])
async def test_a_wrong_act_is_refused_before_anything_is_written(redis: Redis, peak: Ranking, metric: str) -> None:
    wrong = {
        "m1": up(peak, "h2", 2**53),
        "m2": Withdraw(peak, "h2", 1),
    }[metric]
    with pytest.raises(ResponseError):
        await Raiser(redis, FREE).apply(KEYS, "peaks", [up(peak, "h1", 5), wrong], 2_000, 0)
    assert await redis.keys() == []


async def test_more_acts_than_one_call_takes(redis: Redis, peak: Ranking) -> None:
    acts = [up(peak._replace(scope_id=f"c{number}"), "h1", 5) for number in range(BATCH + 1)]
    changes = await Raiser(redis, FREE).apply(KEYS, "peaks", acts, 2_000, 0)
    assert changes["peak.hour", "confirmed"] == BATCH + 1


async def test_rankings_of_one_call_do_not_mix(redis: Redis, record: Ranking) -> None:
    other = record._replace(scope_id="home")
    acts = [up(record, "s1", 20), up(other, "s1", 30), up(record, "s2", 25, 1_500), up(other, "s2", 25, 1_500)]
    await Raiser(redis, FREE).apply(KEYS, "records", acts, 2_000, 0)
    facts = [decode_fact(fields[b"f"]) for _, fields in await redis.xrange(KEYS.outbox())]
    assert [(fact.scope_id, fact.holder) for fact in facts] == [
        ("womens-wear", "s1"), ("home", "s1"), ("womens-wear", "s2"),
    ]  # fmt: skip


async def test_closed_hours_are_not_kept_one_by_one(redis: Redis, peak: Ranking) -> None:
    acts = [up(peak, f"h{number}", 50 - number, number) for number in range(1, 50)]
    await Raiser(redis, Terms(0, 3)).apply(KEYS, "peaks", acts, 2_000, 0)
    stored = await redis.hkeys(KEYS.ranking(*peak[:4]))
    assert sorted(stored) == [b"history", b"past", b"stairs", b"top"]
    assert not await redis.exists(KEYS.ranking_open(*peak[:4]), KEYS.ranking_closed(*peak[:4]))


# -- closing -----------------------------------------------------------------------------------
odd_text = st.text(st.one_of(st.sampled_from("|:{}()0123é中😀 \n\0"), st.characters(codec="utf-8")), max_size=12)


@given(scope=odd_text, holder=odd_text)
def test_whatever_the_ids_are_a_due_holder_is_read_back(scope: str, holder: str) -> None:
    head = f"record.session|{GROSS}|anchor|session|{len(scope.encode())}|"
    ranking = Ranking(Rule.RECORD_SESSION, GROSS, "anchor", scope, "session")
    assert parse_closing(f"{head}{scope}{holder}".encode(), 5) == Close(ranking, holder, 5)


@pytest.mark.parametrize("scope", ["c|1", "é中", "", "a\0b"])
@pytest.mark.parametrize("holder", ["s|1", "|", "é中", ""])
async def test_open_holders_wait_to_be_closed(redis: Redis, record: Ranking, scope: str, holder: str) -> None:
    raiser, store = Raiser(redis, FREE), MarkStore(redis, [KEYS])
    ranking = record._replace(scope_id=scope)
    await raiser.apply(KEYS, "records", [up(ranking, holder, 5, 1_000)], 1, 0)
    assert await store.due(KEYS, "records", 999, 9) == []
    due = await store.due(KEYS, "records", 1_000, 9)
    assert due == [Close(ranking, holder, 1_000)]
    assert await raiser.apply(KEYS, "records", due, 1_000, 0) == {("record.session", "confirmed"): 1}
    assert await store.due(KEYS, "records", 1_000, 9) == []


async def test_a_session_whose_end_moves_is_due_at_its_end(redis: Redis, record: Ranking) -> None:
    raiser, store = Raiser(redis, FREE), MarkStore(redis, [KEYS])
    await raiser.apply(KEYS, "records", [up(record, "s1", 5, 1_000), up(record, "s2", 5, 1_500)], 1, 0)
    await raiser.apply(KEYS, "records", [up(record, "s1", 6, 2_000, version=2)], 1, 0)
    assert await store.due(KEYS, "records", 1_999, 9) == [Close(record, "s2", 1_500)]
    assert await store.due(KEYS, "records", 2_000, 9) == [Close(record, "s2", 1_500), Close(record, "s1", 2_000)]
    await raiser.apply(KEYS, "records", [up(record, "s1", 6, 800, version=3)], 1, 0)
    assert await store.due(KEYS, "records", 800, 9) == [Close(record, "s1", 800)]


async def test_of_many_that_are_due_no_later_one_comes_before_an_earlier(redis: Redis, record: Ranking) -> None:
    """One of those that are looked at ends later than others that are not."""
    raiser, store = Raiser(redis, FREE), MarkStore(redis, [KEYS])
    await raiser.apply(KEYS, "records", [up(record, f"s{end}", 5, end) for end in (1_000, 1_100, 1_200)], 1, 0)
    moved = up(record, "s1000", 6, 1_150, version=2)
    await raiser.apply(KEYS, "records", [moved], 1, 0)
    ends = [[each.close_ms for each in await store.due(KEYS, "records", 5_000, 2)] for _ in range(2)]
    assert ends == [[1_100], [1_100, 1_150]]
    await raiser.apply(KEYS, "records", [up(record, "s1100", 6, 1_300, 2), up(record, "s1000", 6, 1_400, 3)], 1, 0)
    assert [each.close_ms for each in await store.due(KEYS, "records", 5_000, 2)] == [1_200, 1_300]


def test_acts_are_applied_in_the_order_of_closing(record: Ranking) -> None:
    late, early, gone = up(record, "a", 1, 2_000), Close(record, "z", 1_000), Withdraw(record, "m", 1)
    assert in_order([late, early, gone]) == [gone, early, late]


async def test_it_survives_a_store_that_forgot_the_script(redis: Redis, record: Ranking) -> None:
    raiser = Raiser(redis, FREE)
    await raiser.apply(KEYS, "records", [up(record, "s1", 5)], 1, 0)
    await redis.script_flush()
    assert await raiser.apply(KEYS, "records", [up(record, "s2", 5)], 1, 0) != {}


# -- marks -------------------------------------------------------------------------------------
async def test_a_mark_that_changed_meanwhile_stays(redis: Redis, settle: Callable) -> None:
    write, store = settle([KEYS]), MarkStore(redis, [KEYS])
    await write(0, peaks=["hour|1|cluster|a", "hour|2|cluster|a"])
    begun = await store.begin(0, "peaks", 9, 5, "w", {})
    await write(0, peaks=["hour|2|cluster|a"])
    await store.forget(0, "peaks", begun.marks, begun.steps)
    assert (await store.begin(0, "peaks", 9, 6, "w", {})).marks.members == [(b"hour|2|cluster|a", 2)]


async def test_the_oldest_marks_come_first(redis: Redis, settle: Callable) -> None:
    write, store = settle([KEYS]), MarkStore(redis, [KEYS])
    for number in (3, 1, 2):
        await write(0, peaks=[f"hour|{number}|cluster|a"])
    marks = (await store.begin(0, "peaks", 2, 5, "w", {})).marks
    assert marks == ([(b"hour|3|cluster|a", 1), (b"hour|1|cluster|a", 2)], 3, 3)
    assert (await store.begin(0, "peaks", 3, 5, "w", {})).marks.waiting is None


async def test_the_watermark_never_falls(redis: Redis) -> None:
    store = MarkStore(redis, [KEYS])
    assert await store.raise_watermark(None) is None
    assert await store.raise_watermark(1_767_200_400_123) == 1_767_200_400_123
    assert await store.raise_watermark(5) == 1_767_200_400_123
    assert await store.raise_watermark(None) == 1_767_200_400_123
