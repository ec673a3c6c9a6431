"""`hightide board`: the parts put together, and a server that ends cleanly."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from redis.asyncio import Redis

from streams.board.access import Access, Token, TokensWrong, is_loopback, parse_tokens
from streams.board.answering import Answering
from streams.board.app import Parts, board_app
from streams.board.book import Book
from streams.board.files import page_files
from streams.board.hub import Hub
from streams.board.leaders import Leaders
from streams.board.listening import Listening
from streams.board.poller import Poller
from streams.board.rankings import Rankings
from streams.board.routes import Desk
from streams.board.state import StateReader
from streams.board.told import ToldAlerts
from streams.connect import redis_client, wait_for_redis
from streams.metrics import Metrics
from streams.settings import Settings, SettingsError

_log = logging.getLogger(__name__)

#: the kernel gives up a connection whose other side takes nothing for this long
_TAKES_NOTHING_MS = 30_000
_BACKLOG = 2_048
_ENDS_WITHIN_S = 3


async def serve_board(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. `ready` is told the address, "http://host:port".

    Raises SettingsError if the address can not be had or may not be served without tokens, `Expected` for the store.
    """
    access = Access(tokens_of(settings))
    with listening_socket(settings.board) as bound:
        await wait_for_redis(settings.redis)
        redis = redis_client(settings)
        try:
            await _run(settings, redis, access, bound, ready)
        finally:
            await redis.aclose()


async def _run(
    settings: Settings, redis: Redis, access: Access, bound: socket.socket, ready: Callable[[str], None]
) -> None:
    hub = Hub()
    parts = assemble(settings, redis, access, hub)
    polling = asyncio.create_task(parts.poller.run())
    server = _server(parts)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, _end, server, hub)
    polling.add_done_callback(lambda _: _end(server, hub))
    ready(f"http://{_name(bound)}")
    try:
        await server.serve(sockets=[bound])
    finally:
        polling.cancel()
        with suppress(asyncio.CancelledError):
            await polling  # a fault of it is ours, and must be seen


def assemble(settings: Settings, redis: Redis, access: Access, hub: Hub) -> Parts:
    """The parts of a board on one client of the store."""
    book, metrics, told = Book(redis, settings), Metrics(), ToldAlerts(redis, settings)
    leaders = Leaders(book)
    poller = Poller(hub, StateReader(book, leaders), told, metrics, lambda: time.time_ns() // 1_000_000)
    desk = Desk(Answering(book), Rankings(book, leaders), told)
    return Parts(desk, Listening(hub, told, access, metrics), poller, access, metrics, page_files())


class _Server(uvicorn.Server):
    """Signals are ours: the stream must let its listeners go first, or the end would wait for them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See uvicorn."""
        yield


def _server(parts: Parts) -> uvicorn.Server:
    return _Server(
        uvicorn.Config(
            board_app(parts),
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_ENDS_WITHIN_S,
        )
    )


def _end(server: uvicorn.Server, hub: Hub) -> None:
    hub.close()
    server.should_exit = True


# -- where and for whom --------------------------------------------------------------------------------
def tokens_of(settings: Settings) -> list[Token] | None:
    """The tokens of the file that the settings name; None if they name none, which only a loopback address may.

    Raises SettingsError.
    """
    host = settings.board.rpartition(":")[0].strip("[]")
    if not settings.tokens:
        if is_loopback(host):
            return None
        raise SettingsError(
            f"HIGHTIDE_BOARD={settings.board!r}: an address that others reach needs HIGHTIDE_TOKENS, a file of tokens "
            "(`hightide board --new-token NAME` makes one), or bind to 127.0.0.1"
        )
    try:
        return parse_tokens(Path(settings.tokens).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, TokensWrong) as error:
        raise SettingsError(f"HIGHTIDE_TOKENS={settings.tokens!r}: {error}") from error


@contextmanager
def listening_socket(address: str) -> Iterator[socket.socket]:
    """A listening socket at "host:port". Raises SettingsError if the address can not be had."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        bound = socket.create_server((host.strip("[]"), int(port)), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise SettingsError(f"HIGHTIDE_BOARD={address!r}: {error.strerror or error}") from error
    with bound:
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _TAKES_NOTHING_MS)
        yield bound


def _name(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
