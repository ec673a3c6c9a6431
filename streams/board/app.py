"""The ASGI application: the table of routes, the stream, the probes, the page; and what every answer carries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Mounted

from schemas.answers import Healthy, Ready
from streams.board import asking, openapi
from streams.board.access import Access
from streams.board.files import File
from streams.board.listening import Listening
from streams.board.poller import Poller
from streams.board.problems import Refused
from streams.board.responding import ANSWERED_WITHIN_S, answered, problem_response, tagged
from streams.board.routes import ROUTES, Desk, Route
from streams.metrics import VOCABULARY, Metrics

#: of every answer: nothing of another origin is loaded, framed or guessed
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
)
_CACHE = (b"cache-control", b"no-cache")

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class _AnyId(Convertor[str]):
    """An id in a path: any characters, slashes and line ends too."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of."""

    desk: Desk
    listening: Listening
    poller: Poller
    access: Access
    metrics: Metrics
    files: Mapping[str, File]


def board_app(parts: Parts) -> Callable[[Any, Receive, Send], Awaitable[None]]:
    """The application; `starlette` routes, this adds headers and speaks problems."""
    register_url_convertor("id", _AnyId())
    routes = [Mounted(route.path.replace("{id}", "{id:id}"), _Answer(parts, route)) for route in ROUTES]
    routes += [
        Mounted("/v1/stream", _Stream(parts)),
        Mounted("/healthz", _plain(lambda: _json(Healthy(alive=True), 200))),
        Mounted("/readyz", _plain(lambda: _ready(parts.poller))),
        Mounted("/metrics", _guarded(parts.access, lambda: _metrics(parts.metrics))),
        Mounted("/openapi.json", _plain(_openapi)),
        Mounted("/docs", _plain(lambda: Response(openapi.page(), media_type="text/html"))),
        Mounted("/docs.css", _plain(lambda: Response(openapi.STYLE, media_type="text/css"))),
        Mounted("/{path:path}", _page(parts.files)),
    ]
    return _with_headers(Starlette(routes=routes, exception_handlers={HTTPException: _no_such_path}))


class _Answer:
    """One route of the table, as an ASGI application, so that it answers GET and HEAD alone."""

    def __init__(self, parts: Parts, route: Route) -> None:
        self._parts = parts
        self._route = route

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        request, began = Request(scope, receive), perf_counter()
        response = await answered(request, self._respond)
        self._parts.metrics.board_requests.labels(self._route.path, str(response.status_code)).inc()
        self._parts.metrics.board_seconds.labels(self._route.path).observe(perf_counter() - began)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        self._parts.access.check(request.headers, request.cookies)
        path = {name: str(value) for name, value in request.path_params.items()}
        asked = asking.read(self._route.parameters, path, request.query_params.multi_items())
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            answer = await self._route.answer(self._parts.desk, asked)
        return tagged(request, msgspec.json.encode(answer), "application/json")


class _Stream:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)

        async def stream(request: Request) -> Response | None:
            self._parts.access.check(request.headers, request.cookies)
            if request.method != "GET":
                raise Refused(405, "a stream takes GET")
            await self._parts.listening.serve(request, [_CACHE], send)
            return None

        if (response := await answered(request, stream)) is not None:
            await response(scope, receive, send)


def _no_such_path(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return problem_response(Refused(status, "see /docs for what there is"))


# -- small answers -----------------------------------------------------------------------------------
def _plain(answer: Callable[[], Response]) -> Any:
    async def endpoint(_request: Request) -> Response:
        return answer()

    return endpoint


def _guarded(access: Access, answer: Callable[[], Response]) -> Any:
    async def endpoint(request: Request) -> Response:
        async def respond(request: Request) -> Response:
            access.check(request.headers, request.cookies)
            return answer()

        response: Response = await answered(request, respond)
        return response

    return endpoint


def _page(files: Mapping[str, File]) -> Any:
    async def endpoint(request: Request) -> Response:
        file = files.get(request.path_params["path"] or "index.html")
        if file is None:
            return problem_response(Refused(404, "there is no such path: see /docs for what there is"))
        return tagged(request, file.body, file.media_type)

    return endpoint


def _json(answer: object, status: int) -> Response:
    return Response(msgspec.json.encode(answer), status, media_type="application/json")


def _ready(poller: Poller) -> Response:
    reasons = [] if poller.away is None else [poller.away]
    return _json(Ready(ready=not reasons, reasons=reasons), 503 if reasons else 200)


def _openapi() -> Response:
    return Response(msgspec.json.encode(openapi.openapi()), media_type="application/json")


def _metrics(metrics: Metrics) -> Response:
    """Those of the board: a worker's would say that nothing is up."""
    names = [
        f"{each.name}{suffix}"
        for each in VOCABULARY
        if each.name.startswith("hightide_board_")
        for suffix in ("", "_bucket", "_count", "_sum", "_created")
    ]
    return Response(generate_latest(metrics.registry.restricted_registry(names)), media_type=CONTENT_TYPE_LATEST)


def _with_headers(app: Starlette) -> Callable[[Any, Receive, Send], Awaitable[None]]:
    async def wrapped(scope: Any, receive: Receive, send: Send) -> None:
        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                more = [*_HEADERS, *([] if _CACHE[0] in names else [_CACHE])]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await app(scope, receive, sent if scope["type"] == "http" else send)

    return wrapped
