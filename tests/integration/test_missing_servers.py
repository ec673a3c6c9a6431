"""Servers that are not there, come late, go away or hold what is not ours: said in a line, waited for, or refused."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from faust.types import TP
from redis import Redis as PlainRedis

from streams.connect import check_store, redis_client
from streams.keys import MARKER, shard_keys
from streams.lab.processes import Process, as_environment, end_worker, start_worker
from streams.lab.servers import Broker, Store
from streams.lab.servers.spawn import free_port
from streams.settings import Settings
from streams.tally.fence import partition_member
from streams.topic_admin import ensure_topics, simulated_topics
from streams.topics import Topics
from tests.integration.by_hand import ARRIVAL_MS, exit_code, lines, paid, send, until_fence, until_said
from tests.integration.scenario import Evening
from tests.integration.small import play_share, small_market

#: how long a broker is out of reach: longer than a heartbeat of the group, shorter than its session
BROKER_PAUSE_S = 4.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store of the test's own, running."""
    own = Store(tmp_path)
    own.start()
    yield own
    own.stop()


@asynccontextmanager
async def evening_at(settings: Settings, folder: Path) -> AsyncIterator[Evening]:
    """The small market on these servers, with a client of the store."""
    redis = redis_client(settings)
    evening = Evening(settings, redis, *small_market(), folder)
    try:
        yield evening
    finally:
        await evening.end()
        await redis.aclose()


def is_clean(log: Path) -> bool:
    """Nothing that only its writer understands."""
    return not lines(log, "Traceback") and not lines(log, " error ")


# -- not there at the start --------------------------------------------------------------------
async def test_servers_that_come_late_are_waited_for_in_a_line_each(tmp_path: Path) -> None:
    broker, store, log = Broker(tmp_path, free_port()), Store(tmp_path, free_port()), tmp_path / "worker.log"
    settings = Settings(kafka=broker.address, redis=f"redis://{store.address}/0", idle_s=0)
    worker = start_worker(settings, log)
    try:
        await until_said(log, f"Redis at redis://{store.address}/0 does not answer (", worker)
        store.start()
        await until_said(log, f"Kafka at {broker.address} does not answer (connection refused): trying again", worker)
        # while Kafka is waited for, the store goes again
        await come_while_the_worker_is_paused(worker, broker, store, settings)
        await until_said(log, f"Redis at redis://{store.address}/0 does not answer (", worker, times=2)
        store.start()
        await send(settings, "orders", 2, map(paid, range(5)))
        redis = redis_client(settings)
        await until_fence(redis, settings, "orders", 2, 5)
        await redis.aclose()
    finally:
        assert await end_worker(worker) == 0
        broker.stop()
        store.stop()
    warnings = [line.split(" warning ")[1].split(" (")[0] for line in lines(log, " warning ")]
    assert [re.sub(r"\d+ s$", "N s", line) for line in warnings] == [
        f"streams.patience Redis at redis://{store.address}/0 does not answer",
        f"streams.patience Redis at redis://{store.address}/0 answers now, after N s",
        f"streams.patience Kafka at {broker.address} does not answer",
        f"streams.patience Kafka at {broker.address} answers now, after N s",
        "streams.worker a server went away again before it was checked",
        f"streams.patience Redis at redis://{store.address}/0 does not answer",
        f"streams.patience Redis at redis://{store.address}/0 answers now, after N s",
    ]
    assert is_clean(log)


async def come_while_the_worker_is_paused(worker: Process, broker: Broker, store: Store, settings: Settings) -> None:
    worker.send_signal(signal.SIGSTOP)
    try:
        store.stop()
        broker.start()
        await ensure_topics(settings, simulated_topics(settings))
    finally:
        worker.send_signal(signal.SIGCONT)


async def test_missing_topics_are_named_with_the_command_that_makes_them(settings: Settings, tmp_path: Path) -> None:
    bare = replace(settings, topic_prefix=f"{settings.topic_prefix}bare-")
    log = tmp_path / "worker.log"
    assert await exit_code(start_worker(bare, log)) == 1
    names = ", ".join(topic.name for topic in Topics(bare.topic_prefix).table(1))
    assert lines(log, "") == [f"hightide: Kafka at {bare.kafka} has no topic {names}: run `hightide topics create`"]


# -- refused -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("cart:1", "theirs", "holds 1 keys of another program: use an empty database"),
        (MARKER, "1", "holds Hightide data of schema version '1', this program writes version '2'"),
    ],
)
async def test_a_store_that_is_not_ours_is_refused_and_untouched(
    settings: Settings, store: Store, tmp_path: Path, key: str, value: str, said: str
) -> None:
    log = tmp_path / "worker.log"
    with PlainRedis(port=store.port) as client:
        client.set(key, value)
        assert await exit_code(start_worker(replace(settings, redis=f"redis://{store.address}/0"), log)) == 78
        assert client.keys() == [key.encode()]
        assert client.get(key) == value.encode()
    (line,) = lines(log, "")
    assert line.startswith(f"hightide: Redis at redis://{store.address}/0 {said}")


async def test_a_dedupe_horizon_that_does_not_fit_is_refused_with_the_arithmetic(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    settings = replace(settings, redis=f"redis://{store.address}/0", memory_mb=1)
    orders, log = Topics(settings.topic_prefix).orders, tmp_path / "worker.log"
    await send(settings, orders, 0, map(paid, range(3_000)))
    redis, keys = redis_client(settings), shard_keys(settings.group, 0)
    await check_store(redis, settings)
    fence = {"next": 3_000, "origin": 0, "counted": 3_000, "arrival_ms": ARRIVAL_MS, "last_ms": ARRIVAL_MS}
    await redis.hset(keys.fence(orders, 0), mapping=fence)
    await redis.sadd(keys.partitions(), partition_member(TP(orders, 0)))
    await redis.aclose()
    assert await exit_code(start_worker(settings, log)) == 78
    (said,) = lines(log, "does not fit into memory")
    assert "hold 3,000 records in 1 partitions" in said
    assert "x 2 horizons kept x 192 bytes an event = 1.1 MB, and 1.0 MB are allowed" in said


def test_wrong_settings_are_told_in_a_line_each() -> None:
    wrong = {
        **as_environment(Settings()),
        "HIGHTIDE_SHARDS": "0",
        "HIGHTIDE_REDIS": "http://user:hidden@127.0.0.1",
        "HIGHTIDE_DEDUPE": "900",
    }
    environ = {**{name: value for name, value in os.environ.items() if not name.startswith("HIGHTIDE_")}, **wrong}
    ended = subprocess.run(
        [sys.executable, "-m", "streams.cli.main", "worker"], env=environ, capture_output=True, text=True, timeout=30
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    told = ended.stderr.splitlines()
    assert [line.split(":")[0].split("=")[0] for line in told] == [
        "HIGHTIDE_REDIS",
        "HIGHTIDE_SHARDS",
        "HIGHTIDE_DEDUPE",
    ]
    assert "did you mean HIGHTIDE_DEDUPE_S?" in told[2]
    assert "hidden" not in ended.stderr


# -- gone in mid-stream ------------------------------------------------------------------------
async def test_a_store_that_is_killed_and_comes_back_is_waited_for_and_the_end_is_the_same(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    settings = replace(settings, redis=f"redis://{store.address}/0")
    async with evening_at(settings, tmp_path) as evening:
        worker, log = evening.start_worker(), tmp_path / "worker-0.log"
        await play_share(evening, 0.0, 0.5)
        await evening.until(0.49)
        store.kill()
        await play_share(evening, 0.5, 1.0)
        await until_said(log, "Redis does not take it", worker)
        store.start()
        report = await evening.finish(worker)
        assert report.differences == []
        await evening.check_revisions()
        # one a partition when it begins, one when it ends; a chunk with refunds waits for the book before it settles
        waiting = lines(log, " streams.intake.store_calls ")
        assert 2 <= len(waiting) <= 2 * 8
        # and gone for good: a stop does not wait for it
        store.kill()
        await send(settings, Topics(settings.topic_prefix).orders, 0, [paid(1)])
        began = time.monotonic()
        worker.terminate()
        assert await exit_code(worker) == 0
        assert time.monotonic() - began < 30
        assert not lines(log, "Traceback")


async def test_a_broker_that_is_out_of_reach_for_seconds_is_waited_for_and_the_end_is_the_same(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    broker = Broker(tmp_path)
    broker.start()
    settings = replace(settings, redis=f"redis://{store.address}/0", kafka=broker.address)
    try:
        await ensure_topics(settings, simulated_topics(settings))
        async with evening_at(settings, tmp_path) as evening:
            worker = evening.start_worker()
            await play_share(evening, 0.0, 0.2)
            playing = asyncio.create_task(play_share(evening, 0.2, 1.0))
            await evening.until(0.3)
            os.kill(broker.pid, signal.SIGSTOP)
            await asyncio.sleep(BROKER_PAUSE_S)
            os.kill(broker.pid, signal.SIGCONT)
            await playing
            report = await evening.finish(worker)
            assert report.differences == []
            await evening.check_revisions()
            assert worker.poll() is None
            assert not lines(tmp_path / "worker-0.log", "Traceback")
    finally:
        broker.stop()
