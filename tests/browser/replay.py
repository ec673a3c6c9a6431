"""A small server of the page: its files as the board serves them, a stream and answers as a test wants them.

What is streamed and answered is made of the examples of `schemas`, so that it is what a board may say.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from aiohttp import web

import schemas
from streams.board.app import _HEADERS
from streams.board.files import page_files

_EXAMPLES = Path(schemas.__file__).parent / "examples"
_HEAD = {name.decode(): value.decode() for name, value in _HEADERS}


def example(name: str) -> Any:
    """An example of `schemas/examples`, as `board/stream/snapshot`, freshly read."""
    return json.loads((_EXAMPLES / f"{name}.json").read_text("utf-8"))


def alert(name: str, entry: int, **other: Any) -> dict[str, Any]:
    """An example of an alert as it is streamed, with some fields otherwise."""
    return {"entry": f"{entry}-0", "alert": {**example(f"alerts/accepted/{name}"), **other}}


def late(data: dict[str, Any], behind_ms: int) -> dict[str, Any]:
    """The same as it is seen `behind_ms` after what it ends with; the page takes its clock from the board's."""
    fresh = data["freshness"]
    return {**data, "freshness": {**fresh, "now_ms": fresh["as_of_ms"] + behind_ms, "behind_ms": behind_ms}}


class Replay:
    """`snapshot` is what every listener gets first, `answers` what is answered at a path (of its query
    only `?grain=` can count)."""

    def __init__(self) -> None:
        self.snapshot: dict[str, Any] = example("board/stream/snapshot")
        self.answers: dict[str, Any] = {}
        self.token: str | None = None
        self.resumed: list[str | None] = []
        self.asked: list[str] = []
        self.url = ""
        self._sent = 0
        self._frames: list[tuple[int, bytes]] = []
        self._listeners: set[asyncio.Queue[bytes | None]] = set()
        self._runner: web.AppRunner | None = None
        self._files = page_files()

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        app = web.Application()
        app.router.add_get("/v1/stream", self._stream)
        app.router.add_get("/{path:.*}", self._any)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def stop(self) -> None:
        """End every stream, and the server."""
        self.cut()
        assert self._runner is not None
        await self._runner.cleanup()

    def change(self, **sections: Any) -> None:
        """Tell all listeners of a change; who comes back later gets it, too."""
        self._sent += 1
        frame = self._frame("change", self._sent, sections)
        self._frames.append((self._sent, frame))
        for listener in self._listeners:
            listener.put_nowait(frame)

    def cut(self) -> None:
        """End every stream; the server goes on."""
        for listener in self._listeners:
            listener.put_nowait(None)

    def _frame(self, event: str, number: int, data: Any) -> bytes:
        return f"event: {event}\nid: replay.{number}.0-0\ndata: {json.dumps(data)}\n\n".encode()

    # -- requests ------------------------------------------------------------------------------
    def _refused(self, request: web.Request) -> web.Response | None:
        if self.token is None or request.cookies.get("hightide-token") == self.token:
            return None
        return web.json_response({"detail": "send a token"}, status=401)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if (refused := self._refused(request)) is not None:
            return refused
        last = request.headers.get("Last-Event-ID")
        self.resumed.append(last)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **_HEAD})
        await response.prepare(request)
        mine: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._listeners.add(mine)
        try:
            await response.write(b"retry: 100\n\n" + self._first(last))
            while (frame := await mine.get()) is not None:
                await response.write(frame)
        except ConnectionResetError:
            pass
        finally:
            self._listeners.discard(mine)
        return response

    def _first(self, last: str | None) -> bytes:
        if last is None:
            return self._frame("snapshot", self._sent, self.snapshot)
        known = int(last.split(".")[1])
        return b"".join(frame for number, frame in self._frames if number > known)

    async def _any(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        if path.startswith("v1/"):
            self.asked.append(request.raw_path)
            return self._refused(request) or self._answer(path, request.query.get("grain", ""))
        file = self._files.get(path or "index.html")
        if file is None:
            return web.Response(status=404)
        return web.Response(body=file.body, content_type=file.media_type, headers=_HEAD)

    def _answer(self, path: str, grain: str) -> web.Response:
        answer = self.answers.get(f"{path}?grain={grain}", self.answers.get(path))
        if answer is None:
            return web.json_response({"detail": "the test answers nothing here"}, status=404)
        return web.json_response(answer, headers=_HEAD)
