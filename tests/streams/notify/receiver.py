"""A target on loopback: a real HTTP server that answers as it is told, and keeps what it got."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import orjson
from aiohttp import web

Answer = Callable[["Received"], Awaitable[web.StreamResponse]]


class Received(NamedTuple):
    """One request."""

    at_s: float
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    request: web.Request

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def alerts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json["data"]["alerts"]
        return found


async def ok(received: Received) -> web.StreamResponse:
    return web.Response(text="ok")


def status(code: int, **headers: str) -> Answer:
    async def answer(received: Received) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


def says(content: object) -> Answer:
    async def answer(received: Received) -> web.StreamResponse:
        return web.json_response(content)

    return answer


class Receiver:
    """`answers` are used up in turn, then `answer` counts. `async with Receiver() as it`."""

    def __init__(self, port: int = 0) -> None:
        self.got: list[Received] = []
        self.answers: list[Answer] = []
        self.answer: Answer = ok
        self.port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def __aenter__(self) -> Receiver:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(time.time(), request.path, dict(request.query), headers, await request.read(), request)
        self.got.append(received)
        answer = self.answers.pop(0) if self.answers else self.answer
        return await answer(received)

    async def until(self, requests: int, within_s: float = 15.0) -> list[Received]:
        async with asyncio.timeout(within_s):
            while len(self.got) < requests:  # noqa: ASYNC110 - what comes is another task's
                await asyncio.sleep(0.01)
        return self.got
