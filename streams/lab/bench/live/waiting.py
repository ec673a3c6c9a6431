"""How long processes were ready to run and got no core: what a busy machine adds to a latency."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


class CoreWait:
    """A span of time that begins now. `processes` maps names to process ids."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = dict(processes)
        self._before_s = self._read()
        self._began = time.perf_counter()

    def shares(self) -> dict[str, float]:
        """Seconds that all threads of a process waited for a core, per second; empty where Linux does not tell."""
        seconds = time.perf_counter() - self._began
        return {name: (wait_s - self._before_s[name]) / seconds for name, wait_s in self._read().items()}

    def _read(self) -> dict[str, float]:
        found = {name: _wait_s(pid) for name, pid in self._processes.items()}
        return {name: wait_s for name, wait_s in found.items() if wait_s is not None}


def _wait_s(pid: int) -> float | None:
    """Nanoseconds stand second in schedstat; a thread that has ended meanwhile is left out."""
    waited = []
    for thread in (_PROC / str(pid) / "task").glob("*/schedstat"):
        with suppress(OSError):
            waited.append(int(thread.read_text().split()[1]) / 1e9)
    return sum(waited) if waited else None
