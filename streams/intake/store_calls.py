"""Step 4, settle: what to do while Redis does not answer. Wait, say so once, and try the same again.

Everything that passes here may be repeated: the settle script is fenced, reads are reads.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
    TryAgainError,
)

from streams.errors import StoreFault
from streams.patience import backoff_s

_log = logging.getLogger(__name__)
T = TypeVar("T")

_PASSING = (
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,
    NoScriptError,  # lost again between being loaded and being called
    OutOfMemoryError,
    ReadOnlyError,
    TimeoutError,
    TryAgainError,
    OSError,
)
#: replies that redis-py has no class for: a long script runs, replicas are missing, the disk is full, a failover
_PASSING_REPLIES = ("BUSY", "NOREPLICAS", "MISCONF", "MASTERDOWN", "OOM", "UNBLOCKED")
_IN_A_PIPELINE = " of pipeline caused error: "


class Patience:
    """Calls Redis until it answers. `waiting` is true while it does not: no watchdog should count that time."""

    def __init__(self, on_retry: Callable[[], None]) -> None:
        self._on_retry = on_retry
        self._waiting = 0

    @property
    def waiting(self) -> bool:
        """Whether some call is waiting for Redis to come back."""
        return self._waiting > 0

    async def call(self, what: str, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer of `ask`, however long it takes. Raises `StoreFault` for an answer that time does not mend."""
        try:
            return await ask()
        except Exception as error:  # sorted below: passing errors are waited out, others raised
            reason = passing_reason(error)
        self._waiting += 1
        try:
            return await self._again(what, ask, reason)
        finally:
            self._waiting -= 1

    async def _again(self, what: str, ask: Callable[[], Awaitable[T]], reason: str) -> T:
        _log.warning("%s: Redis does not take it (%s), trying again until it does", what, reason)
        attempt = 0
        while True:
            self._on_retry()
            await asyncio.sleep(backoff_s(attempt, random.random()) / 2)
            attempt += 1
            try:
                answer = await ask()
            except Exception as error:  # as above
                passing_reason(error)
                continue
            _log.warning("%s: Redis takes it again, after %d tries", what, attempt)
            return answer


def passing_reason(error: Exception) -> str:
    """The reason in words if `error` passes by itself; else raises what the caller must stop for."""
    if isinstance(error, _PASSING):
        return str(error) or type(error).__name__
    if isinstance(error, ResponseError):
        # the commands of a pipeline stand before the reply to one of them: Command # 1 (…) of pipeline caused error: …
        if str(error).rpartition(_IN_A_PIPELINE)[2].lstrip("('\"").startswith(_PASSING_REPLIES):
            return str(error)
        raise StoreFault(f"Redis refused a script ({error}): repair the key or the user's rights, then start again")
    raise error
