"""How answers leave: under a tag of their content, or as the problem that stands in their place."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Final

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response

from streams.board.problems import MEDIA_TYPE, Refused, problem

_log = logging.getLogger(__name__)

ANSWERED_WITHIN_S: Final = 60.0


async def answered(request: Request, respond: Callable[[Request], Awaitable[Any]]) -> Any:
    """The response, or the problem that stands in its place."""
    try:
        only_get(request)
        return await respond(request)
    except Refused as refused:
        return problem_response(refused)
    except TimeoutError:
        return problem_response(
            Refused(503, f"it took longer than {ANSWERED_WITHIN_S:.0f} s: ask for less", "too-slow")
        )
    except (RedisError, OSError) as error:
        _log.warning("%s could not be answered: %r", request.url.path, error)
        return problem_response(
            Refused(503, f"the store does not answer ({type(error).__name__}): ask again", "store-away")
        )


def only_get(request: Request) -> None:
    """Raises `Refused` for every other method but HEAD."""
    if request.method not in ("GET", "HEAD"):
        raise Refused(405, "this takes GET")


def problem_response(refused: Refused) -> Response:
    """A problem as it is answered."""
    headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else {}
    headers |= {"Allow": "GET, HEAD"} if refused.status == 405 else {}
    headers |= {"Retry-After": "1"} if refused.status == 503 else {}
    body = problem(refused.status, refused.detail, refused.kind)
    return Response(body, refused.status, headers, MEDIA_TYPE)


def tagged(request: Request, body: bytes, media_type: str) -> Response:
    """The body under a tag of its content, or 304 if that is what the client has."""
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, media_type)
