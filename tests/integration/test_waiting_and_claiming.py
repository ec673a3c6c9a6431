"""Waiting for servers that are away, and refusing a Redis that is not ours to write to, with real servers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis import Redis as PlainRedis
from redis.asyncio import Redis

from streams import keys
from streams.connect import check_store, redis_client, wait_for_kafka, wait_for_redis
from streams.errors import StoreRefused
from streams.lab.servers import Broker, Store
from streams.lab.servers.spawn import free_port
from streams.settings import Settings


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store of the test's own."""
    running = Store(tmp_path, config={"appendonly": "no"})
    running.start()
    yield running
    running.stop()


@asynccontextmanager
async def client_of(store: Store, database: int = 0) -> AsyncIterator[tuple[Redis, Settings]]:
    """A client of one database, and the settings that point to it."""
    settings = Settings(redis=f"redis://{store.address}/{database}")
    client = redis_client(settings)
    try:
        yield client, settings
    finally:
        await client.aclose()


def contents(store: Store, database: int = 0) -> dict[bytes, object]:
    """Every key with its serialised value."""
    with PlainRedis(port=store.port, db=database) as client:
        return {key: client.dump(key) for key in client.scan_iter()}


async def test_an_empty_database_is_claimed_and_stays_ours(store: Store) -> None:
    async with client_of(store) as (redis, settings):
        await check_store(redis, settings)
        assert await redis.get(keys.MARKER) == keys.SCHEMA.encode()
        await redis.set("hightide:{0}:sequence", 7)
        before = contents(store)
        await check_store(redis, settings)
        assert contents(store) == before


async def test_of_many_that_start_at_once_all_may_go_on(store: Store) -> None:
    async with client_of(store) as (redis, settings):
        await asyncio.gather(*(check_store(redis, settings) for _ in range(20)))
        assert await redis.dbsize() == 1


async def test_another_programs_data_are_refused_and_untouched(store: Store) -> None:
    async with client_of(store) as (redis, settings):
        await redis.set("session:42", "theirs")
        await redis.hset("cart:1", mapping={"sku": "2"})
        before = contents(store)
        with pytest.raises(
            StoreRefused, match=r"redis://127\.0\.0\.1:\d+/0 holds 2 keys of another program: use an empty"
        ):
            await check_store(redis, settings)
        assert contents(store) == before
    async with client_of(store, database=1) as (redis, settings):
        await check_store(redis, settings)
    assert contents(store) == before


@pytest.mark.parametrize("theirs", ["0", "1", "", "\x1b[31m"])
async def test_another_schema_version_is_refused_and_untouched(store: Store, theirs: str) -> None:
    async with client_of(store) as (redis, settings):
        await redis.set(keys.MARKER, theirs)
        before = contents(store)
        with pytest.raises(StoreRefused, match="schema version") as refused:
            await check_store(redis, settings)
        assert contents(store) == before
    assert f"schema version {theirs!r}, this program writes version {keys.SCHEMA!r}" in str(refused.value)


async def test_a_marker_of_another_kind_is_another_programs(store: Store) -> None:
    async with client_of(store) as (redis, settings):
        await redis.hset(keys.MARKER, mapping={"a": "b"})
        before = contents(store)
        with pytest.raises(StoreRefused, match="holds 1 keys of another program"):
            await check_store(redis, settings)
        assert contents(store) == before


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
async def test_a_redis_that_may_evict_our_keys_is_refused_and_untouched(store: Store, policy: str) -> None:
    async with client_of(store) as (redis, settings):
        await redis.config_set("maxmemory-policy", policy)
        with pytest.raises(StoreRefused, match=rf"may evict our keys .*\(maxmemory-policy {policy}\)"):
            await check_store(redis, settings)
        assert await redis.dbsize() == 0


@pytest.mark.parametrize("policy", ["noeviction", "volatile-lru", "volatile-ttl"])
async def test_a_redis_that_keeps_what_has_no_expiry_is_fine(store: Store, policy: str) -> None:
    async with client_of(store) as (redis, settings):
        await redis.config_set("maxmemory-policy", policy)
        await check_store(redis, settings)


async def test_a_replica_is_refused(store: Store) -> None:
    async with client_of(store) as (redis, settings):
        await redis.replicaof("127.0.0.1", 1)
        with pytest.raises(StoreRefused, match="is a read-only replica: set HIGHTIDE_REDIS to its primary"):
            await check_store(redis, settings)


async def test_a_user_who_may_not_is_refused(store: Store) -> None:
    async with client_of(store) as (redis, _):
        await redis.acl_setuser("reader", enabled=True, passwords=["+secret"], keys=["*"], commands=["+ping", "+get"])
    settings = Settings(redis=f"redis://reader:secret@{store.address}/0")
    limited = redis_client(settings)
    try:
        with pytest.raises(StoreRefused, match="does not permit our user what we need") as refused:
            await check_store(limited, settings)
    finally:
        await limited.aclose()
    assert "secret" not in str(refused.value)


async def test_a_wrong_password_is_refused_at_once_and_not_shown(store: Store) -> None:
    async with client_of(store) as (redis, _):
        await redis.config_set("requirepass", "right")
    for login in ("", ":wrong@"):
        with pytest.raises(StoreRefused, match="does not take our user or password") as refused:
            await wait_for_redis(f"redis://{login}{store.address}/0")
        assert "wrong@" not in str(refused.value)
    await wait_for_redis(f"redis://:right@{store.address}/0")


async def test_redis_is_reported_missing_once_and_found_when_it_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path, free_port())
    waiting = asyncio.create_task(wait_for_redis(f"redis://{store.address}/0", 60.0))
    try:
        await _said(caplog, "does not answer")
        store.start()
        await waiting
    finally:
        store.stop()
    away, back = messages(caplog)
    assert away.startswith(f"Redis at redis://{store.address}/0 does not answer (")
    assert "trying again in" in away
    assert back.startswith(f"Redis at redis://{store.address}/0 answers now, after")


async def test_kafka_is_reported_missing_once_and_found_when_it_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker(tmp_path, free_port())
    waiting = asyncio.create_task(wait_for_kafka(broker.address, 60.0))
    try:
        await _said(caplog, "does not answer")
        broker.start()
        await waiting
    finally:
        broker.stop()
    away, back = messages(caplog)
    assert away.startswith(f"Kafka at {broker.address} does not answer (connection refused): trying again in")
    assert back.startswith(f"Kafka at {broker.address} answers now, after")


async def test_one_that_accepts_and_hangs_up_is_missing_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """As a container's port does before its program listens."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as door:
        host, port = door.sockets[0].getsockname()
        for waiting in (wait_for_kafka(f"{host}:{port}"), wait_for_redis(f"redis://{host}:{port}/0")):
            caplog.clear()
            task = asyncio.create_task(waiting)
            await _said(caplog, "does not answer")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(messages(caplog)) == 1


async def test_the_first_of_several_brokers_may_be_away(settings: Settings) -> None:
    await wait_for_kafka(f"127.0.0.1:1,{settings.kafka}", 0.0)


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged at warning and above, by anybody."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def _said(caplog: pytest.LogCaptureFixture, words: str) -> None:
    for _ in range(1000):
        if any(words in message for message in messages(caplog)):
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"nobody said {words!r} within 10 s")
