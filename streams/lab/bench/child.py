"""What every arm with a process of its own does there. Imports little: an arm's memory is to be its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import msgspec

from streams.lab.bench.measured import WORKER, Measured, Task, measured
from streams.lab.bench.usage import Span, peak_rss_mb


def begin(task: Task) -> Span:
    """Begin to measure this process, and the broker if it is ours."""
    return Span({WORKER: os.getpid(), **task.processes})


def finish(task: Task, span: Span, extra: Mapping[str, Any] | None = None) -> Measured:
    """What it took to work through the events of `task`."""
    return measured(task.events, span.end(), peak_rss_mb(os.getpid()), dict(extra or {}))


def main(measure: Callable[[Task], Coroutine[Any, Any, Measured]], loop: Callable[[], Any] | None = None) -> None:
    """The main function of an arm's program: takes the task from the command line and prints what was measured.

    `loop` makes the event loop, None: asyncio's own.
    """
    task = msgspec.json.decode(sys.argv[1], type=Task)
    with asyncio.Runner(loop_factory=loop) as runner:
        result = runner.run(measure(task))
    print(msgspec.json.encode(result).decode(), flush=True)
