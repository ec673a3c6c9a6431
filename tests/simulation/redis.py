"""A Redis server of the simulation: what becomes of a command on its way, and how its writes get lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import OutOfMemoryError, ResponseError
from redis.exceptions import TimeoutError as RedisSilent

from tests.simulation.process import Process
from tests.simulation.scripts import CutShort, Scripts
from tests.simulation.store import SimStore
from tests.simulation.values import Snapshot, as_bytes

#: snapshots that can be gone back to
_KEPT = 200
#: scripts that are not made to stand an error in their middle: nothing notices what rankings and outbox lack then
_UNGUARDED = re.compile("-- Step (6, peaks and records: raises|7, outbox: tells)")
#: chance that others do something before a command arrives, and as much that they do before its reply does: each time
#: that a task waits costs more than most commands
_ON_THE_WAY = 0.25


@dataclass
class Trouble:
    """How a server misbehaves. The first four are chances of one command."""

    lost_before: float = 0.0
    lost_after: float = 0.0
    sent_twice: float = 0.0
    slow: float = 0.0
    longest_s: float = 0.02
    slowest_s: float = 4.0


@dataclass
class Trap:
    """An error in the middle of a script: of command number `countdown` from now on. An error of "" cuts it short."""

    countdown: int
    error: str


@dataclass
class SimRedis:
    """One server. `down` refuses everything; `history` counts how often it lost writes."""

    random: Random
    scripts: Scripts
    store: SimStore
    trace: Callable[[str], None]
    trouble: Trouble = field(default_factory=Trouble)
    down: bool = False
    trap: Trap | None = None
    sprung: int = 0
    snapshots: list[Snapshot] = field(default_factory=list)
    history: int = 0
    _trapped: bool = True

    def __post_init__(self) -> None:
        self.scripts.over(self.store, self._hook)
        self.snapshots.append(self.store.snapshot())

    # -- what a client asks ----------------------------------------------------------------------
    async def ask(self, process: Process, run: Callable[[], Any]) -> Any:
        """The reply to one command, or what may happen instead. A command that gets lost may have been executed."""
        await process.passes()
        random, trouble = self.random, self.trouble
        chance, longest_s = random.random(), trouble.longest_s
        if trouble.slow and random.random() < trouble.slow:
            longest_s = trouble.slowest_s
        when, pause_s = random.random(), random.random() * longest_s
        if when < _ON_THE_WAY:
            await asyncio.sleep(pause_s)
            await process.passes()
        if self.down or chance < trouble.lost_before:
            raise RedisGone("the server is away")
        reply = self._now(run)
        if chance > 1 - trouble.lost_after:
            self.trace("redis: executed, reply lost")
            await asyncio.sleep(random.random() * longest_s)
            await process.passes()
            raise random.choice((RedisGone, RedisSilent))("cut before the reply")
        if chance > 1 - trouble.lost_after - trouble.sent_twice:
            self.trace("redis: executed twice, the first reply got lost")
            reply = self._now(run)
        if when > 1 - _ON_THE_WAY:
            await asyncio.sleep(pause_s)
            await process.passes()
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _now(self, run: Callable[[], Any]) -> Any:
        try:
            return run()
        except CutShort:
            self.trace("redis: died in a script")
            return RedisGone("cut")
        except ResponseError as error:
            self.trace(f"redis: {error}")
            return OutOfMemoryError(str(error)) if str(error).startswith("OOM") else error

    def run_script(self, text: str, keys: Sequence[Any], args: Sequence[Any]) -> Any:
        """Run a script to its end, and keep the state behind it as one to go back to."""
        self._trapped = not _UNGUARDED.search(text)
        try:
            return self.scripts.run(text, [as_bytes(key) for key in keys], [as_bytes(arg) for arg in args])
        finally:
            if self.random.random() < 0.5:
                self.snapshots.append(self.store.snapshot())
                del self.snapshots[:-_KEPT]

    # -- faults ------------------------------------------------------------------------------------
    def go_back(self, share: float, only: bytes = b"") -> None:
        """Lose the last writes: `share` in [0, 1) of all kept states, or the keys that begin with `only`."""
        kept = max(1, len(self.snapshots) - int(share * len(self.snapshots)))
        self.store.restore(self.snapshots[kept - 1], only)
        self.snapshots = [*self.snapshots[:kept], self.store.snapshot()] if not only else [self.store.snapshot()]
        self.history += 1

    def flush(self) -> None:
        """Lose everything."""
        self.store.flushall()
        self.snapshots = [self.store.snapshot()]
        self.history += 1

    def _hook(self) -> str | None:
        if self.trap is None or not self._trapped:
            return None
        self.trap.countdown -= 1
        if self.trap.countdown > 0:
            return None
        error, self.trap = self.trap.error, None
        self.sprung += 1
        if not error:
            raise CutShort
        return error
