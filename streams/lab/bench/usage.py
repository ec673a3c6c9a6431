"""What processes cost over a span of time: seconds of CPU and memory, as Linux tells them in /proc.

CPU is user and system time of all threads of a process, told in steps of 10 ms.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from streams.errors import Expected

_PROC = Path("/proc")


class Used(NamedTuple):
    """What a span took: seconds on the wall, and seconds of CPU by the name of the process."""

    seconds: float
    cpu_s: dict[str, float]


class Span:
    """A span of time that begins now. `processes` maps names to process ids."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = dict(processes)
        self._cpu_s = self._read()
        self._began = time.perf_counter()

    def end(self) -> Used:
        """What was used since the beginning. Raises `Expected` if one of the processes has gone."""
        seconds = time.perf_counter() - self._began
        return Used(seconds, {name: cpu_s - self._cpu_s[name] for name, cpu_s in self._read().items()})

    def _read(self) -> dict[str, float]:
        return {name: cpu_s(pid) for name, pid in self._processes.items()}


def check_proc() -> None:
    """Raises `Expected` where there is no /proc to measure by."""
    if not (_PROC / "self" / "stat").exists():
        raise Expected("the bench measures processes by /proc, which this system does not have: run it on Linux")


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used so far. Raises `Expected` if there is no such process."""
    # the name of the program, in brackets, may itself hold spaces and brackets
    fields = _read(pid, "stat").rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def peak_rss_mb(pid: int) -> float:
    """The most memory that a process held at once, in MB. Raises `Expected` if there is no such process."""
    return _memory_bytes(pid, "VmHWM") / 1e6


def rss_mb(pid: int) -> float:
    """The memory that a process holds now, in MB. Raises `Expected` if there is no such process."""
    return rss_bytes(pid) / 1e6


def rss_bytes(pid: int) -> int:
    """The memory that a process holds now. Raises `Expected` if there is no such process."""
    return _memory_bytes(pid, "VmRSS")


def _memory_bytes(pid: int, which: str) -> int:
    for line in _read(pid, "status").splitlines():
        name, _, value = line.partition(":")
        if name == which:
            return int(value.split()[0]) * 1_024
    raise Expected(f"process {pid} has ended")  # a zombie has no memory left to tell of


def _read(pid: int, file: str) -> str:
    try:
        return (_PROC / str(pid) / file).read_text()
    except OSError as error:
        raise Expected(f"process {pid} can not be measured: {error.strerror}") from error
