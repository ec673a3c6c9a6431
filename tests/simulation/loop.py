"""Virtual time: an asyncio loop without sockets or threads whose clock jumps to the next timer.

What runs next is decided by timers alone, and those by the seed: every question to a server waits a drawn time.
Thousands of worlds spend a fifth of their time in here, so timers are tuples in a heap and rounds have no selector.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")


class Deadlock(Exception):
    """Every task waits for something that nobody will do."""


class VirtualLoop(asyncio.BaseEventLoop):
    """`time()` is seconds since the loop was made. Handlers that are ready run in the order in which they became so.

    Timers of one moment run in the order in which they were set.
    """

    _ready: deque[asyncio.Handle]

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = count()
        self.unhandled: list[dict[str, Any]] = []
        self.set_exception_handler(lambda loop, context: self.unhandled.append(context))

    def time(self) -> float:
        return self._now_s

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is dropped when its time comes."""

    def _run_once(self) -> None:
        """One round of asyncio's loop: if nothing is ready time passes, then all that is ready and due runs."""
        ready, timers = self._ready, self._timers
        if not ready:
            while timers and timers[0][2]._cancelled:
                heappop(timers)
            if not timers:
                raise Deadlock
            self._now_s = max(self._now_s, timers[0][0])
        while timers and timers[0][0] <= self._now_s:
            ready.append(heappop(timers)[2])
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run `main` to its end; what else is still going on is dropped where it stands."""
        asyncio.set_event_loop(self)
        try:
            return self.run_until_complete(main)
        finally:
            for task in asyncio.all_tasks(self):
                task._log_destroy_pending = False  # type: ignore[attr-defined]
            asyncio.set_event_loop(None)
            self._thread_id = None

    def __del__(self) -> None:
        """It holds nothing that would have to be closed; what was dropped may still ask it for something."""

    def _write_to_self(self) -> None:
        """No thread wakes this loop."""
