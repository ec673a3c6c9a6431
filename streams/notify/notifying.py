"""What the notify agent does when it is nudged."""

from __future__ import annotations

from collections.abc import Callable

from streams.errors import Expected
from streams.guard import Guard
from streams.notify.telling import Telling


class Notifying:
    """The duties around published alerts. `fatal` is told what an operator must mend."""

    def __init__(self, telling: Telling, fatal: Callable[[Expected], None]) -> None:
        self._telling = telling
        self._guarded = Guard(fatal)

    async def work(self) -> None:
        """Look once; nothing is lost if a server is away, the next nudge looks again."""
        await self._guarded("writing the stream of what was told", self._telling.work)

    async def close(self) -> None:
        """Give the duties back."""
        await self._telling.close()
