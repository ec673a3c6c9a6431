"""Step 5, changed: a duty of a shard that one worker does at a time.

Nothing in Redis depends on it but effort: two holders at once (a paused worker that wakes up) do the same work twice,
and everything that they do there may be repeated. Who does something elsewhere asks `left_s` right before.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from itertools import count
from time import monotonic

from redis.asyncio import Redis

from streams.scripts import lua_script

LEASE_MS = 5_000


class Held(Enum):
    """What came of asking for a lease."""

    NOT = "another has it"
    TAKEN = "ours from now on"
    KEPT = "ours since we took it"


class Lease:
    """One lease of one worker. Not for use by two tasks at once. `worker_id` must be no other process's.

    `clock` gives seconds, and goes on while the process is stopped.
    """

    def __init__(
        self,
        redis: Redis,
        key: str,
        worker_id: str,
        lease_ms: int = LEASE_MS,
        clock: Callable[[], float] = lambda: monotonic(),
    ) -> None:
        self._take = lua_script(redis, "streams.marks", "lease")
        self._give = lua_script(redis, "streams.marks", "release")
        self._key = key
        self._tokens = (f"{worker_id}/{number}" for number in count(1))
        self._token = ""
        self._lease_ms = lease_ms
        self._clock = clock
        self._ours_until = float("-inf")

    async def hold(self) -> Held:
        """Take the lease or make it last `lease_ms` from now. Raises `redis.RedisError`."""
        fresh, asked_at = next(self._tokens), self._clock()
        status = int(await self._take(keys=[self._key], args=[self._token, fresh, self._lease_ms]))
        self._ours_until = asked_at + self._lease_ms / 1000 if status else float("-inf")
        if status == 2:
            return Held.KEPT
        self._token = fresh if status == 1 else ""
        return Held.TAKEN if status == 1 else Held.NOT

    @property
    def left_s(self) -> float:
        """For how long it is ours at least, as far as we know."""
        return self._ours_until - self._clock()

    async def release(self) -> None:
        """Give it back, so that the next worker need not wait for its expiry."""
        if self._token:
            token, self._token = self._token, ""
            self._ours_until = float("-inf")
            await self._give(keys=[self._key], args=[token])
