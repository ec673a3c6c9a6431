"""A wall clock that is wrong, and jumps, for processes that are started with it (`faketime`, a package of Debian).

Only the time of day is changed: what a process measures spans with goes on as it is, as where a clock is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

#: where distributions put it
_PLACES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")


class NoFaketime(Exception):
    """It is not installed; the message says how to get it."""


class WrongClock:
    """A clock that can be set. Processes that have it follow within a second."""

    def __init__(self, folder: Path) -> None:
        """Raises `NoFaketime`."""
        self._library = _library()
        self._file = folder / "clock"
        self.set(0)

    def set(self, offset_s: int) -> None:
        """Let it jump to so far ahead (below 0: behind)."""
        # replaced as a whole: a process may read it at any moment
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset_s:+d}s\n")
        new.replace(self._file)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process has to be started with."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # looked at once a second: at every question for the time, a worker would do little else
            "FAKETIME_CACHE_DURATION": "1",
            # one of them, by the library's version
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


def _library() -> Path:
    for place in _PLACES:
        library = Path(place) / "faketime" / "libfaketime.so.1"
        if library.exists():
            return library
    raise NoFaketime("faketime is not installed: apt-get install faketime")
