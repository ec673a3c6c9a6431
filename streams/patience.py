"""Asking a server until it answers: growing pauses with jitter, one line when it is away, one when it is back."""

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Awaitable, Callable

from streams.errors import ServerMissing

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0


def backoff_s(attempt: int, chance: float) -> float:
    """Pause after failure number `attempt` (from 0): doubles from 0.5 s up to 10 s, half of it by `chance` in [0, 1).

    The chance keeps many workers from asking all at once when a server comes back.
    """
    longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(attempt, 10))
    return longest * (0.5 + 0.5 * chance)


async def until_answered(
    what: str,
    ask: Callable[[], Awaitable[object]],
    deadline_s: float | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Call `ask` until it no longer raises ServerMissing. `what` names the server for people: "Redis at ...".

    Raises ServerMissing once the next attempt would come later than `deadline_s` seconds from now (None: never).
    """
    began = clock()
    for attempt in itertools.count():
        try:
            await ask()
        except ServerMissing as missing:
            pause_s = backoff_s(attempt, random.random())
            waited_s = clock() - began
            if deadline_s is not None and waited_s + pause_s > deadline_s:
                raise ServerMissing(f"{what} does not answer ({missing}): gave up after {waited_s:.0f} s") from missing
            if attempt == 0:
                _log.warning("%s does not answer (%s): trying again in %.1f s", what, missing, pause_s)
            await sleep(pause_s)
        else:
            if attempt > 0:
                _log.warning("%s answers now, after %.0f s", what, clock() - began)
            return
