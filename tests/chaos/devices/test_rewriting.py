"""Answers that are changed on their way are changed in that alone, however their bytes are cut."""

from __future__ import annotations

import struct

import pytest
from aiokafka.protocol.offset import OffsetRequest_v3, OffsetResponse_v3

from tests.chaos.devices.rewriting import Rewriter, group_forbidden, later_beginning
from tests.chaos.devices.taps import FETCH, HEARTBEAT, LIST_OFFSETS

EARLIEST, LATEST = -2, -1
ANSWER = OffsetResponse_v3(0, [("orders", [(0, 0, -1, 5), (1, 0, -1, 7)])]).encode()


def framed(*parts: bytes) -> bytes:
    whole = b"".join(parts)
    return struct.pack(">i", len(whole)) + whole


def asked(api_key: int, version: int, correlation: int, body: bytes = b"") -> bytes:
    return framed(struct.pack(">hhih", api_key, version, correlation, -1), body)


def answered(correlation: int, body: bytes) -> bytes:
    return framed(struct.pack(">i", correlation), body)


def through(tap: Rewriter, stream: bytes, block: int) -> bytes:
    return b"".join(tap.reply(stream[at : at + block]) or b"" for at in range(0, len(stream), block))


@pytest.mark.parametrize("block", [1, 5, 33, 1_000])
def test_only_the_beginnings_are_changed(block: int) -> None:
    tap = later_beginning(1_000)
    for correlation, time in ((1, EARLIEST), (2, LATEST)):
        body = OffsetRequest_v3(-1, 0, [("orders", [(0, time), (1, time)])]).encode()
        tap.request(asked(LIST_OFFSETS, 3, correlation, body))
    tap.request(asked(FETCH, 4, 3))
    others = answered(2, ANSWER) + answered(3, b"records")
    changed = OffsetResponse_v3(0, [("orders", [(0, 0, -1, 1_000), (1, 0, -1, 1_000)])]).encode()
    assert through(tap, answered(1, ANSWER) + others, block) == answered(1, changed) + others


def test_a_heartbeat_is_answered_with_a_right_that_is_gone() -> None:
    tap = group_forbidden()
    tap.request(asked(HEARTBEAT, 1, 9))
    assert through(tap, answered(9, struct.pack(">ih", 0, 0)), 4) == answered(9, struct.pack(">ih", 0, 30))
