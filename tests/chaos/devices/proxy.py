"""A TCP proxy on loopback that does to connections what networks do: slow, silent, half-open, reset, cut.

It runs in a thread of its own, so that nothing that blocks the caller is felt by those who talk through it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from streams.lab.servers.spawn import free_port
from tests.chaos.devices.taps import Tap

T = TypeVar("T")
_BLOCK_BYTES = 64 * 1024
#: closing with this linger sends a reset instead of an end
_RESET = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Weather:
    """What happens to bytes. It may be changed at any time, for connections that there are and those that come."""

    #: how long each block of bytes is held back, in either direction
    latency_s: float = 0.0
    #: bytes a second of each direction of a connection; 0: as many as come
    bytes_per_s: int = 0
    #: bytes to the server, and back from it, go nowhere, while connections live on
    lose_requests: bool = False
    lose_replies: bool = False
    #: who connects is reset at once
    refuse: bool = False


class ChaosProxy:
    """Passes connections to `port` on to `upstream`. Blocks are passed whole or not at all."""

    def __init__(self, upstream: Callable[[], int]) -> None:
        """`upstream` says the server's port, asked at each connection: the server may come later than its proxy."""
        self.port = free_port()
        self.weather = Weather()
        #: makes what watches each new connection
        self.tap: Callable[[], Tap] | None = None
        self._upstream = upstream
        self._pairs: set[_Pair] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos-proxy", daemon=True)
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """ "127.0.0.1:port"."""
        return f"127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._pairs)

    # -- life ------------------------------------------------------------------------------------
    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=_BLOCK_BYTES))

    def close(self) -> None:
        """End everything."""
        if self._server is None:
            return
        self._do(self._stop_listening(self._server))
        self.reset()
        self._do(self._ended())
        self._server = None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # -- what it does at once --------------------------------------------------------------------
    def reset(self) -> None:
        """Every connection breaks, on both sides (RST)."""
        self._do(self._each(_Pair.reset))

    def end_replies(self) -> None:
        """Half-close: clients see an end of the stream, while what they send is still taken."""
        self._do(self._each(_Pair.end_replies))

    def cut_off(self) -> None:
        """Nothing passes any more in either direction, connections and their silence stay; also of those that come."""
        self.weather = Weather(lose_requests=True, lose_replies=True)

    def clear(self) -> None:
        """Fair weather. Connections of which bytes were lost are of no use any more, and are reset."""
        lossy = self.weather.lose_requests or self.weather.lose_replies
        self.weather = Weather()
        if lossy:
            self.reset()

    # -- in the thread ---------------------------------------------------------------------------
    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _each(self, deed: Callable[[_Pair], None]) -> None:
        for pair in list(self._pairs):
            deed(pair)

    async def _stop_listening(self, server: asyncio.Server) -> None:
        server.close()  # in its own thread: a connection that ends meanwhile looks at the same waiters

    async def _ended(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Side(reader, writer)
        try:
            if self.weather.refuse:
                raise ConnectionRefusedError
            server = _Side(*await asyncio.open_connection("127.0.0.1", self._upstream(), limit=_BLOCK_BYTES))
        except OSError:
            client.reset()
            return
        pair = _Pair(self, client, server, self.tap() if self.tap else None)
        self._pairs.add(pair)
        try:
            await pair.pass_on()
        finally:
            pair.reset()
            self._pairs.discard(pair)


class _Side:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def reset(self) -> None:
        """Break the connection; nothing happens to one that is broken."""
        if (sock := self.writer.get_extra_info("socket")) is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.writer.transport.abort()


class _Pair:
    """A client's connection and the server's that belongs to it."""

    def __init__(self, proxy: ChaosProxy, client: _Side, server: _Side, tap: Tap | None) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._tap = tap
        self._replies_ended = False

    def reset(self) -> None:
        """Break both."""
        self._client.reset()
        self._server.reset()

    def end_replies(self) -> None:
        """Send the client an end of the stream, and take on what it sends."""
        if not self._replies_ended and not self._client.writer.is_closing():
            self._replies_ended = True
            self._client.writer.write_eof()

    async def pass_on(self) -> None:
        """Until one of the two breaks or ends, or a tap says to cut."""
        ways = [asyncio.ensure_future(self._requests()), asyncio.ensure_future(self._replies())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _requests(self) -> None:
        while data := await self._client.reader.read(_BLOCK_BYTES):
            if self._tap is not None:
                self._tap.request(data)
            await self._weathered(data)
            if not self._proxy.weather.lose_requests:
                self._server.writer.write(data)
                await self._server.writer.drain()

    async def _replies(self) -> None:
        while data := await self._server.reader.read(_BLOCK_BYTES):
            if self._tap is not None:
                passed = self._tap.reply(data)
                if passed is None:
                    return
                data = passed
            await self._weathered(data)
            if not self._proxy.weather.lose_replies and not self._replies_ended:
                self._client.writer.write(data)
                await self._client.writer.drain()

    async def _weathered(self, data: bytes) -> None:
        weather = self._proxy.weather
        pause_s = weather.latency_s + (len(data) / weather.bytes_per_s if weather.bytes_per_s else 0.0)
        if pause_s:
            await asyncio.sleep(pause_s)
