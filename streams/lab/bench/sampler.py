"""Where a process spends its CPU, by step, told to another process while it runs.

A timer of the kernel rings after every 5 ms of the process's CPU. What the main thread has used since the last ring is
put down to the step that its stack is at work for: exact in its sum, a sample in its parts, and too rare to cost
anything. What remains of the process's CPU are its other threads.
"""

from __future__ import annotations

import atexit
import mmap
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from streams.lab.bench.steps import STEPS, step_of

_EVERY_S: Final = 0.005
_BYTES: Final = 8 * len(STEPS)


class Samples:
    """Seconds of CPU of a main thread by step, in a file that two processes share."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_BYTES))
        with path.open("r+b") as file:
            self._seconds = memoryview(mmap.mmap(file.fileno(), _BYTES)).cast("d")

    def add(self, step: str, seconds: float) -> None:
        """Put seconds down to a step."""
        self._seconds[STEPS.index(step)] += seconds

    def read(self) -> dict[str, float]:
        """Seconds by step so far."""
        return dict(zip(STEPS, self._seconds, strict=True))


def sample(path: Path) -> None:
    """Sample this process from now on; to be called in its main thread."""
    samples, last_s = Samples(path), time.thread_time()

    def rung(_number: int, frame: FrameType | None) -> None:
        nonlocal last_s
        now_s = time.thread_time()
        samples.add(step_of(frame), now_s - last_s)
        last_s = now_s

    # an interpreter that ends gives signals their default meaning back, which is death
    atexit.register(signal.setitimer, signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, rung)
    signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)


def since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Seconds by step between two readings."""
    return {step: after[step] - before[step] for step in after}
