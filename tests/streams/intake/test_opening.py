"""Opening: reading starts where the fences say, far enough before them, and never on another log."""

from collections.abc import Mapping

import pytest
from faust.types import TP
from redis.asyncio import Redis

from streams.errors import LogReplaced, MemoryShort, StoreFault
from streams.intake.fitting import BYTES_PER_EVENT, GENERATIONS, Fitting
from streams.intake.opening import Opener
from streams.intake.partition import Partition
from streams.keys import HISTORY, Keys, shard_keys
from streams.tally.fence import partition_member
from tests.streams.intake.making import DEDUPE_MS, MIDNIGHT_MS, NOW_MS, ORDERS, FakeLog, Rec

SESSIONS = TP("live-sessions", 3)
#: one record a minute
MINUTE_MS = 60_000
HORIZON = DEDUPE_MS // MINUTE_MS


class Claims:
    """Stands for the mark of the database: counts how often it was asked for."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1


def now() -> int:
    """When the partitions are opened."""
    return NOW_MS


def log(length: int, first: int = 0) -> FakeLog:
    """A log of `length` records a minute apart, of which those from `first` on are kept."""
    recs = [Rec(offset, MIDNIGHT_MS + offset * MINUTE_MS, None, b"") for offset in range(length)]
    return FakeLog({ORDERS: recs, SESSIONS: []}, {ORDERS: first})


def keys_of(shards: int) -> list[Keys]:
    return [shard_keys("test", shard) for shard in range(shards)]


async def fence(redis: Redis, next_: int, shard: int = 0, origin: int = 0, tp: TP = ORDERS) -> None:
    """Put a fence as settles of `[origin, next_)` leave it."""
    keys = shard_keys("test", shard)
    settled = next_ > origin
    last_ms = MIDNIGHT_MS + (next_ - 1) * MINUTE_MS if settled else 0
    fields: Mapping[str, int] = {
        "next": next_, "origin": origin, "counted": next_ - origin, "resends": 0, "rejected": 0,
        "trusted_ms": last_ms, "arrival_ms": last_ms, "last_crc": 7, "last_ms": last_ms, "unread": 1,
    }  # fmt: skip
    await redis.hset(keys.fence(*tp), mapping=dict(fields))
    await redis.sadd(keys.partitions(), partition_member(tp))


async def opened(redis: Redis, of: FakeLog, shards: int = 1, tp: TP = ORDERS) -> tuple[Partition, int]:
    opener = Opener(redis, keys_of(shards), DEDUPE_MS, Claims(), now)
    return (await opener.open([tp], of))[tp]


@pytest.mark.parametrize(("settled", "told"), [(2, True), (0, False)])
async def test_a_partition_that_came_later_begins_at_its_beginning_and_is_told_of(
    redis: Redis, caplog: pytest.LogCaptureFixture, settled: int, told: bool
) -> None:
    """At the very first start all of them are new, and nobody needs to hear of it."""
    new = TP(ORDERS.topic, ORDERS.partition + 1)
    of = FakeLog({**log(3).logs, new: []})
    of.others = {ORDERS}
    await fence(redis, settled)
    partition, start = await opened(redis, of, tp=new)
    assert (partition.fences, start) == ([0], 0)
    assert (f"{new.topic} has more partitions than before" in caplog.text) is told
    caplog.clear()
    await opened(redis, of, tp=new)
    assert caplog.text == ""


async def test_fences_that_redis_loses_while_others_are_looked_at_are_set_again(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what has one would be read, and nothing would hold the watermark back for what has none."""
    of = log(3)
    of.others = {SESSIONS}
    await fence(redis, 2)
    await fence(redis, 0, tp=SESSIONS)
    hmget, asked = redis.hmget, []

    async def losing(key: str, fields: object) -> object:
        asked.append(key)
        if len(asked) == 2:
            await redis.flushdb()
        return await hmget(key, fields)

    monkeypatch.setattr(redis, "hmget", losing)
    await opened(redis, of)
    keys = shard_keys("test", 0)
    assert [await redis.exists(keys.fence(*tp)) for tp in (ORDERS, SESSIONS)] == [1, 1]


async def test_partitions_of_other_workers_get_their_fence_too_and_hold_the_watermark(redis: Redis) -> None:
    of = log(3)
    of.others = {SESSIONS}
    await opened(redis, of)
    assert await redis.hmget(shard_keys("test", 0).fence(*SESSIONS), "next", "unread") == [b"0", b"1"]


# -- missing fences ----------------------------------------------------------------------------
@pytest.mark.parametrize("first", [0, 37])
async def test_a_missing_fence_is_set_to_the_first_offset_of_the_log(redis: Redis, first: int) -> None:
    partition, start = await opened(redis, log(50, first))
    assert (partition.fences, partition.origin, start) == ([first], first, first)
    stored = await redis.hgetall(shard_keys("test", 0).fence(*ORDERS))
    assert (stored[b"next"], stored[b"origin"], stored[b"unread"]) == (b"%d" % first, b"%d" % first, b"1")
    assert await redis.smembers(shard_keys("test", 0).partitions()) == {b"0:orders"}


async def test_a_fence_that_is_there_stays(redis: Redis) -> None:
    await fence(redis, 20)
    before = await redis.hgetall(shard_keys("test", 0).fence(*ORDERS))
    partition, _ = await opened(redis, log(50))
    assert partition.fences == [20]
    assert await redis.hgetall(shard_keys("test", 0).fence(*ORDERS)) == before


async def test_the_database_is_claimed_before_a_fence_is_set_and_not_asked_about_otherwise(redis: Redis) -> None:
    claims = Claims()
    opener = Opener(redis, keys_of(1), DEDUPE_MS, claims, now)
    await opener.open([ORDERS], log(5))
    await opener.open([ORDERS], log(5))
    assert claims.count == 1


async def test_a_claim_that_is_refused_sets_no_fence(redis: Redis) -> None:
    async def refuse() -> None:
        raise StoreFault("somebody else's now")

    with pytest.raises(StoreFault, match="somebody else's"):
        await Opener(redis, keys_of(1), DEDUPE_MS, refuse, now).open([ORDERS], log(5))
    assert await redis.dbsize() == 0


async def test_a_fence_that_was_lost_alone_is_not_set_anew(redis: Redis) -> None:
    """What was counted from it is still there, and would be counted twice."""
    await fence(redis, 20)
    await redis.delete(shard_keys("test", 0).fence(*ORDERS))
    with pytest.raises(StoreFault, match=r"fence of orders/0 is gone .* flush"):
        await opened(redis, log(50))
    assert not await redis.exists(shard_keys("test", 0).fence(*ORDERS))


# -- where reading starts ----------------------------------------------------------------------
async def test_a_warm_start_reaches_back_the_horizon(redis: Redis) -> None:
    await fence(redis, 40)
    partition, start = await opened(redis, log(50))
    assert start == 39 - HORIZON
    assert (partition.low, partition.read_to) == (40, start)


async def test_a_warm_start_reaches_back_at_least_one_record(redis: Redis) -> None:
    await fence(redis, 40)
    opener = Opener(redis, keys_of(1), 0, Claims(), now)
    _, start = (await opener.open([ORDERS], log(50)))[ORDERS]
    assert start == 39


async def test_a_warm_start_ends_where_the_log_begins(redis: Redis) -> None:
    await fence(redis, 40)
    assert (await opened(redis, log(50, first=38)))[1] == 38
    assert (await opened(redis, log(50, first=40)))[1] == 40


async def test_before_anything_is_settled_reading_starts_at_the_fence(redis: Redis) -> None:
    await fence(redis, 12, origin=12)
    partition, start = await opened(redis, log(50, first=12))
    assert (start, partition.identity) == (12, None)


async def test_the_record_below_the_fence_is_to_be_the_one_that_was_settled(redis: Redis) -> None:
    await fence(redis, 40)
    partition, _ = await opened(redis, log(50))
    assert partition.identity == (7, MIDNIGHT_MS + 39 * MINUTE_MS)


async def test_several_shards_are_read_from_the_lowest_fence(redis: Redis) -> None:
    for shard, next_ in enumerate((40, 30, 35)):
        await fence(redis, next_, shard)
    partition, start = await opened(redis, log(50), shards=3)
    assert partition.fences == [40, 30, 35]
    assert (partition.low, start) == (30, 29 - HORIZON)


async def test_a_shard_without_a_fence_is_read_from_the_first_offset(redis: Redis) -> None:
    await fence(redis, 40)
    partition, start = await opened(redis, log(50, first=5), shards=2)
    assert (partition.fences, start) == ([40, 5], 5)


# -- another log -------------------------------------------------------------------------------
async def test_a_fence_at_the_beginning_of_the_log_is_fine_and_one_below_is_not(redis: Redis) -> None:
    await fence(redis, 40)
    await opened(redis, log(50, first=40))
    with pytest.raises(LogReplaced, match=r"orders/0: the tallies continue at offset 40, .* begins at 41"):
        await opened(redis, log(50, first=41))


async def test_one_shard_that_is_behind_the_log_is_enough_to_refuse_it(redis: Redis) -> None:
    await fence(redis, 40)
    await fence(redis, 10, shard=1)
    with pytest.raises(LogReplaced, match="continue at offset 10"):
        await opened(redis, log(50, first=11), shards=2)


# -- epochs ------------------------------------------------------------------------------------
async def test_each_opening_has_an_epoch_of_its_own_and_an_empty_memory(redis: Redis) -> None:
    opener = Opener(redis, keys_of(1), DEDUPE_MS, Claims(), now)
    first = await opener.open([ORDERS, SESSIONS], log(5))
    second = await opener.open([ORDERS], log(5))
    epochs = [first[ORDERS][0].epoch, first[SESSIONS][0].epoch, second[ORDERS][0].epoch]
    assert epochs[0] == epochs[1] < epochs[2]
    assert second[ORDERS][0].memory is not first[ORDERS][0].memory
    assert len(second[ORDERS][0].memory) == 0


# -- change versions ---------------------------------------------------------------------------
#: the version that a history begun at NOW_MS begins with
BEGUN = NOW_MS // 1000 * HISTORY


@pytest.mark.parametrize(("before", "after"), [(None, BEGUN), (7, BEGUN), (BEGUN, BEGUN), (BEGUN + 1, BEGUN + 1)])
async def test_change_versions_go_on_above_all_that_a_store_may_have_given_and_lost(
    redis: Redis, before: int | None, after: int
) -> None:
    sequences = [keys.sequence() for keys in keys_of(2)]
    for sequence in sequences:
        if before is not None:
            await redis.set(sequence, before)
    await opened(redis, log(5), shards=2)
    assert [int(await redis.get(sequence) or 0) for sequence in sequences] == [after, after]


def test_change_versions_are_exact_in_lua() -> None:
    """Its numbers are doubles; a mark's version stands in the score of a sorted set, which is one too."""
    year_2100_s = 4_102_444_800
    assert year_2100_s * HISTORY < 2**53


# -- the horizon that must fit -----------------------------------------------------------------
@pytest.mark.parametrize("shards", [1, 2])
async def test_what_lies_in_the_horizon_before_the_fence_is_told_before_reading_begins(
    redis: Redis, shards: int
) -> None:
    for shard in range(shards):
        await fence(redis, 40, shard)
    told: list[Mapping[TP, int]] = []
    opener = Opener(redis, keys_of(shards), DEDUPE_MS, Claims(), now, told.append)
    await opener.open([ORDERS, SESSIONS], log(50))
    assert told == [{ORDERS: HORIZON + 1}]


async def test_a_horizon_that_does_not_fit_opens_nothing(redis: Redis) -> None:
    await fence(redis, 40)
    fits = Fitting(DEDUPE_MS // 1000, GENERATIONS * BYTES_PER_EVENT * (HORIZON + 1) - 1).check
    with pytest.raises(MemoryShort, match="hold 16 records in 1 partitions"):
        await Opener(redis, keys_of(1), DEDUPE_MS, Claims(), now, fits).open([ORDERS], log(50))
