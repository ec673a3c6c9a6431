"""A wall clock that is wrong, and jumps, for processes that are started with it.

Only the time of day is changed: what a process measures spans with goes on as it is, as where a clock is set.
Programs take it from `faketime`, a package of Debian. Python does not bear that (it waits for its own lock by such a
clock, and a worker then hardly gets to anything): there, the functions of `time` are replaced before anything runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

#: where distributions put it
_PLACES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")


class NoFaketime(Exception):
    """It is not installed; the message says how to get it."""


_FOR_PYTHON = """
import time
from pathlib import Path

FILE = Path({file!r})
read = [0.0, -1.0]

def offset_s():
    if time.monotonic() - read[1] > 0.2:
        read[:] = float(FILE.read_text().rstrip("s\\n")), time.monotonic()
    return read[0]

def ahead(clock, unit):
    return lambda: clock() + unit(offset_s())

time.time, time.time_ns = ahead(time.time, float), ahead(time.time_ns, lambda s: int(s * 1_000_000_000))
"""


class WrongClock:
    """A clock that can be set. Processes that have it follow within a second."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set(0)

    def set(self, offset_s: int) -> None:
        """Let it jump to so far ahead (below 0: behind)."""
        # replaced as a whole: a process may read it at any moment
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset_s:+d}s\n")
        new.replace(self._file)

    def for_python(self) -> Mapping[str, str]:
        """What a Python process has to be started with."""
        folder = self._file.with_name("clock-for-python")
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(_FOR_PYTHON.format(file=str(self._file.absolute())))
        paths = [str(folder.absolute()), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {"PYTHONPATH": os.pathsep.join(paths)}

    def for_programs(self) -> Mapping[str, str]:
        """What another program has to be started with. Raises `NoFaketime`."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # looked at once a second: at every question for the time, a program would do little else
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
