"""What goes on beside the settles, and must not end because a server is away: tried again at the next nudge."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiokafka.errors import KafkaError

from streams.errors import Expected
from streams.intake.store_calls import passing_reason

_log = logging.getLogger(__name__)

PAUSE_AFTER_FAILURE_S = 0.5

T = TypeVar("T")


class Guard:
    """Calls what may fail. `fatal` is given what an operator must mend, or what is a fault of ours."""

    def __init__(self, fatal: Callable[[Expected], None]) -> None:
        self._fatal = fatal
        self._failing: set[str] = set()

    async def __call__(self, what: str, call: Callable[[], Awaitable[T]]) -> T | None:
        """The answer of `call`, or None: a server that is away is said once, and asked again at the next nudge."""
        try:
            answer = await call()
        except Expected as error:
            self._fatal(error)
            return None
        except Exception as error:  # sorted in there: Faust would restart the agent and say nothing
            await self._failed(what, error)
            return None
        if what in self._failing:
            self._failing.remove(what)
            _log.warning("%s works again", what)
        return answer

    async def _failed(self, what: str, error: Exception) -> None:
        if not isinstance(error, KafkaError):
            try:
                passing_reason(error)
            except Exception as lasting:  # it says what the operator must do, or is a fault of ours
                _log.debug("%s", what, exc_info=lasting)
                self._fatal(lasting if isinstance(lasting, Expected) else Expected(f"{what} failed: {lasting!r}"))
                return
        if what not in self._failing:
            _log.warning("%s: %s, trying again until it works", what, str(error) or type(error).__name__)
        self._failing.add(what)
        await asyncio.sleep(PAUSE_AFTER_FAILURE_S)
