"""How marking takes turns with settling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import streams.marking
from streams.marking import LEAST_PAUSE_S, MOST_REST_S, REST_WHILE_BEHIND, Marking
from streams.marks.detector import PassResult
from streams.metrics import Metrics


class Detector:
    """A pass takes as long as it is told, on a clock of its own."""

    def __init__(self, took_s: float) -> None:
        self.now_s, self._took_s = 0.0, took_s

    async def peaks_pass(self, shard: int) -> PassResult:
        self.now_s += self._took_s
        return PassResult()

    async def sleep(self, pause_s: float) -> None:
        self.now_s += pause_s


@pytest.mark.parametrize(
    ("behind", "took_s", "rests_s"),
    [
        (False, 0.5, LEAST_PAUSE_S),
        (True, 0.001, LEAST_PAUSE_S),
        (True, 0.5, 0.5 * REST_WHILE_BEHIND),
        # Redis paused, or the process was stopped, in the middle of it
        (True, 20.0, MOST_REST_S),
    ],
)
async def test_detection_rests_while_records_lie_unread_but_not_for_long(
    monkeypatch: pytest.MonkeyPatch, behind: bool, took_s: float, rests_s: float
) -> None:
    assert await rest_s(monkeypatch, took_s, lambda _: behind) == pytest.approx(rests_s)


async def test_the_rest_ends_when_all_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read_at_s = 0.5 + 2.0
    rested_s = await rest_s(monkeypatch, 0.5, lambda now_s: now_s < read_at_s)
    assert 2.0 <= rested_s <= 2.0 + LEAST_PAUSE_S


async def rest_s(monkeypatch: pytest.MonkeyPatch, took_s: float, behind: Callable[[float], bool]) -> float:
    """How long the detector rests after a pass; `behind` is asked with the clock."""
    detector: Any = Detector(took_s)
    monkeypatch.setattr(streams.marking, "perf_counter", lambda: detector.now_s)
    monkeypatch.setattr(asyncio, "sleep", detector.sleep)
    nobody: Any = None
    await Marking(detector, nobody, 1, Metrics(), lambda: behind(detector.now_s), lambda: None, nobody).peaks()
    rested_s: float = detector.now_s - took_s
    return rested_s
