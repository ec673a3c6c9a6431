"""A progress bar of one line on stderr: drawn over itself on a terminal, only its last line anywhere else."""

import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

_WIDTH: Final = 24
_REDRAW_S: Final = 0.1


class Progress:
    """Shows how far `label` has come towards `total` (None: not known).

    `now` is a clock in seconds, asked only to draw seldom and to tell the rate.
    """

    def __init__(
        self,
        label: str,
        total: int | None = None,
        out: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._total = total
        self._out = sys.stderr if out is None else out
        self._live = self._out.isatty()
        self._now = now
        self._began = now()
        self._drawn = float("-inf")

    def at(self, done: int, note: str = "") -> None:
        """Show that `done` things are done; `note` says what is going on."""
        if self._live and self._now() - self._drawn >= _REDRAW_S:
            self._drawn = self._now()
            self._out.write(f"\r\x1b[K{self._bar(done)} {note}".rstrip())
            self._out.flush()

    def finish(self, done: int, note: str = "") -> None:
        """Leave one line that says what was done, and how fast."""
        seconds = self._now() - self._began
        rate = f", {done / seconds:,.0f} a second" if seconds > 0 else ""
        start = "\r\x1b[K" if self._live else ""
        self._out.write(f"{start}{self._label}: {done:,} in {seconds:.1f} s{rate} {note}".rstrip() + "\n")
        self._out.flush()

    def clear(self) -> None:
        """Take the bar away, so that something else can be printed; the next `at` draws it again."""
        if self._live:
            self._out.write("\r\x1b[K")
            self._out.flush()
            self._drawn = float("-inf")

    def _bar(self, done: int) -> str:
        if not self._total:
            return f"{self._label} {done:,}"
        part = min(done / self._total, 1.0)
        filled = int(part * _WIDTH)
        return f"{self._label} [{'#' * filled}{'.' * (_WIDTH - filled)}] {part:4.0%} {done:,}"
