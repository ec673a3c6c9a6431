"""A process of the simulation: it may be paused, and it may be dead, without being told either."""

from __future__ import annotations

import asyncio

#: futures that nobody completes: tasks of the dead wait for them
_GRAVE: list[asyncio.Future[None]] = []


class Process:
    """Whatever a process asks of the world goes through `passes`, before it is sent and before the answer is heard."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self._running = asyncio.Event()
        self._running.set()

    @property
    def paused(self) -> bool:
        return not self._running.is_set()

    async def passes(self) -> None:
        """Return at once in a living process, later in a paused one, never in a dead one."""
        if not self._running.is_set():
            await self._running.wait()
        if not self.alive:
            grave: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            _GRAVE.append(grave)
            await grave

    def pause(self) -> None:
        """As SIGSTOP does."""
        self._running.clear()

    def go_on(self) -> None:
        """As SIGCONT does."""
        self._running.set()

    def kill(self) -> None:
        """As SIGKILL does: nothing of it runs on."""
        self.alive = False
        self._running.set()


def bury() -> None:
    """Forget the dead; call when their loop has ended."""
    _GRAVE.clear()
