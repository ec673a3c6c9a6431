"""The proxy does what it is asked, to real sockets; and what a tap keeps back was done by the server."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.chaos.devices.proxy import ChaosProxy, Weather
from tests.chaos.devices.taps import FETCH, PRODUCE, KafkaTap, Nth, RedisTap, Tap


@asynccontextmanager
async def upper_case() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers in capitals, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            asked.append(data)
            writer.write(data.upper())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


class Setup:
    """A proxy before a server, and a connection through it."""

    def __init__(self, proxy: ChaosProxy, asked: list[bytes]) -> None:
        self.proxy = proxy
        self.asked = asked

    async def ask(self, text: bytes, within_s: float = 2.0) -> bytes:
        """Connect, ask, and read an answer as long as the question."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        try:
            writer.write(text)
            async with asyncio.timeout(within_s):
                return await reader.readexactly(len(text))
        finally:
            writer.transport.abort()


@pytest.fixture
async def setup() -> AsyncIterator[Setup]:
    """A proxy in fair weather."""
    async with upper_case() as (port, asked):
        proxy = ChaosProxy(lambda: port)
        proxy.start()
        yield Setup(proxy, asked)
        proxy.close()


async def test_in_fair_weather_all_passes(setup: Setup) -> None:
    much = b"x" * 300_000
    assert await setup.ask(b"hello") == b"HELLO"
    assert await setup.ask(much) == much.upper()


async def test_slow_is_slow_in_both_directions(setup: Setup) -> None:
    loop = asyncio.get_running_loop()
    setup.proxy.weather = Weather(latency_s=0.1)
    began = loop.time()
    assert await setup.ask(b"hello") == b"HELLO"
    assert loop.time() - began >= 0.2
    setup.proxy.weather = Weather(bytes_per_s=1_000)
    began = loop.time()
    assert await setup.ask(b"x" * 100) == b"X" * 100
    assert loop.time() - began >= 0.2


@pytest.mark.parametrize(
    ("weather", "arrives"), [(Weather(lose_requests=True), False), (Weather(lose_replies=True), True)]
)
async def test_what_is_lost_is_lost_in_its_direction_and_the_connection_stays(
    setup: Setup, weather: Weather, arrives: bool
) -> None:
    setup.proxy.weather = weather
    with pytest.raises(TimeoutError):
        await setup.ask(b"hello", within_s=0.3)
    assert bool(setup.asked) is arrives
    setup.proxy.clear()
    assert await setup.ask(b"hello") == b"HELLO"


async def test_a_reset_is_felt_at_once_and_the_next_connection_is_good(setup: Setup) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", setup.proxy.port)
    writer.write(b"a")
    assert await reader.readexactly(1) == b"A"
    setup.proxy.reset()
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.close()
    assert await setup.ask(b"hello") == b"HELLO"


async def test_refused_until_it_clears_up(setup: Setup) -> None:
    setup.proxy.weather = Weather(refuse=True)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await setup.ask(b"hello")
    setup.proxy.clear()
    assert await setup.ask(b"hello") == b"HELLO"


async def test_a_half_closed_connection_ends_for_the_client_and_still_takes_what_it_sends(setup: Setup) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", setup.proxy.port)
    writer.write(b"a")
    assert await reader.readexactly(1) == b"A"
    setup.proxy.end_replies()
    assert await reader.read() == b""
    writer.write(b"b")
    async with asyncio.timeout(2):
        while b"b" not in setup.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    writer.transport.abort()


async def test_a_server_that_is_not_there_is_a_reset(unused_port: int) -> None:
    proxy = ChaosProxy(lambda: unused_port)
    proxy.start()
    try:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await Setup(proxy, []).ask(b"hello")
    finally:
        proxy.close()


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port that is held, so that nobody else listens there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


async def test_the_second_marked_request_is_done_and_not_answered(setup: Setup) -> None:
    nth = Nth(2)
    setup.proxy.tap = lambda: RedisTap(b"settle", nth)
    assert await setup.ask(b"settle") == b"SETTLE"
    assert await setup.ask(b"other") == b"OTHER"
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await setup.ask(b"settle")
    assert await setup.ask(b"settle") == b"SETTLE"
    assert setup.asked.count(b"settle") == 3
    assert (nth.seen, nth.cut) == (3, 1)


# -- taps alone --------------------------------------------------------------------------------
def request(api_key: int, correlation: int, more: bytes = b"") -> bytes:
    body = struct.pack(">hhi", api_key, 9, correlation) + more
    return struct.pack(">i", len(body)) + body


def reply(correlation: int, more: bytes = b"") -> bytes:
    body = struct.pack(">i", correlation) + more
    return struct.pack(">i", len(body)) + body


@pytest.mark.parametrize("block", [1, 2, 3, 7, 11, 64, 1_000])
def test_kafka_requests_are_told_apart_however_their_bytes_are_cut(block: int) -> None:
    nth = Nth(2)
    tap = KafkaTap(PRODUCE, nth)
    sent = b"".join(
        [request(FETCH, 1), request(PRODUCE, 2, b"r" * 100), request(PRODUCE, 3, b"r"), request(FETCH, 4, b"tail")]
    )
    for begin in range(0, len(sent), block):
        tap.request(sent[begin : begin + block])
    assert nth.seen == 2
    came, cut = passed(tap, b"".join([reply(1, b"body"), reply(2), reply(3), reply(4)]), block)
    assert cut
    assert nth.cut == 1
    # all before the reply that is kept back, but for what came in the same block
    assert reply(1, b"body") + reply(2) == came[: len(reply(1, b"body") + reply(2))] or block > 1


def passed(tap: Tap, stream: bytes, block: int) -> tuple[bytes, bool]:
    """What a tap lets through before it cuts, and whether it does."""
    came = b""
    for begin in range(0, len(stream), block):
        let = tap.reply(stream[begin : begin + block])
        if let is None:
            return came, True
        came += let
    return came, False


def test_a_mark_is_seen_across_two_blocks() -> None:
    nth = Nth(1)
    tap = RedisTap(b"EVALSHA", nth)
    tap.request(b"*3\r\n$7\r\nEVAL")
    assert tap.reply(b"+OK\r\n") == b"+OK\r\n"
    tap.request(b"SHA\r\n")
    assert tap.reply(b":1\r\n") is None
