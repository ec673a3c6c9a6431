"""What the notify agent does when it is nudged: writes the stream of what was told, and delivers."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable

from streams.errors import Expected
from streams.guard import Guard
from streams.notify.delivering import Delivering
from streams.notify.target_file import read_targets
from streams.notify.telling import Telling
from streams.settings import SettingsError

_log = logging.getLogger(__name__)


class Notifying:
    """The duties around published alerts. `fatal` is told what an operator must mend."""

    def __init__(self, telling: Telling, delivering: Delivering, fatal: Callable[[Expected], None]) -> None:
        self._telling = telling
        self._delivering = delivering
        self._guarded = Guard(fatal)

    async def work(self) -> None:
        """Look at both; nothing is lost if a server is away, the next nudge looks again."""
        await asyncio.gather(
            self._guarded("writing the stream of what was told", self._telling.work),
            self._guarded("delivering alerts", self._delivering.work),
        )

    def reload(self, path: str) -> None:
        """Read the targets anew; a file with mistakes changes nothing, and is told."""
        try:
            self._delivering.targets = read_targets(path, os.environ)
        except SettingsError as error:
            _log.error("the targets stay as they were:\n%s", error)
        else:
            names = ", ".join(each.name for each in self._delivering.targets.targets)
            _log.info("targets: %s", names or "nobody")

    async def close(self) -> None:
        """Give the duties back."""
        await self._delivering.close()
        await self._telling.close()
