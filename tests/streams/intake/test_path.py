"""The path of a chunk over a real store: what the fence may answer, shards apart, large chunks, another log."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from faust.types import TP
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisGone

import streams.intake.path
import streams.intake.store_calls
from streams.errors import LogReplaced, StoreFault
from streams.intake.path import Reseek
from streams.tally.settle import Applied, Elsewhere, Progress
from tests.streams.intake.counting import Reader, fences, restore, saved, tallies
from tests.streams.intake.making import DEDUPE_MS, ORDERS, Rec, as_bytes, chunk, paid, records, refund

BAD = b"no json"


def log_of(length: int) -> list[Rec]:
    """Payments of different anchors, with a refund, a resend and a reject among them."""
    events: list[dict[str, Any] | bytes] = [
        paid(f"p-{at}", 1 + at, anchor_id=f"anchor-{at % 5}") for at in range(length)
    ]
    events[3], events[4], events[5] = BAD, refund("r-4", 60), paid("p-1", 2, anchor_id="anchor-1")
    return records(events)


LOG = log_of(20)


async def reader(redis: Redis, shards: int = 1, log: list[Rec] = LOG) -> Reader:
    """A worker that has opened the log."""
    it = Reader(redis, {ORDERS: log}, shards, DEDUPE_MS)
    await it.open()
    return it


async def expected(redis: Redis, shards: int = 1, stop: int = len(LOG)) -> dict[str, object]:
    """What the store must hold once `[0, stop)` is counted; the database is empty again after this."""
    it = await reader(redis, shards, LOG[:stop])
    await it.read_all()
    found = await tallies(redis, shards)
    await redis.flushdb()
    return found


async def gmv(redis: Redis, it: Reader) -> int:
    """The platform's GMV in the hour after midnight."""
    day = LOG[0].timestamp + 8 * 3_600_000
    return int(await redis.hget(it.keys[0].hours("platform", day // 86_400_000, "all"), "00g") or 0)


# -- the table of path.py ----------------------------------------------------------------------
async def test_applied_the_run_is_counted(redis: Redis) -> None:
    it = await reader(redis)
    judged = await it.read(ORDERS, 20)
    assert judged is not None
    assert (len(judged.counted), len(judged.resends), len(judged.rejects)) == (18, 1, 1)
    assert it.rejects.published == [(ORDERS, 3, "not_json")]
    assert await fences(redis, ORDERS, 1) == it.partitions[ORDERS].fences == [20]
    assert await gmv(redis, it) == sum(range(1, 21)) - 4 - 5 - 6


async def test_at_the_stop_it_was_counted_before(redis: Redis) -> None:
    it, other = await reader(redis), await reader(redis)
    await other.read(ORDERS, 10)
    before = await saved(redis)
    assert await it.read(ORDERS, 10) is not None
    assert it.partitions[ORDERS].fences == [10]
    assert await saved(redis) == before


async def test_inside_the_rest_is_counted_with_the_same_verdicts(redis: Redis) -> None:
    should = await expected(redis)
    it, other = await reader(redis), await reader(redis)
    await other.read(ORDERS, 5)
    assert await it.read(ORDERS, 20) is not None
    assert await tallies(redis, 1) == should


async def test_above_the_stop_another_worker_is_ahead_and_reading_goes_on(redis: Redis) -> None:
    should = await expected(redis)
    it, other = await reader(redis), await reader(redis)
    await other.read(ORDERS, 15)
    before = await saved(redis)
    assert await it.read(ORDERS, 10) is not None
    assert it.partitions[ORDERS].fences == [15]
    assert await saved(redis) == before
    await it.read_all(4)
    assert await tallies(redis, 1) == should


async def test_below_it_must_be_read_again_and_nothing_is_counted(redis: Redis) -> None:
    it = await reader(redis)
    await it.read(ORDERS, 5)
    earlier = await saved(redis)
    await it.read(ORDERS, 5)
    await restore(redis, earlier)
    with pytest.raises(Reseek, match="shard 0 went back from 10 to 5") as reseek:
        await it.path.take(it.partitions[ORDERS], chunk(LOG[10:20]))
    assert reseek.value.kind == "rolled_back"
    assert await saved(redis) == earlier


async def test_gone_it_must_be_read_again_and_is_never_taken_for_the_first_chunk(redis: Redis) -> None:
    it = await reader(redis)
    await it.read(ORDERS, 10)
    await redis.flushdb()
    with pytest.raises(Reseek, match="shard 0 has no fence any more") as reseek:
        await it.path.take(it.partitions[ORDERS], chunk(LOG[10:20]))
    assert reseek.value.kind == "missing"
    assert await redis.dbsize() == 0


async def test_a_chunk_behind_a_gap_must_be_read_again(redis: Redis) -> None:
    it = await reader(redis)
    before = await saved(redis)
    with pytest.raises(Reseek, match="shard 0 stands at 0, read was from 5") as reseek:
        await it.path.take(it.partitions[ORDERS], chunk(LOG[5:10]))
    assert reseek.value.kind == "behind"
    assert await saved(redis) == before


# -- below the fence ---------------------------------------------------------------------------
async def test_what_lies_below_the_fence_feeds_the_memory_and_nothing_else(redis: Redis) -> None:
    await (await reader(redis)).read_all()
    before = await saved(redis)
    again = await reader(redis)
    assert again.partitions[ORDERS].read_to == 0
    await again.read(ORDERS, 20)
    assert await saved(redis) == before
    assert again.rejects.published == []
    assert len(again.partitions[ORDERS].memory) == 18


async def test_a_copy_behind_the_fence_of_what_lies_below_is_a_resend_after_a_restart(redis: Redis) -> None:
    log = records([paid("a"), paid("b"), paid("a")])
    await (await reader(redis, log=log[:2])).read_all()
    again = await reader(redis, log=log)
    judged = await again.read(ORDERS, 3)
    assert judged is not None
    assert [offset for offset in judged.resends if offset >= 2] == [2]
    assert judged.rejects == []


async def test_a_third_copy_of_a_refund_is_a_resend_although_the_first_is_not_read_again(redis: Redis) -> None:
    """The second copy, read again without the first, must not be taken for a refund of what is no longer left."""
    first, second = records([refund("r", 100)]), records([refund("r", 100)], 1, LOG[0].timestamp + DEDUPE_MS)
    between = records([paid("p")], 2, LOG[0].timestamp + DEDUPE_MS + 10_000)
    third = records([refund("r", 100)], 3, LOG[0].timestamp + 2 * DEDUPE_MS)
    log = [*first, *second, *between, *third]
    await (await reader(redis, log=log[:3])).read_all()
    again = await reader(redis, log=log)
    assert again.partitions[ORDERS].read_to == 1
    judged = await again.read(ORDERS, 3)
    assert judged is not None
    assert ([offset for offset in judged.resends if offset != 2], judged.rejects) == ([1, 3], [])


async def test_a_small_refund_read_again_without_its_first_copy_is_not_entered_twice(redis: Redis) -> None:
    first, second = records([refund("r", 40)]), records([refund("r", 40)], 1, LOG[0].timestamp + DEDUPE_MS)
    more = records([paid("p"), refund("s", 40), refund("t", 20)], 2, LOG[0].timestamp + DEDUPE_MS + 10_000)
    log = [*first, *second, *more]
    await (await reader(redis, log=log[:3])).read_all()
    again = await reader(redis, log=log)
    judged = await again.read(ORDERS, 4)
    assert judged is not None
    assert [each.offset for each in judged.counted if each.offset >= 3] == [3, 4]
    assert not any(each.first_refund for each in judged.counted)


# -- several shards ----------------------------------------------------------------------------
@pytest.mark.parametrize("stops", [(20, 20, 20), (0, 20, 20), (20, 0, 7), (13, 5, 20), (0, 0, 1)])
async def test_shards_that_stand_apart_are_each_settled_from_where_they_stand(
    redis: Redis, stops: tuple[int, int, int]
) -> None:
    """What a kill between two shards, or a failover of one of them, leaves behind."""
    should = await expected(redis, shards=3)
    it = await reader(redis, shards=3)
    await settle_apart(it, stops)
    assert await fences(redis, ORDERS, 3) == list(stops)
    again = await reader(redis, shards=3)
    await again.read_all(6)
    assert await tallies(redis, 3) == should


async def test_refunds_are_not_judged_by_a_book_that_went_back(redis: Redis) -> None:
    """Shard 1 stands where the worker believes it, so the settle there would be taken, verdicts and all."""
    log = records([refund("a", 100), paid("p"), refund("b", 100)])
    it = await reader(redis, shards=2, log=log)
    await it.read(ORDERS, 1)
    earlier = await saved(redis)
    it.partitions[ORDERS].fences[0] = 3
    with pytest.raises(Reseek, match="shard 0 went back from 3 to 1") as reseek:
        await it.path.take(it.partitions[ORDERS], chunk(log[1:]))
    assert reseek.value.kind == "rolled_back"
    assert await saved(redis) == earlier


async def settle_apart(it: Reader, stops: tuple[int, ...]) -> None:
    """Settle each shard up to its stop, and no other with it."""
    for shard, stop in enumerate(stops):
        one = Reader(it.redis, {ORDERS: LOG}, len(stops), DEDUPE_MS)
        await one.open()
        for other, settler in enumerate(one.path._settlers):
            if other != shard:
                settler.settle = not_here  # type: ignore[method-assign,assignment]
        if stop:
            await one.path.take(one.partitions[ORDERS], chunk(LOG[:stop], highwater=len(LOG)))


async def not_here(tp: TP, progress: Progress, *rest: object) -> Elsewhere:
    return Elsewhere(progress.stop)


# -- large chunks ------------------------------------------------------------------------------
async def test_a_chunk_of_too_many_rows_is_settled_in_several_runs(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    should = await expected(redis, shards=2)
    monkeypatch.setattr(streams.intake.path, "MAX_ROWS", 6)
    it = await reader(redis, shards=2)
    runs = count_settles(it)
    await it.read(ORDERS, 20)
    assert await tallies(redis, 2) == should
    assert all(len(of_shard) > 1 for of_shard in runs)
    for of_shard in runs:
        assert [start for start, _ in of_shard] == [0, *(stop for _, stop in of_shard[:-1])]
        assert of_shard[-1][1] == 20


async def test_one_record_is_settled_whatever_rows_it_has(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    should = await expected(redis)
    monkeypatch.setattr(streams.intake.path, "MAX_ROWS", 1)
    it = await reader(redis)
    runs = count_settles(it)
    await it.read(ORDERS, 20)
    assert runs[0] == [(offset, offset + 1) for offset in range(20)]
    assert await tallies(redis, 1) == should


def count_settles(it: Reader) -> list[list[tuple[int, int]]]:
    """For each shard, the runs that are settled from now on, as they come."""
    runs: list[list[tuple[int, int]]] = [[] for _ in it.keys]
    for shard, settler in enumerate(it.path._settlers):

        def noting(
            tp: TP, progress: Any, *rest: Any, shard: int = shard, settle: Callable[..., Any] = settler.settle
        ) -> Awaitable[Any]:
            runs[shard].append((progress.start, progress.stop))
            return settle(tp, progress, *rest)  # type: ignore[no-any-return]

        settler.settle = noting  # type: ignore[method-assign]
    return runs


# -- a store that does not answer --------------------------------------------------------------
@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two tries."""
    monkeypatch.setattr(streams.intake.store_calls, "backoff_s", lambda attempt, chance: 0.0)


@pytest.mark.usefixtures("at_once")
async def test_a_settle_whose_answer_was_lost_is_counted_once(redis: Redis) -> None:
    should = await expected(redis)
    it = await reader(redis)
    settle, answers = it.path._settlers[0].settle, []

    async def losing(*job: Any) -> Any:
        answers.append(await settle(*job))
        if len(answers) == 1:
            raise RedisGone("cut after the command was sent")
        return answers[-1]

    it.path._settlers[0].settle = losing  # type: ignore[method-assign]
    await it.read(ORDERS, 20)
    assert answers == [Applied(1), Elsewhere(20)]
    assert await tallies(redis, 1) == should


async def test_a_key_of_another_type_stops_the_worker_and_counts_nothing(redis: Redis) -> None:
    it = await reader(redis)
    day = (LOG[0].timestamp + 8 * 3_600_000) // 86_400_000
    await redis.set(it.keys[0].hours("platform", day, "all"), "not a hash")
    with pytest.raises(StoreFault, match="taken back whole"):
        await it.read(ORDERS, 20)
    assert await fences(redis, ORDERS, 1) == [0]
    # what can be repeated without harm (sketches, refunds) may be written, no sum may be left
    sums = [key async for key in redis.scan_iter(f"{it.keys[0].prefix}hours:*") if await redis.type(key) == b"hash"]
    assert sums == []


# -- another log -------------------------------------------------------------------------------
async def test_the_record_below_the_fence_proves_the_log(redis: Redis) -> None:
    await (await reader(redis, log=LOG[:10])).read_all()
    again = await reader(redis)
    await again.read_all(7)
    assert again.partitions[ORDERS].identity is None
    assert await fences(redis, ORDERS, 1) == [20]


@pytest.mark.parametrize(
    "other",
    [
        LOG[9]._replace(value=as_bytes(paid("somebody-else"))),
        LOG[9]._replace(timestamp=LOG[9].timestamp + 1),
        LOG[9]._replace(value=None),
    ],
)
async def test_another_record_below_the_fence_refuses_the_log_and_counts_nothing(redis: Redis, other: Rec) -> None:
    await (await reader(redis, log=LOG[:10])).read_all()
    before = await saved(redis)
    replaced = await reader(redis, log=[*LOG[:9], other, *LOG[10:]])
    with pytest.raises(LogReplaced, match=r"orders/0: the record at offset 9 is not the one that was counted"):
        await replaced.read_all()
    assert await saved(redis) == before
    assert replaced.rejects.published == []


async def test_a_compacted_record_below_the_fence_proves_nothing_and_stops_nothing(redis: Redis) -> None:
    await (await reader(redis, log=LOG[:10])).read_all()
    again = await reader(redis)
    holed = chunk([*LOG[:9], *LOG[10:]])
    await again.path.take(again.partitions[ORDERS], holed)
    assert await fences(redis, ORDERS, 1) == [20]


# -- rejects -----------------------------------------------------------------------------------
async def test_rejects_are_published_before_anything_is_counted(redis: Redis) -> None:
    it = await reader(redis)
    stood_at: list[object] = []
    publish = it.rejects.publish

    async def looking(tp: TP, rejects: Any) -> None:
        stood_at.append(await fences(redis, ORDERS, 1))
        await publish(tp, rejects)

    it.rejects.publish = looking  # type: ignore[method-assign]
    await it.read(ORDERS, 20)
    assert stood_at == [[0]]


async def test_rejects_that_can_not_be_published_leave_their_chunk_uncounted(redis: Redis) -> None:
    it = await reader(redis)
    before = await saved(redis)

    async def failing(tp: TP, rejects: Any) -> None:
        raise StoreFault("the topic is gone")

    it.rejects.publish = failing  # type: ignore[method-assign]
    with pytest.raises(StoreFault):
        await it.read(ORDERS, 20)
    assert await saved(redis) == before
