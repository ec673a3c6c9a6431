"""Posts a message to its target, over HTTP."""

from __future__ import annotations

import aiohttp

from streams.notify.addresses import PublicResolver
from streams.notify.answers import outcome_of
from streams.notify.outcome import Outcome, Verdict
from streams.notify.shapes import Request
from streams.notify.targets import Target

#: of an answer that is read: what it says is short, and what comes from outside is not ours to hold
_MOST_BYTES = 64 * 1024


class Sender:
    """The connections to one target. `close` it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        resolver = None if target.allow_private else PublicResolver()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, limit=2),
            timeout=aiohttp.ClientTimeout(total=target.timeout_s),
            auto_decompress=False,
            headers={"user-agent": "hightide"},
        )

    async def send(self, request: Request, now_ms: int) -> Outcome:
        """What came of it; a target that is away, slow or redirects is an outcome, not an error."""
        try:
            async with self._session.post(
                request.url, data=request.body, headers=request.headers, allow_redirects=False
            ) as answer:
                body = await _body(answer)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return outcome_of(self._target.kind, answer.status, headers, body, now_ms)
        except TimeoutError:
            return Outcome(Verdict.AGAIN, f"no answer within {self._target.timeout_s} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(Verdict.AGAIN, _reason(error))

    async def close(self) -> None:
        """End the connections."""
        await self._session.close()


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """What an answer says, all of it: half of a chat's code would look like a failure, and be sent again."""
    body = b""
    while len(body) < _MOST_BYTES and (part := await answer.content.read(_MOST_BYTES - len(body))):
        body += part
    return body


def _reason(error: Exception) -> str:
    """What went wrong, without the address: chats have their token in it."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{type(error).__name__}: {error.os_error.strerror or error.os_error}"
    return type(error).__name__
