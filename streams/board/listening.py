"""`/v1/stream`: one listener of the hub, as an ASGI application. No listener costs more than its place in the ring.

Who does not take what is sent within `CUT_AFTER_S`, or lies further behind than the hub holds, is cut: he comes back
with `Last-Event-ID` and has lost nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from starlette.requests import Request

from streams.board.access import Access
from streams.board.hub import CAUGHT_UP, Hub, Place, parse_place
from streams.board.problems import Refused
from streams.board.told import ToldAlerts
from streams.metrics import Metrics

CUT_AFTER_S = 20.0
_FIRST_WITHIN_S = 5.0
_RETRY = b"retry: 1000\n\n"

Send = Callable[[Any], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]


class Listening:
    """Serves listeners."""

    def __init__(self, hub: Hub, told: ToldAlerts, access: Access, metrics: Metrics) -> None:
        self._hub = hub
        self._told = told
        self._access = access
        self._metrics = metrics

    async def serve(self, request: Request, headers: list[tuple[bytes, bytes]], send: Send) -> None:
        """Stream to one listener until one of both ends. Raises `Refused` before anything is sent."""
        await self._first_reading()
        first, number = await self._begin(parse_place(request.headers.get("last-event-id", "")))
        types = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": [*types, *headers]})
        self._hub.listeners += 1
        self._metrics.board_listeners.inc()
        try:
            await _until_one_ends(self._feed(send, _RETRY + first, number), _gone(request.receive))
        finally:
            self._hub.listeners -= 1

    async def _first_reading(self) -> None:
        try:
            async with asyncio.timeout(_FIRST_WITHIN_S):
                while self._hub.state is None and await self._hub.changed():
                    pass
        except TimeoutError:
            pass
        if self._hub.state is None:
            raise Refused(503, "the store has not answered yet: ask again", "no-state")

    async def _begin(self, place: Place | None) -> tuple[bytes, int]:
        """What a listener is sent first, and the frame up to which he knows everything then."""
        if place is None:
            return self._hub.snapshot()
        if self._hub.holds(place):
            return b"", place.number
        number, entry = self._hub.number, self._hub.entry  # before the reading: what comes meanwhile is a change
        alerts = await self._told.after(place.entry, CAUGHT_UP + 1)
        if len(alerts) > CAUGHT_UP:
            return self._hub.snapshot()
        missed = [each.raw() for each in alerts if _order(each.id) <= _order(entry)]
        return self._hub.caught_up(missed, place.entry, number, entry), number

    async def _feed(self, send: Send, first: bytes, number: int) -> None:
        await _sent(send, first)
        while True:
            found = self._hub.after(number)
            if found is None:
                break
            frames, number = found
            if frames:
                await _sent(send, frames)
            elif not await self._hub.changed():
                break
        await _sent(send, b"", more=False)


def _order(entry: str) -> tuple[int, int]:
    first, _, second = entry.partition("-")
    return int(first), int(second)


async def _sent(send: Send, body: bytes, *, more: bool = True) -> None:
    """Raises TimeoutError for a reader that is too slow."""
    async with asyncio.timeout(CUT_AFTER_S):
        await send({"type": "http.response.body", "body": body, "more_body": more})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _until_one_ends(*parts: Any) -> None:
    """Run parts until the first ends, and end the others. A reader that is cut is no fault of ours."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    with suppress(TimeoutError, asyncio.CancelledError):
        for task in done:
            task.result()
