"""Purging on a real store: what is past its time goes, days stay, and the audit finds no difference at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from streams.intake.order import GENERATION_DAYS, generation_of
from streams.keys import Keys
from streams.lab.audit.compare import differences, looked_at
from streams.retention.floors import read_floors, read_swept
from streams.retention.policy import Floors, Unread
from streams.tally.windows import DAY_MS, SHANGHAI
from tests.streams.retention.mill import PLACES, Mill, t

#: what a purge writes beside what it removes
ITS_OWN = ("floors", "swept")
HOURLY = ("hours", "buyers", "merchants", "anchors")


async def evenings(mill: Mill, days: range) -> None:
    """On each day a session of two hours, with sales, a refund, an abandoned order, and shelf sales without ids."""
    for day in days:
        session_id = f"session-{day:04d}"
        await mill.session("started", t(day, 20), session_id)
        for number in range(6):
            await mill.paid(t(day, 20 + number / 3), 1_000 * (day + 1) + number, session_id=session_id)
        await mill.paid(t(day, 20.5), 700, tp=PLACES[1], anchor_id=None, cluster_id=None, province="Hebei", city=None)
        await mill.created(t(day, 21.1), session_id=session_id)
        await mill.refunded(t(day, 21.9), t(day, 20.4), 300, session_id=session_id)
        await mill.session("ended", t(day, 22), session_id)


# -- minutes -----------------------------------------------------------------------------------
async def test_minutes_go_after_three_days_and_one_more(mill: Mill) -> None:
    await evenings(mill, range(2))
    await mill.moves_on(t(4, 20.99))
    await mill.purge()
    assert any(name.endswith(f":{SHANGHAI.hour(t(0, 20))}:all") for name in await mill.names("minutes"))
    await mill.moves_on(t(4, 21))
    await mill.purge()
    hours = {int(name.split(":")[2]) for name in await mill.names("minutes")}
    assert min(hours) == SHANGHAI.hour(t(0, 21))
    assert await mill.differences() == []


async def test_nothing_else_goes_with_the_minutes(mill: Mill) -> None:
    await evenings(mill, range(2))
    await mill.moves_on(t(9))
    before = await mill.dump(ITS_OWN)
    await mill.purge()
    after = await mill.dump(ITS_OWN)
    now = f":{SHANGHAI.hour(t(9))}:"
    assert before.keys() - after.keys() == {key for key in before if ":minutes:" in key and now not in key}
    assert all(before[key] == after[key] for key in after)


async def test_once_an_hour_of_event_time_at_most(mill: Mill) -> None:
    await evenings(mill, range(1))
    await mill.moves_on(t(6, 3.1))
    await mill.purge()
    scans = (await mill.redis.info("commandstats"))["cmdstat_scan"]["calls"]
    await mill.moves_on(t(6, 3.9))
    await mill.purge()
    assert (await mill.redis.info("commandstats"))["cmdstat_scan"]["calls"] == scans
    await mill.moves_on(t(6, 4))
    await mill.purge()
    assert (await mill.redis.info("commandstats"))["cmdstat_scan"]["calls"] > scans


# -- hours into days ---------------------------------------------------------------------------
async def test_days_are_equal_before_and_after_their_hours_are_rolled_up(mill: Mill) -> None:
    await evenings(mill, range(3))
    await mill.moves_on(t(40))
    before = await mill.stored()
    await mill.purge()
    after = await mill.stored()
    assert after.floors.hours > SHANGHAI.hour(t(2, 23))

    def days(windows):
        return {window: value for window, value in windows.items() if window.grain in ("day", "session")}

    assert days(before.tallies)
    assert days(after.tallies) == days(before.tallies)
    assert days(before.sketches)
    assert days(after.sketches) == days(before.sketches)
    assert await mill.differences() == []


async def test_hours_go_by_dimension(mill: Mill) -> None:
    await evenings(mill, range(1))
    await mill.moves_on(t(40))
    await mill.purge()
    day = SHANGHAI.day(t(0))
    kept = {name.split(":")[1] for name in await mill.names("hours") if f":{day}:" in name}
    assert kept == {"platform", "province", "cluster", "category", "channel"}
    rolled_up = {name.split(":")[1] for name in await mill.names("days")}
    assert rolled_up == {"city", "merchant", "anchor"}
    sketched = {name.rpartition(f":{day}:")[0] for name in await mill.names(*(f"day-{of}" for of in HOURLY[1:]))}
    assert sketched == {
        "day-buyers:platform", "day-buyers:province", "day-buyers:cluster", "day-buyers:category", "day-buyers:anchor",
        "day-merchants:platform", "day-merchants:province", "day-merchants:cluster",
        "day-anchors:platform", "day-anchors:province", "day-anchors:cluster",
    }  # fmt: skip


async def test_everything_of_a_day_goes_in_the_end_but_rankings(mill: Mill) -> None:
    await evenings(mill, range(4))
    for day in (40, 200, 406):
        await mill.moves_on(t(day))
        totals = await mill.redis.hgetall(mill.keys[0].totals())
        await mill.purge()
        assert await mill.redis.hgetall(mill.keys[0].totals()) == totals
        assert await mill.differences() == []
    day = SHANGHAI.day(t(3, 23))
    for name in await mill.names("days", "session", "placed", *HOURLY, *(f"day-{of}" for of in HOURLY[1:])):
        assert f":{day}:" not in name
        assert "session-000" not in name
    assert not any("session-000" in name for name in await mill.names())
    best = await mill.redis.hget(mill.keys[0].ranking("record.session", "gmv.paid.gross.v1", "platform", "all"), "top")
    assert int(best) == 6 * 4_000 + 15


async def test_orders_and_first_offsets_go(mill: Mill) -> None:
    await evenings(mill, range(2))
    generation = generation_of(t(1), SHANGHAI)
    assert await mill.names("orders") == [f"orders:0:{generation}:orders"]
    first_past = SHANGHAI.start_ms("day", (generation + 1) * GENERATION_DAYS) + 31 * DAY_MS
    for to_ms, left in ((first_past - 1, 1), (first_past, 0)):
        await mill.moves_on(to_ms)
        await mill.purge()
        assert len(await mill.names("orders")) == left


async def test_first_offsets_go(mill: Mill) -> None:
    await evenings(mill, range(2))
    await mill.moves_on(t(37))
    await mill.purge()
    firsts = mill.keys[0].first_offsets("orders", 0)
    assert int(min(await mill.redis.hkeys(firsts))) == SHANGHAI.hour(t(0, 20))
    await mill.moves_on(t(67))
    await mill.purge()
    assert int(min(await mill.redis.hkeys(firsts))) == SHANGHAI.hour(t(1, 20))


async def test_hours_without_a_session_go_one_by_one(mill: Mill) -> None:
    await evenings(mill, range(2))
    await mill.moves_on(t(402))
    await mill.purge()
    fields = await mill.redis.hkeys(mill.keys[0].session_hours("(none)"))
    assert min(int(field[:-1]) for field in fields) == SHANGHAI.hour(t(1, 20))
    assert await mill.differences() == []


# -- what may come in between ------------------------------------------------------------------
async def test_a_repeated_purge_changes_nothing(mill: Mill) -> None:
    await evenings(mill, range(3))
    await mill.moves_on(t(40))
    await mill.purge()
    before = await mill.dump()
    await mill.purge()
    await mill.redis.delete(mill.keys[0].swept())
    await mill.purge()
    assert await mill.dump() == before


class Killed(BaseException):
    """The process is no more."""


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_a_purge_that_was_cut_off_is_harmless_and_is_brought_to_its_end(
    mill: Mill, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.retention.sweep.BATCH", 40)
    await evenings(mill, range(3))
    await mill.moves_on(t(40))
    days = {tally: sums for tally, sums in (await mill.stored()).tallies.items() if tally.grain == "day"}
    left = steps

    async def rest(_: float) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Killed

    with pytest.raises(Killed):
        await mill.purger("first", rest).work()
    keys = mill.keys[0]
    assert (await read_floors(mill.redis, keys)).minutes > 0
    assert await read_swept(mill.redis, keys) != await read_floors(mill.redis, keys)
    assert await mill.differences() == []
    await mill.redis.delete(keys.lease("purge"))  # it expires
    await mill.purge()
    assert await read_swept(mill.redis, keys) == await read_floors(mill.redis, keys)
    assert await mill.differences() == []
    after = (await mill.stored()).tallies
    assert {tally: after[tally] for tally in days} == days


async def test_at_every_rest_of_a_purge_the_audit_finds_nothing(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.retention.sweep.BATCH", 20)
    monkeypatch.setattr("streams.retention.purger.WORK_S", 60.0)
    await evenings(mill, range(2))
    await mill.moves_on(t(40))
    found, rests, hours_left = [], 0, set()

    async def rest(_: float) -> None:
        nonlocal rests
        rests += 1
        if rests % 4 == 0:
            found.extend(await mill.differences())
            hours_left.add(len(await mill.names("hours")))

    await mill.purger(rest=rest).work()
    assert found == []
    assert len(hours_left) > 1, "no audit fell into the middle"


async def test_an_audit_may_read_while_a_purge_goes_on(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.retention.sweep.BATCH", 5)
    monkeypatch.setattr("streams.retention.purger.WORK_S", 60.0)
    await evenings(mill, range(6))
    await mill.moves_on(t(42))
    truth = mill.truth()
    purge = asyncio.create_task(mill.purger().work())
    found, floors_seen = [], set()
    while not purge.done():
        stored = await mill.stored()
        floors_seen.add(stored.floors)
        found += differences(stored, truth, looked_at(stored, truth, SHANGHAI))
    await purge
    assert found == []
    assert floors_seen == {await floors(mill)}, "no audit began before the purge was over"
    assert await mill.names("days")


async def test_two_purges_at_once_are_harmless(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease saves effort, nothing else depends on it."""
    monkeypatch.setattr("streams.retention.sweep.BATCH", 5)
    monkeypatch.setattr("streams.retention.purger.WORK_S", 60.0)
    await evenings(mill, range(3))
    await mill.moves_on(t(40))

    async def lose_lease(_: float) -> None:
        await mill.redis.delete(mill.keys[0].lease("purge"))

    async def second() -> None:
        for _ in range(200):
            await mill.purger("second", lose_lease).work()

    await asyncio.gather(mill.purger("first", lose_lease).work(), second())
    assert await read_swept(mill.redis, mill.keys[0]) == await floors(mill)
    assert await mill.differences() == []


async def test_an_event_above_the_floor_is_added_while_a_partition_lags_by_a_day(mill: Mill) -> None:
    """It arrived a day before the watermark, and was then as late as an event may be."""
    await evenings(mill, range(1))
    await mill.moves_on(t(39, 12))
    await mill.purge()
    arrival_ms = t(38, 12) + 1
    await mill.paid(arrival_ms - 3 * 86_400_000, 5, arrival_ms, PLACES[1])
    await mill.paid(arrival_ms - 35 * 86_400_000, 5, arrival_ms, PLACES[1])
    await mill.detected()
    await mill.purge()
    assert await mill.differences() == []


async def test_what_comes_later_than_that_goes_into_its_day(mill: Mill) -> None:
    await evenings(mill, range(1))
    await mill.moves_on(t(60))
    await mill.purge()
    await mill.paid(t(0, 20.2), 5, t(1), PLACES[1], session_id="session-0000")
    assert await mill.differences() == []
    await mill.redis.delete(mill.keys[0].swept())
    await mill.purge()
    assert await mill.differences() == []
    old = [name for name in await mill.names("hours") if f"anchor:{SHANGHAI.day(t(0))}" in name]
    assert old == []


# -- what holds it back ------------------------------------------------------------------------
async def floors(mill: Mill, shard: int = 0) -> Floors:
    return await read_floors(mill.redis, mill.keys[shard])


async def test_without_a_watermark_nothing_is_purged(mill: Mill) -> None:
    await mill.paid(t(0), 5)
    await mill.purge()
    assert await floors(mill) == Floors()


async def test_what_the_detectors_have_not_read_stays(mill: Mill) -> None:
    await evenings(mill, range(4))
    await mill.moves_on(t(9))
    member = f"minute|{SHANGHAI.minute(t(2, 21.5))}|platform|all"
    await mill.redis.zadd(mill.keys[0].changed("peaks"), {member: 1})
    await mill.purge()
    assert (await floors(mill)).minutes == SHANGHAI.hour(t(2, 20)) * 60
    await mill.redis.zrem(mill.keys[0].changed("peaks"), member)
    await mill.purge()
    assert (await floors(mill)).minutes == SHANGHAI.hour(t(5)) * 60


async def test_far_too_many_marks_stop_the_purge(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    await evenings(mill, range(1))
    await mill.moves_on(t(9))
    monkeypatch.setattr("streams.retention.unread.MOST_MARKS", 0)
    await mill.redis.zadd(mill.keys[0].changed("peaks"), {f"hour|{SHANGHAI.hour(t(9))}|platform|all": 1})
    await mill.purge()
    assert await floors(mill) == Floors()


async def test_a_partition_with_unread_records_counts_for_its_last_arrival(mill: Mill) -> None:
    await evenings(mill, range(2))
    await mill.moves_on(t(9))
    fence = mill.keys[0].fence("orders", 1)
    await mill.redis.hset(fence, mapping={"unread": 1, "arrival_ms": t(6, 5)})
    await mill.purge()
    assert (await floors(mill)).minutes == SHANGHAI.hour(t(2, 5)) * 60


async def test_a_partition_without_a_fence_stops_the_purge(mill: Mill) -> None:
    await evenings(mill, range(2))
    await mill.moves_on(t(9))
    mill.partitions = {*(mill.partitions or ()), ("orders", 2)}
    await mill.purge()
    assert await floors(mill) == Floors()


async def test_while_kafka_does_not_say_what_there_is_nothing_is_purged(mill: Mill) -> None:
    await evenings(mill, range(2))
    await mill.moves_on(t(9))
    mill.partitions = None
    await mill.purge()
    assert await floors(mill) == Floors()


async def test_another_worker_purges(mill: Mill) -> None:
    await evenings(mill, range(1))
    await mill.moves_on(t(9))
    await mill.redis.set(mill.keys[0].lease("purge"), "another", px=60_000)
    await mill.purger("second").work()
    assert await floors(mill) == Floors()


async def test_a_redis_that_went_back_is_left_alone(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    """The floors of the sweep are no longer there: what is in Redis now may still be needed."""
    monkeypatch.setattr("streams.retention.sweep.BATCH", 5)
    await evenings(mill, range(2))
    await mill.moves_on(t(9))
    keys, left = mill.keys[0], []

    async def rest(_: float) -> None:
        if not left:
            await mill.redis.delete(keys.floors(), keys.swept(), keys.watermark())
            left.extend(await mill.names("minutes"))

    purger = mill.purger(rest=rest)
    for _ in range(3):
        await purger.work()
    assert left
    assert await mill.names("minutes") == left
    assert await mill.names("floors", "swept") == []


async def test_floors_are_not_raised_in_a_redis_that_went_back(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    await evenings(mill, range(2))
    await mill.moves_on(t(9))

    async def emptied(redis: Redis, keys: Keys) -> Unread:
        await redis.flushall()
        return Unread()

    monkeypatch.setattr("streams.retention.purger.read_unread", emptied)
    await mill.purger().work()
    assert await mill.names() == []


async def test_a_key_of_another_type_is_said_once_and_stops_only_the_sweep(
    mill: Mill, caplog: pytest.LogCaptureFixture
) -> None:
    await evenings(mill, range(1))
    await mill.moves_on(t(40))
    await mill.redis.set(mill.keys[0].days("anchor", SHANGHAI.day(t(0)), "anchor-0001"), "not ours")
    before = await mill.redis.hgetall(mill.keys[0].hours("anchor", SHANGHAI.day(t(0)), "anchor-0001"))
    await mill.purge()
    said = [record.getMessage() for record in caplog.records if "is not purged" in record.getMessage()]
    assert len(said) == 1
    assert "WRONGTYPE" in said[0]
    assert await mill.redis.hgetall(mill.keys[0].hours("anchor", SHANGHAI.day(t(0)), "anchor-0001")) == before


# -- shards ------------------------------------------------------------------------------------
async def test_each_of_several_shards_has_its_floors(mill_of: Callable[[int], Awaitable[Mill]]) -> None:
    mill = await mill_of(3)
    await evenings(mill, range(2))
    await mill.moves_on(t(40))
    await mill.purge()
    assert len({await floors(mill, shard) for shard in range(3)}) == 1
    assert await mill.differences() == []
    names = [name for shard in range(3) for name in await mill.names("days", shard=shard)]
    assert f"days:anchor:{SHANGHAI.day(t(0))}:anchor-0001" in names


async def test_a_purge_is_measured(mill: Mill, redis: Redis) -> None:
    await evenings(mill, range(1))
    await mill.moves_on(t(40))
    minutes = len(await mill.names("minutes"))
    await mill.purge()
    sample = mill.metrics.registry.get_sample_value
    assert sample("hightide_purged_keys_total", {"kind": "minutes"}) == minutes - len(await mill.names("minutes"))
    floor_ms = sample("hightide_floor_ms", {"shard": "0", "kind": "minutes"})
    assert floor_ms == t(36)
    assert (sample("hightide_purge_seconds_count") or 0) > 0
