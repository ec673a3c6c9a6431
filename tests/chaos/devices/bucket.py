"""An S3 bucket in memory, as much of one as the embedded broker needs to keep its log in: `python -m ...bucket PORT`.

The broker's own durable engine writes to S3. An emulator of all of AWS for that is some sixty packages, one of which
contradicts our pinned ones; what is asked for is four requests on objects, two of them conditional.
Objects live as long as this process, which is all that a broker that is killed needs. Nothing is authenticated.
"""

from __future__ import annotations

import itertools
import sys
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import md5
from xml.sax.saxutils import escape

from aiohttp import web

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Stored:
    """One object."""

    body: bytes
    etag: str
    at: datetime


class Bucket:
    """Objects by key, and the answers to requests for them. Single-threaded, so every request is atomic."""

    def __init__(self) -> None:
        self._objects: dict[str, Stored] = {}
        #: in order: a broker lists a log of thousands of objects each time it looks for more
        self._keys: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request: `/bucket/key`, or `/bucket` with a query for lists."""
        body = await request.read()
        _, _, key = request.path.lstrip("/").partition("/")
        if not key and request.method == "GET":
            return self._list(request)
        if request.method == "PUT" and not request.query_string:
            return self._put(request, key, body)
        if request.method in ("GET", "HEAD"):
            return self._get(request, key)
        if request.method == "DELETE":
            if self._objects.pop(key, None) is not None:
                self._keys.remove(key)
            return web.Response(status=204)
        return _error(501, "NotImplemented", f"{request.method} {request.path_qs}")

    # -- one object --------------------------------------------------------------------------
    def _put(self, request: web.Request, key: str, body: bytes) -> web.Response:
        known = self._objects.get(key)
        if request.headers.get("If-None-Match") == "*" and known is not None:
            return _error(412, "PreconditionFailed", key)
        if (wanted := request.headers.get("If-Match")) and (known is None or known.etag != wanted):
            return _error(412, "PreconditionFailed", key)
        stored = Stored(body, f'"{md5(body, usedforsecurity=False).hexdigest()}"', datetime.now(UTC))
        if known is None:
            insort(self._keys, key)
        self._objects[key] = stored
        return web.Response(headers={"ETag": stored.etag})

    def _get(self, request: web.Request, key: str) -> web.Response:
        stored = self._objects.get(key)
        if stored is None:
            return _error(404, "NoSuchKey", key)
        headers = {"ETag": stored.etag, "Last-Modified": format_datetime(stored.at, usegmt=True)}
        if request.headers.get("If-None-Match") == stored.etag:
            return web.Response(status=304, headers=headers)
        if (wanted := request.headers.get("If-Match")) and wanted != stored.etag:
            return _error(412, "PreconditionFailed", key)
        span = request.http_range
        if span.start is None and span.stop is None:
            return web.Response(body=stored.body, headers=headers)
        begin, end, _ = span.indices(len(stored.body))
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(stored.body)}"
        return web.Response(status=206, body=stored.body[begin:end], headers=headers)

    # -- lists -------------------------------------------------------------------------------
    def _list(self, request: web.Request) -> web.Response:
        """ListObjectsV2; names below a delimiter are told once, as a common prefix."""
        prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter", "")
        after = request.query.get("continuation-token") or request.query.get("start-after", "")
        page = list(itertools.islice(self._names(prefix, delimiter, after), _PAGE + 1))
        more = len(page) > _PAGE
        del page[_PAGE:]
        return web.Response(
            content_type="application/xml",
            text=f"<ListBucketResult><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>"
            + (f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else "")
            + "".join(self._listed(name) for name in page)
            + "</ListBucketResult>",
        )

    def _names(self, prefix: str, delimiter: str, after: str) -> Iterator[str]:
        """Keys and common prefixes behind `after`, in order."""
        at = max(bisect_left(self._keys, prefix), bisect_right(self._keys, after))
        while at < len(self._keys) and self._keys[at].startswith(prefix):
            name = _shown(self._keys[at], prefix, delimiter)
            if name > after:
                yield name
            at = at + 1 if name == self._keys[at] else bisect_left(self._keys, name[:-1] + chr(ord(name[-1]) + 1))

    def _listed(self, name: str) -> str:
        stored = self._objects.get(name)
        if stored is None:
            return f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
        return (
            f"<Contents><Key>{escape(name)}</Key><LastModified>{stored.at:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>{escape(stored.etag)}</ETag><Size>{len(stored.body)}</Size></Contents>"
        )


def _shown(key: str, prefix: str, delimiter: str) -> str:
    end = key.find(delimiter, len(prefix)) if delimiter else -1
    return key if end < 0 else key[: end + len(delimiter)]


def _error(status: int, code: str, what: str) -> web.Response:
    text = f"<Error><Code>{code}</Code><Message>{escape(what)}</Message></Error>"
    return web.Response(status=status, text=text, content_type="application/xml")


def main(port: int) -> None:
    """Serve until killed. What was asked for and is not there is written to stdout."""
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", Bucket().answer)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
