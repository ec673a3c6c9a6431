"""A store or a log that is not what it was: rebuilt from Kafka to the truth, or refused with nothing changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from faust.types import TP
from redis.asyncio import Redis

from streams.connect import check_store, redis_client
from streams.keys import MARKER, SCHEMA, shard_keys
from streams.lab.processes import Process
from streams.lab.servers import Broker, Store
from streams.scripts import lua_script
from streams.settings import Settings
from streams.startup import check_layout
from streams.tally.fence import Fence, partition_member
from streams.tally.rows import ShardRows
from streams.tally.settle import Applied, Progress, Settler
from streams.topic_admin import ensure_topics, simulated_topics
from streams.topics import Topics
from tests.integration.by_hand import ARRIVAL_MS, MIDNIGHT_MS, exit_code, fences_of, lines, paid, send, until_fence
from tests.integration.scenario import Evening
from tests.integration.small import play_share, small_market


@pytest.fixture
async def evening(settings: Settings, store: Store, tmp_path: Path) -> AsyncIterator[Evening]:
    """The small market over the broker of the run and this store; nothing is sent, no worker runs."""
    settings = replace(settings, redis=f"redis://{store.address}/0")
    redis = redis_client(settings)
    market = Evening(settings, redis, *small_market(), tmp_path)
    yield market
    await market.end()
    await redis.aclose()


# -- the store ---------------------------------------------------------------------------------
async def test_a_store_that_is_emptied_is_rebuilt_from_kafka_and_marked_again(evening: Evening, tmp_path: Path) -> None:
    worker, redis, log = evening.start_worker(), evening.redis, tmp_path / "worker-0.log"
    await play_share(evening, 0.0, 0.6)
    await evening.until(0.59)
    await redis.flushall()
    await play_share(evening, 0.6, 1.0)
    await rebuilt(evening, worker)
    assert lines(log, "has no fence any more")
    # and once more in a lull, when no chunk comes that would find out
    await redis.flushall()
    await rebuilt(evening, worker)
    await evening.check_revisions()
    assert worker.poll() is None


async def rebuilt(evening: Evening, worker: Process) -> None:
    """Everything is counted from the beginning, and the database is ours for whoever starts next."""
    report = await evening.finish(worker)
    assert report.differences == []
    assert report.consumed == len(evening.records)
    assert {fence.origin for fence in (await fences_of(evening.redis, evening.settings)).values()} == {0}
    assert await evening.redis.get(MARKER) == SCHEMA.encode()
    await check_store(evening.redis, evening.settings)
    await check_layout(evening.redis, evening.settings)


async def test_a_store_that_goes_back_to_a_snapshot_heals_to_the_truth(evening: Evening, tmp_path: Path) -> None:
    worker = evening.start_worker()
    await play_share(evening, 0.0, 0.3)
    await evening.until(0.29)
    snapshot = await copy_of(evening.redis)
    await play_share(evening, 0.3, 0.7)
    await evening.until(0.69)
    await go_back(evening.redis, snapshot)
    await play_share(evening, 0.7, 1.0)
    report = await evening.finish(worker)
    assert report.differences == []
    await evening.check_revisions()
    assert lines(tmp_path / "worker-0.log", " is read again: ")
    assert worker.poll() is None


async def test_a_shard_that_goes_back_alone_heals_to_the_truth(evening: Evening) -> None:
    """Its rankings are fed by the sessions of the other one, of which nothing is read again."""
    evening.settings = replace(evening.settings, shards=2)
    prefix = shard_keys(evening.settings.group, 1).prefix.encode()
    worker = evening.start_worker()
    await play_share(evening, 0.0, 0.5)
    await evening.until(0.49)
    snapshot = await copy_of(evening.redis)
    await play_share(evening, 0.5, 0.8)
    await evening.until(0.79)
    rest = await copy_of(evening.redis)
    await go_back(
        evening.redis, {key: value for key, value in rest.items() if not key.startswith(prefix)}
        | {key: value for key, value in snapshot.items() if key.startswith(prefix)},
    )  # fmt: skip
    await play_share(evening, 0.8, 1.0)
    report = await evening.finish(worker)
    assert report.differences == []
    await evening.check_revisions()
    assert worker.poll() is None


#: a snapshot is of one moment, as a backup is; leases are left out, because they expire
_COPY = """
local copy = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  if not key:find(':lease:', 1, true) then
    copy[#copy + 1] = key
    copy[#copy + 1] = redis.call('DUMP', key)
  end
end
return copy
"""


async def copy_of(redis: Redis) -> dict[bytes, bytes]:
    """Every key with its serialised value."""
    found = await redis.eval(_COPY, 0)
    return dict(zip(found[::2], found[1::2], strict=True))


async def go_back(redis: Redis, snapshot: dict[bytes, bytes]) -> None:
    """As a restored backup, or a failover to a replica that lagged."""
    async with redis.pipeline(transaction=True) as pipe:
        pipe.flushall()
        for key, value in snapshot.items():
            pipe.restore(key, 0, value)
        await pipe.execute()


# -- the log -----------------------------------------------------------------------------------
@asynccontextmanager
async def own_broker(evening: Evening, folder: Path) -> AsyncIterator[Broker]:
    """A broker that may lose its log, with the topics of the evening."""
    broker = Broker(folder)
    broker.start()
    evening.settings = replace(evening.settings, kafka=broker.address)
    try:
        await ensure_topics(evening.settings, simulated_topics(evening.settings))
        yield broker
    finally:
        await evening.end()
        broker.stop()


async def wipe(broker: Broker, evening: Evening) -> None:
    """As a broker whose disk was lost: the same topics, empty."""
    broker.kill()
    broker.start()
    await ensure_topics(evening.settings, simulated_topics(evening.settings))


async def counted(redis: Redis, settings: Settings) -> tuple[dict[tuple[str, int], Fence], dict[bytes, bytes]]:
    """The accounts beside the fences, and everything that settles write otherwise, as it is stored."""
    prefix = shard_keys(settings.group, 0).prefix
    families = ("hours:", "minutes:", "buyers:", "merchants:", "anchors:", "session:", "first:", "refunds:")
    found = await copy_of(redis)
    stored = {key: value for key, value in found.items() if key.decode().removeprefix(prefix).startswith(families)}
    return await fences_of(redis, settings), stored


async def test_a_log_that_is_wiped_under_a_running_worker_stops_it_and_changes_nothing(
    evening: Evening, tmp_path: Path
) -> None:
    async with own_broker(evening, tmp_path) as broker:
        worker, orders = evening.start_worker(), Topics(evening.settings.topic_prefix).orders
        await send(evening.settings, orders, 1, map(paid, range(20)))
        await until_fence(evening.redis, evening.settings, "orders", 1, 20)
        before = await counted(evening.redis, evening.settings)
        await wipe(broker, evening)
        await send(evening.settings, orders, 1, map(paid, range(100, 105)))
        assert await exit_code(worker) == 78
        assert await counted(evening.redis, evening.settings) == before
    said = lines(tmp_path / "worker-0.log", "hightide: ")
    assert [line.split(": ", 2)[1:] for line in said] == [
        [
            f"{orders}/1",
            "the tallies stand at offset 20, but the log ends at 5: the topic was recreated or truncated. "
            "Restore it, or start a new HIGHTIDE_GROUP",
        ]
    ]


async def test_a_log_with_other_records_below_the_fence_is_refused_at_the_start(
    evening: Evening, tmp_path: Path
) -> None:
    """It was wiped while no worker ran, and written past the fence since."""
    settings, redis = evening.settings, evening.redis
    orders = Topics(settings.topic_prefix).orders
    await check_store(redis, settings)
    await fence_at(redis, settings, TP(orders, 1), 20)
    await send(settings, orders, 1, map(paid, range(40)))
    before = await counted(redis, settings)
    assert await exit_code(evening.start_worker()) == 78
    after = await counted(redis, settings)
    assert after[1] == before[1]
    assert after[0]["orders", 1] == before[0]["orders", 1]
    (said,) = lines(tmp_path / "worker-0.log", "hightide: ")
    assert f"{orders}/1: the record at offset 19 is not the one that was counted there" in said


async def fence_at(redis: Redis, settings: Settings, tp: TP, next_: int) -> None:
    """A fence as it stands once another log was settled up to `next_`."""
    keys = shard_keys(settings.group, 0)
    fence = [keys.fence(*tp), keys.partitions()]
    await lua_script(redis, "streams.tally", "fences")(keys=fence, args=[partition_member(tp), 0])
    progress = Progress(0, next_, next_, 0, 0, 0, MIDNIGHT_MS, ARRIVAL_MS, 12_345, ARRIVAL_MS, 0)
    assert await Settler(redis, keys).settle(tp, progress, ShardRows(), {}, {}) == Applied(1)
