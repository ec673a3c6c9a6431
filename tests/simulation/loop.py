"""Virtual time: an asyncio loop without sockets or threads whose clock jumps to the next timer.

What runs next is decided by timers alone, and those by the seed: every question to a server waits a drawn time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Deadlock(Exception):
    """Every task waits for something that nobody will do."""


class VirtualLoop(asyncio.BaseEventLoop):
    """`time()` is seconds since the loop was made. Handlers that are ready run in the order in which they became so."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._selector = self
        self.unhandled: list[dict[str, Any]] = []
        self.set_exception_handler(lambda loop, context: self.unhandled.append(context))

    def time(self) -> float:
        return self._now_s

    def select(self, timeout_s: float | None) -> list[Any]:
        """What asyncio asks between two rounds: nothing ever arrives, time passes instead."""
        if timeout_s is None:
            raise Deadlock
        self._now_s += timeout_s
        return []

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

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """No thread wakes this loop."""
