"""How fast simulated time passes on the wall: at a factor, or as fast as the broker takes it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

#: silence in a scenario that lasts longer than this (a night between two evenings) is cut short
LONGEST_SILENCE_MS = 60_000


class Pace:
    """Waits until a simulated instant is due.

    `factor` is seconds of the scenario a second of the wall, None: no waiting. `now` and `sleep` (seconds) are the
    wall clock.
    """

    def __init__(
        self,
        factor: float | None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._factor = factor
        self._now = now
        self._sleep = sleep
        self._began = 0.0
        self._played_ms = 0
        self._last_ms: int | None = None

    async def until(self, time_ms: int) -> None:
        """Return when `time_ms` (of the scenario, ascending from call to call) is due; the first one is due at once."""
        if self._factor is None:
            return
        if self._last_ms is None:
            self._began, self._last_ms = self._now(), time_ms
        self._played_ms += min(time_ms - self._last_ms, LONGEST_SILENCE_MS)
        self._last_ms = time_ms
        ahead_s = self._began + self._played_ms / 1_000 / self._factor - self._now()
        if ahead_s > 0:
            await self._sleep(ahead_s)
