"""The intake of a worker: what it drops, what stops a partition, and that no failure is ever swallowed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faust.types import TP
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisGone

import streams.intake.intake
import streams.intake.limits
import streams.intake.store_calls
from streams.errors import Expected, LogReplaced, StoreFault, WorkerStuck
from streams.intake.chunk import Chunk, StartAt
from tests.streams.intake.counting import fences
from tests.streams.intake.making import ORDERS, Rec, chunk, paid, records, sample
from tests.streams.intake.rig import REJECT_LIMIT, Rig

OTHER = TP("orders", 1)
BAD = b"no json"
GOOD = records([paid(f"p-{at}") for at in range(10)])


@pytest.fixture
async def rig(redis: Redis) -> Rig:
    """An intake that has opened ten payments, and an empty partition."""
    rig = Rig(redis, {ORDERS: GOOD, OTHER: []})
    await rig.open()
    return rig


async def fence(redis: Redis, tp: TP = ORDERS) -> int | None:
    return (await fences(redis, tp, 1))[0]


# -- taking ------------------------------------------------------------------------------------
async def test_a_chunk_is_settled_and_told(redis: Redis, rig: Rig) -> None:
    await rig.take(GOOD[:6])
    await rig.take(GOOD[6:])
    assert await fence(redis) == 10
    assert (rig.settled, rig.faults, rig.seeks) == (2, [], [])
    assert sample(rig.metrics, "hightide_events_counted_total", topic="orders", partition="0") == 10
    assert sample(rig.metrics, "hightide_fence_offset", topic="orders", partition="0") == 10


async def test_a_chunk_of_an_older_epoch_is_dropped(redis: Redis, rig: Rig) -> None:
    stale = chunk(GOOD, epoch=rig.intake.partitions[ORDERS].epoch)
    await rig.open()
    await rig.intake.take(stale)
    assert await fence(redis) == 0
    assert (rig.settled, rig.faults, rig.seeks) == (0, [], [])


async def test_a_chunk_of_a_partition_that_is_not_ours_is_dropped(redis: Redis, rig: Rig) -> None:
    await rig.intake.take(chunk(GOOD, TP("orders", 7)))
    assert (rig.settled, rig.faults) == (0, [])


async def test_what_is_read_again_below_the_fence_is_not_measured_twice(redis: Redis, rig: Rig) -> None:
    await rig.take(GOOD[:6])
    await rig.open()
    await rig.take(GOOD)
    assert sample(rig.metrics, "hightide_events_counted_total", topic="orders", partition="0") == 10


# -- fences that stand elsewhere ---------------------------------------------------------------
async def test_a_lost_store_is_read_again_from_the_beginning_of_the_log(redis: Redis, rig: Rig) -> None:
    await rig.take(GOOD[:6])
    before = rig.intake.partitions[ORDERS]
    await redis.flushdb()
    await rig.take(GOOD[6:])
    now = rig.intake.partitions[ORDERS]
    assert now.epoch > before.epoch
    assert rig.seeks == [{ORDERS: StartAt(0, now.epoch)}]
    assert (await fence(redis), rig.faults) == (0, [])
    assert sample(rig.metrics, "hightide_fence_mismatches_total", kind="missing") == 1
    await rig.take(GOOD)
    assert await fence(redis) == 10


async def test_a_chunk_behind_a_dropped_one_is_not_taken(redis: Redis, rig: Rig) -> None:
    await rig.take(GOOD[:3])
    await rig.take(GOOD[6:])
    assert [start for seek in rig.seeks for start in seek.values()] == [StartAt(0, rig.intake.partitions[ORDERS].epoch)]
    assert await fence(redis) == 3


async def test_a_gap_below_the_fence_is_not_taken_either(redis: Redis, rig: Rig) -> None:
    """Nothing would be counted wrongly by it, but a resend behind the fence would no longer be known."""
    await rig.take(GOOD[:6])
    await rig.open()
    await rig.take(GOOD[3:])
    assert len(rig.seeks) == 1
    assert await fence(redis) == 6


async def test_a_partition_that_was_taken_away_meanwhile_is_not_seeked(redis: Redis, rig: Rig) -> None:
    open_ = rig.opener.open

    async def open_slowly(*arguments: Any) -> Any:
        opened = await open_(*arguments)
        rig.intake.partitions.pop(ORDERS, None)
        return opened

    rig.opener.open = open_slowly  # type: ignore[method-assign]
    await rig.intake.read_again(ORDERS, "missing", "why not")
    assert (rig.seeks, rig.faults) == ([], [])


# -- holes -------------------------------------------------------------------------------------
async def test_a_hole_of_a_compacted_topic_is_counted_over(redis: Redis, rig: Rig) -> None:
    await rig.take(GOOD[:3])
    await rig.intake.take(Chunk(ORDERS, rig.intake.partitions[ORDERS].epoch, 3, 10, 10, GOOD[5:]))
    assert (await fence(redis), rig.faults) == (10, [])


async def test_a_hole_because_the_log_lost_its_beginning_stops_the_worker(redis: Redis, rig: Rig) -> None:
    """Retention overtook a slow worker: the consumer jumped, and the records between would be lost in silence."""
    await rig.take(GOOD[:3])
    rig.log.first[ORDERS] = 5
    await rig.intake.take(Chunk(ORDERS, rig.intake.partitions[ORDERS].epoch, 3, 10, 10, GOOD[5:]))
    assert [str(fault).split(": ")[1] for fault in rig.faults] == [
        "the tallies continue at offset 3, but the log now begins at 5"
    ]
    assert isinstance(rig.faults[0], LogReplaced)
    assert await fence(redis) == 3


# -- rejects in a row --------------------------------------------------------------------------
def rejects(count: int, start: int) -> list[Rec]:
    return records([BAD] * count, start)


async def test_too_many_rejects_in_a_row_stop_their_partition_and_no_other(
    redis: Redis, rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    await rig.take([*GOOD[:2], *rejects(3, 2)])
    assert "stopped" not in caplog.text
    await rig.take(rejects(1, 5))
    assert [record.levelname for record in caplog.records if "is stopped" in record.message] == ["ERROR"]
    assert (
        "orders/0 is stopped: 4 rejects in a row, the last at offset 5 (not_json). What follows stays in Kafka, and "
        "the watermark waits. See what they are with `hightide rejects list --topic orders --partition 0`, mend the "
        "producer, then start this worker again: it goes on from the fence, and stops again at as many more "
        "(HIGHTIDE_REJECT_LIMIT, HIGHTIDE_REJECT_SHARE)"
    ) in caplog.messages
    assert sample(rig.metrics, "hightide_partition_stopped", topic="orders", partition="0") == 1
    assert sample(rig.metrics, "hightide_partition_stopped", topic="orders", partition="1") == 0
    await rig.take(GOOD[6:])
    assert await fence(redis) == 6
    await rig.take(GOOD[:4], OTHER)
    assert await fence(redis, OTHER) == 4
    assert rig.faults == []


async def test_one_good_record_lets_rejects_begin_anew(redis: Redis, rig: Rig) -> None:
    for start in range(0, 20, 4):
        await rig.take([*rejects(3, start), *records([paid(f"g-{start}")], start + 3)])
    assert rig.intake.partitions[ORDERS].stopped is None
    assert await fence(redis) == 20


async def test_a_restart_behind_the_rejects_that_stopped_it_goes_on(redis: Redis) -> None:
    """They are read again for the resend memory; counted again they would stop the partition for good."""
    log = [*rejects(REJECT_LIMIT, 0), *GOOD[REJECT_LIMIT:]]
    rig = Rig(redis, {ORDERS: log})
    await rig.open()
    await rig.take(log[:REJECT_LIMIT])
    assert rig.intake.partitions[ORDERS].stopped
    again = Rig(redis, {ORDERS: log})
    await again.open()
    assert again.intake.partitions[ORDERS].read_to == 0
    await again.take(log[:REJECT_LIMIT])
    assert again.intake.partitions[ORDERS].stopped is None
    await again.take(log[REJECT_LIMIT:])
    assert await fence(redis) == 10


async def test_a_row_within_a_chunk_stops_it_as_one_over_two_chunks_does(redis: Redis, rig: Rig) -> None:
    await rig.take([*rejects(REJECT_LIMIT, 0), *GOOD[REJECT_LIMIT:]])
    assert rig.intake.partitions[ORDERS].stopped == "4 rejects in a row, the last at offset 3 (not_json)"
    assert await fence(redis) == 10


async def test_records_of_a_stopped_partition_are_no_reason_to_hurry(redis: Redis, rig: Rig) -> None:
    """Detection rests while records lie unread; these will not be read."""
    epoch = rig.intake.partitions[ORDERS].epoch
    await rig.intake.take(Chunk(ORDERS, epoch, 0, 3, 99, rejects(3, 0)))
    assert rig.intake.behind()
    await rig.intake.take(Chunk(ORDERS, epoch, 3, 4, 99, rejects(1, 3)))
    assert not rig.intake.behind()


async def test_a_partition_that_is_read_again_is_not_stopped_any_more(redis: Redis, rig: Rig) -> None:
    await rig.take(rejects(REJECT_LIMIT, 0))
    await rig.intake.read_again(ORDERS, "rolled_back", "Redis went back")
    assert rig.intake.partitions[ORDERS].stopped is None
    assert sample(rig.metrics, "hightide_partition_stopped", topic="orders", partition="0") == 0


async def test_the_share_of_rejects_stops_a_partition_too(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams.intake.limits, "SHARE_OF_RECORDS", 10)
    rig = Rig(redis, {ORDERS: GOOD}, reject_share=30)
    await rig.open()
    mixed = records([BAD if at in (0, 9, 12, 18, 19) else paid(f"m-{at}") for at in range(20)])
    await rig.take(mixed[:12])
    await rig.take(mixed[12:18])
    assert rig.intake.partitions[ORDERS].stopped is None
    await rig.take(mixed[18:])
    assert rig.intake.partitions[ORDERS].stopped == (
        "30 % of the last 10 records are rejects, the last at offset 18 (not_json)"
    )


# -- what was another worker's -----------------------------------------------------------------
async def test_a_partition_that_went_elsewhere_is_told_by_its_new_worker_alone(redis: Redis, rig: Rig) -> None:
    await rig.take(GOOD[:6])
    assert sample(rig.metrics, "hightide_lag_records", topic="orders", partition="0") == 0
    await rig.intake.open({OTHER}, rig.log)
    assert sample(rig.metrics, "hightide_lag_records", topic="orders", partition="0") is None
    assert sample(rig.metrics, "hightide_events_counted_total", topic="orders", partition="0") == 6


# -- failures ----------------------------------------------------------------------------------
@pytest.mark.parametrize("error", [ValueError("a fault of ours"), RuntimeError(), KeyError("x")])
async def test_an_unexpected_error_ends_the_worker_and_leaves_the_chunk_uncounted(
    redis: Redis, rig: Rig, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(*arguments: Any) -> Any:
        raise error

    rig.path.take = failing  # type: ignore[method-assign]
    await rig.take(GOOD)
    assert [type(fault) for fault in rig.faults] == [Expected]
    assert repr(error) in str(rig.faults[0])
    assert rig.faults[0].exit_code == 70
    assert "chunk orders/0 [0, 10)" in caplog.text
    assert await fence(redis) == 0


async def test_what_the_path_says_ends_the_worker_as_it_is(redis: Redis, rig: Rig) -> None:
    fault = StoreFault("damaged")

    async def failing(*arguments: Any) -> Any:
        raise fault

    rig.path.take = failing  # type: ignore[method-assign]
    await rig.take(GOOD)
    assert rig.faults == [fault]


@pytest.mark.parametrize(
    ("error", "expected"),
    [(LogReplaced("another log"), LogReplaced), (ValueError("a fault of ours"), WorkerStuck)],
)
async def test_a_partition_that_can_not_be_opened_ends_the_worker(
    redis: Redis, rig: Rig, error: Exception, expected: type[Expected]
) -> None:
    async def failing(*arguments: Any) -> Any:
        raise error

    rig.opener.open = failing  # type: ignore[method-assign]
    assert await rig.open() == {}
    await rig.intake.read_again(ORDERS, "missing", "why not")
    assert [type(fault) for fault in rig.faults] == [expected, expected]
    assert all(str(error) in str(fault) for fault in rig.faults)
    assert rig.seeks == []


async def test_a_seek_that_fails_ends_the_worker(redis: Redis, rig: Rig) -> None:
    async def failing(starts: object) -> None:
        raise RuntimeError("the consumer is gone")

    rig.intake.reseek = failing
    await redis.flushdb()
    await rig.take(GOOD)
    assert [type(fault) for fault in rig.faults] == [WorkerStuck]
    assert "orders/0 could not be read again: RuntimeError('the consumer is gone')" in str(rig.faults[0])


async def test_a_store_that_is_away_at_an_assignment_is_waited_for(
    redis: Redis, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebalance while Redis restarts must not end every worker of the group."""
    monkeypatch.setattr(streams.intake.store_calls, "backoff_s", lambda attempt, chance: 0.0)
    open_, away = rig.opener.open, [RedisGone("refused")] * 5

    async def open_late(*arguments: Any) -> Any:
        if away:
            raise away.pop()
        return await open_(*arguments)

    rig.opener.open = open_late  # type: ignore[method-assign]
    assert set(await rig.open()) == {ORDERS, OTHER}
    assert rig.faults == []


async def test_an_assignment_that_can_not_be_opened_in_time_ends_the_worker(
    redis: Redis, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faust would never fetch again after a seek that took longer than its own patience, and say nothing."""
    monkeypatch.setattr(streams.intake.intake, "OPEN_WITHIN_S", 0.01)

    async def never(*arguments: Any) -> Any:
        await asyncio.Event().wait()

    rig.opener.open = never  # type: ignore[method-assign]
    assert await rig.open() == {}
    assert [type(fault) for fault in rig.faults] == [WorkerStuck]
    assert rig.faults[0].exit_code == 75


# -- delivery ----------------------------------------------------------------------------------
async def test_chunks_go_to_the_queue_of_their_topic_and_wait_there(rig: Rig) -> None:
    queue: asyncio.Queue[Chunk] = asyncio.Queue(1)
    rig.intake.put = {"orders": queue.put}
    first, second = chunk(GOOD[:1]), chunk(GOOD[1:2])
    await rig.intake.deliver(first)
    waiting = asyncio.create_task(rig.intake.deliver(second))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await queue.get() is first
    await waiting
    assert await queue.get() is second
