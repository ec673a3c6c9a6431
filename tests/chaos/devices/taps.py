"""What a proxy watches for on one connection: the n-th request of a kind, so that its reply can be kept back.

The request reaches the server, the server does what it asks and answers; nobody gets that answer. A tap says so by
returning None for the bytes in which the answer lies.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Protocol

#: api keys of Kafka's protocol
PRODUCE, FETCH, LIST_OFFSETS, METADATA, HEARTBEAT = 0, 1, 2, 3, 12
_SIZE = struct.Struct(">i")
_REQUEST = struct.Struct(">hhi")
#: a request names its client and its topics first
_NAMES_BYTES = 160


class Tap(Protocol):
    """Sees both directions of one connection."""

    def request(self, data: bytes) -> None:
        """Bytes on their way to the server."""

    def reply(self, data: bytes) -> bytes | None:
        """What to pass on of bytes from the server; None: nothing of them, and the connection is to be cut."""


class Nth:
    """Counts matching requests over all connections; `due()` is true for those whose numbers (from 1) are given."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = numbers
        self.seen = 0
        #: how many replies were kept back
        self.cut = 0

    def due(self) -> bool:
        """Count one more."""
        self.seen += 1
        return self.seen in self._numbers


class KafkaTap:
    """Keeps back the reply to a Kafka request of `api_key`, told from the others on its way by its correlation id.

    With `mark`, only requests count that have it in their first bytes: a topic's name.
    """

    def __init__(self, api_key: int, nth: Nth, mark: bytes = b"") -> None:
        self._api_key = api_key
        self._nth = nth
        self._mark = mark
        self._requests = _Frames(_REQUEST.size + (_NAMES_BYTES if mark else 0))
        self._replies = _Frames(_SIZE.size)
        self._awaited: int | None = None

    def request(self, data: bytes) -> None:
        """See `Tap`."""
        for head in self._requests.feed(data):
            api_key, _, correlation = _REQUEST.unpack_from(head)
            if api_key == self._api_key and self._mark in head and self._nth.due():
                self._awaited = correlation

    def reply(self, data: bytes) -> bytes | None:
        """See `Tap`. An earlier reply that came in the same bytes is lost with it, as on a connection that breaks."""
        for head in self._replies.feed(data):
            if self._awaited is not None and _SIZE.unpack(head)[0] == self._awaited:
                self._nth.cut += 1
                return None
        return data


class RedisTap:
    """Keeps back the reply to a command that contains `mark`. For clients with one command on its way at a time."""

    def __init__(self, mark: bytes, nth: Nth) -> None:
        self._mark = mark
        self._nth = nth
        self._tail = b""
        self._awaited = False

    def request(self, data: bytes) -> None:
        """See `Tap`."""
        text = self._tail + data
        self._tail = text[-(len(self._mark) - 1) :]
        if self._mark in text and self._nth.due():
            self._awaited = True

    def reply(self, data: bytes) -> bytes | None:
        """See `Tap`."""
        if not self._awaited:
            return data
        self._nth.cut += 1
        return None


class _Frames:
    """Cuts a stream into frames of Kafka's protocol, and hands out the first `head` bytes of each, after its size."""

    def __init__(self, head: int) -> None:
        self._head = head
        self._buffer = b""
        self._skip = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The heads of the frames that became long enough with `data`; shorter ones whole."""
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._buffer += data[skipped:]
        heads = []
        while len(self._buffer) >= _SIZE.size:
            whole = _SIZE.size + _SIZE.unpack_from(self._buffer)[0]
            if len(self._buffer) < min(whole, _SIZE.size + self._head):
                break
            heads.append(self._buffer[_SIZE.size : min(whole, _SIZE.size + self._head)])
            self._skip = max(0, whole - len(self._buffer))
            self._buffer = self._buffer[whole:]
        return heads


class AtRequest:
    """Calls `deed` before the first Kafka request of `api_key` of this connection is passed on."""

    def __init__(self, api_key: int, deed: Callable[[], None]) -> None:
        self._api_key = api_key
        self._deed = deed
        self._requests = _Frames(_REQUEST.size)

    def request(self, data: bytes) -> None:
        """See `Tap`."""
        if any(_REQUEST.unpack(head)[0] == self._api_key for head in self._requests.feed(data)):
            self._deed()

    def reply(self, data: bytes) -> bytes | None:
        """See `Tap`."""
        return data


def watch_kafka(api_key: int, nth: Nth, mark: bytes = b"") -> Callable[[], Tap]:
    """A tap for each new connection."""
    return lambda: KafkaTap(api_key, nth, mark)


def watch_redis(mark: bytes, nth: Nth) -> Callable[[], Tap]:
    """A tap for each new connection."""
    return lambda: RedisTap(mark, nth)
