"""A worker process of a trial: started with failpoints, watched, stopped, woken, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from streams.failpoints import VARIABLE
from streams.lab.processes import Process, end_worker, start_worker
from streams.settings import Settings


class TrialSkipped(Exception):
    """This machine lacks what the trial needs; the message says what."""


class TrialFailed(AssertionError):
    """A trial did not show what it had to show; the message says what was seen."""


class Worker:
    """One process. `points` is what `streams.failpoints` is armed with; `checkout` a folder with another program."""

    def __init__(self, settings: Settings, log: Path, points: str = "", checkout: Path | None = None) -> None:
        self.log = log
        self.started_at = time.time()
        more = {VARIABLE: points} if points else {}
        if checkout is not None:
            more |= {"PYTHONPATH": str(checkout), "PYTHONSAFEPATH": "1"}
        self.process: Process = start_worker(settings, log, more)
        #: ended by the trial itself, so that its end says nothing
        self.expected_to_end = bool(points)

    # -- what is done to it ----------------------------------------------------------------------
    def kill(self) -> None:
        """SIGKILL."""
        self.expected_to_end = True
        self.process.kill()

    def stop(self) -> None:
        """SIGSTOP: it holds everything and does nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    async def terminate(self, within_s: float = 30.0) -> int:
        """SIGTERM; returns the exit code. Raises `TrialFailed` if it takes longer than it may."""
        self.expected_to_end = True
        began = time.monotonic()
        self.process.terminate()
        if await self.ended(within_s) is None:
            raise TrialFailed(f"a worker did not end within {within_s:.0f} s of SIGTERM")
        if time.monotonic() - began > within_s:
            raise TrialFailed(f"a worker took {time.monotonic() - began:.1f} s to end")
        return self.process.returncode

    async def end(self) -> None:
        """Whatever state it is in: gone."""
        if self.running:
            self.process.kill()
        await end_worker(self.process)

    # -- what it does ----------------------------------------------------------------------------
    @property
    def running(self) -> bool:
        """Whether the process lives (it may be stopped)."""
        return self.process.poll() is None

    @property
    def stopped(self) -> bool:
        """Whether the process lives and was stopped, by us or by a failpoint."""
        if not self.running:
            return False
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] in "tT"

    @property
    def died_at_a_point(self) -> bool:
        """Whether a failpoint killed it."""
        return self.process.poll() == -signal.SIGKILL

    async def ended(self, within_s: float) -> int | None:
        """Its exit code once it has ended; None if it lives on."""
        try:
            async with asyncio.timeout(within_s):
                while self.running:  # noqa: ASYNC110  # another process
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return None
        return self.process.returncode

    def said(self, words: str) -> list[str]:
        """The lines of its log that hold `words`."""
        return [line for line in self.log.read_text("utf-8").splitlines() if words in line] if self.log.exists() else []

    def cpu_s(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
