"""A connection that breaks between two steps of a client is, on the worker's loop, one that broke."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisGone

from streams.connect import redis_client
from streams.lab.servers import Broker, Store
from streams.loop import Loop
from streams.settings import Settings

Work = Callable[[], Coroutine[Any, Any, None]]


def run(work: Work, kind: Callable[[], asyncio.AbstractEventLoop] = Loop) -> None:
    """On a loop of its own."""
    with asyncio.Runner(loop_factory=kind) as runner:
        runner.run(work())


async def broken() -> asyncio.StreamWriter:
    """A writer whose connection was reset."""
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.transport.abort()
        await asyncio.sleep(0.05)
        return writer


@pytest.mark.parametrize("write", [lambda to: to.write(b"x"), lambda to: to.writelines([b"x"])])
def test_a_write_to_it_is_a_connection_error_where_uvloop_has_another(write: Callable[..., None]) -> None:
    async def ours() -> None:
        with pytest.raises(ConnectionResetError, match="closed"):
            write(await broken())

    async def theirs() -> None:
        with pytest.raises(RuntimeError, match="closed"):
            write(await broken())

    run(ours)
    run(theirs, uvloop.new_event_loop)


def test_what_is_sent_arrives() -> None:
    async def work() -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(3))
            writer.close()

        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.writelines([b"a", b"bc"])
            await writer.drain()
            assert await reader.read() == b"abc"
            writer.close()
            await writer.wait_closed()

    run(work)


def test_redis_is_asked_again(store: Store) -> None:
    async def work() -> None:
        client: Redis = redis_client(Settings(redis=f"redis://{store.address}/0"))
        try:
            connection = await client.connection_pool.get_connection()
            connection._writer.transport.abort()
            await asyncio.sleep(0.05)
            with pytest.raises(RedisGone):
                await connection.send_command("PING")
            await client.connection_pool.release(connection)
            assert await client.ping()
        finally:
            await client.aclose()

    run(work)


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running one."""
    own = Broker(tmp_path_factory.mktemp("broker"))
    own.start()
    yield own
    own.stop()


@pytest.mark.servers
def test_kafka_is_asked_again(broker: Broker) -> None:
    async def work() -> None:
        connection = await create_conn("127.0.0.1", broker.port)
        connection._writer.transport.abort()
        with pytest.raises(KafkaConnectionError):
            await connection.send(ApiVersionRequest())

    run(work)
