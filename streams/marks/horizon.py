"""Step 5, changed: which watermark a reader may close holders by. Pure.

The watermark says what is *settled*; a reader lags behind by the marks that it has not read. To close an hour while an
earlier one still waits in its marks would confirm what the earlier one then takes back. So a watermark is applied once
every mark that is as old as it has been read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.keys import HISTORY


@dataclass(slots=True)
class Horizon:
    """The watermark that may be applied, for one reader of one shard."""

    applied_ms: int = 0
    _next_ms: int = 0
    _next_versions: Sequence[int] | None = None
    _seen_versions: Sequence[int] = ()

    def advance(self, watermark_ms: int, versions: Sequence[int], waiting: Sequence[int | None]) -> int:
        """Returns the watermark to apply now, in epoch ms; it falls only when Redis went back.

        `versions` are the change versions of the source shards, read after the watermark; `waiting` the version of the
        oldest mark there that is not in hand now, None where there is none.
        """
        if any(_went_back(now, before) for now, before in zip(versions, self._seen_versions, strict=False)):
            self.reset()
        self._seen_versions = list(versions)
        if _clear(waiting, versions):
            self._apply(watermark_ms)
        elif self._next_versions is None:
            self._next_ms, self._next_versions = watermark_ms, versions
        elif _clear(waiting, self._next_versions):
            self._apply(self._next_ms)
            self._next_ms, self._next_versions = watermark_ms, versions
        return self.applied_ms

    def reset(self) -> None:
        """Redis went back: what is read again must not be closed by what was known before."""
        self.applied_ms, self._next_versions = 0, None

    def _apply(self, watermark_ms: int) -> None:
        self.applied_ms = max(self.applied_ms, watermark_ms)
        self._next_versions = None


def _went_back(now: int, before: int) -> bool:
    return now < before or now // HISTORY != before // HISTORY


def _clear(waiting: Sequence[int | None], versions: Sequence[int]) -> bool:
    return all(mark is None or mark > version for mark, version in zip(waiting, versions, strict=True))
