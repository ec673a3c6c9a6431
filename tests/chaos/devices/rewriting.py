"""Answers of a Kafka broker that are changed on their way: things that the embedded broker can not do itself."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from aiokafka.protocol.offset import OffsetResponse_v1, OffsetResponse_v2, OffsetResponse_v3

from tests.chaos.devices.taps import HEARTBEAT, LIST_OFFSETS

#: what becomes of the body of an answer: (version, request, answer) to answer
Change = Callable[[int, bytes, bytes], bytes]

_INT = struct.Struct(">i")
_REQUEST = struct.Struct(">hhi")
_EARLIEST = struct.pack(">q", -2)
_OFFSETS = {1: OffsetResponse_v1, 2: OffsetResponse_v2, 3: OffsetResponse_v3}
_GROUP_AUTHORIZATION_FAILED = 30


class Rewriter:
    """A tap that changes the answers to requests of `api_key`."""

    def __init__(self, api_key: int, change: Change) -> None:
        self._api_key = api_key
        self._change = change
        self._requests = _Whole()
        self._replies = _Whole()
        self._asked: dict[int, tuple[int, bytes]] = {}

    def request(self, data: bytes) -> None:
        """See `taps.Tap`."""
        for frame in self._requests.feed(data):
            api_key, version, correlation = _REQUEST.unpack_from(frame)
            if api_key == self._api_key:
                self._asked[correlation] = version, frame

    def reply(self, data: bytes) -> bytes | None:
        """See `taps.Tap`."""
        return b"".join(map(self._rewritten, self._replies.feed(data)))

    def _rewritten(self, frame: bytes) -> bytes:
        asked = self._asked.pop(*_INT.unpack_from(frame), None)
        if asked is not None:
            frame = frame[: _INT.size] + self._change(*asked, frame[_INT.size :])
        return _INT.pack(len(frame)) + frame


class _Whole:
    """Cuts a stream into whole frames."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Those that are complete with `data`, without their sizes."""
        self._buffer += data
        while len(self._buffer) >= _INT.size:
            end = _INT.size + _INT.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                return
            frame, self._buffer = self._buffer[_INT.size : end], self._buffer[end:]
            yield frame


def later_beginning(offset: int) -> Rewriter:
    """Every log begins at `offset`, as if retention had taken what lies before."""

    def change(version: int, request: bytes, answer: bytes) -> bytes:
        if _EARLIEST not in request:
            return answer
        found = _OFFSETS[version].decode(answer)
        topics = [
            (topic, [(number, error, stamp, offset) for number, error, stamp, _ in partitions])
            for topic, partitions in found.topics
        ]
        before = () if version < 2 else (found.throttle_time_ms,)
        return bytes(_OFFSETS[version](*before, topics).encode())

    return Rewriter(LIST_OFFSETS, change)


def group_forbidden() -> Rewriter:
    """Every heartbeat of a group is answered with a right that was taken away."""
    return Rewriter(
        HEARTBEAT, lambda version, request, answer: answer[:-2] + struct.pack(">h", _GROUP_AUTHORIZATION_FAILED)
    )
