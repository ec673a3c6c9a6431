"""The arm `hightide`: the worker as it is run in production, watched from outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from redis.asyncio import Redis

from streams.connect import redis_client
from streams.errors import Expected
from streams.lab.bench.check import check_tallies
from streams.lab.bench.children import last_line
from streams.lab.bench.ground import Ground
from streams.lab.bench.measured import WORKER, Measured, measured
from streams.lab.bench.store import StoreUse, forget, index_memory, marks_left, read_use, settled
from streams.lab.bench.usage import Span, Used, peak_rss_mb
from streams.lab.processes import Process, worker_process
from streams.settings import Settings

#: a look costs the store 0.05 ms, so these are rare enough to cost nothing
_LOOK_EVERY_S = 0.02
#: a worker that has not come further for this long has stopped
_PATIENCE_S = 60.0


async def hightide(ground: Ground, order_index: bool = False) -> Measured:
    """Run one worker under a new group over the whole topic; its tallies are checked, and then removed.

    Raises `TalliesWrong` if they are not what was sent, `Expected` if the worker ends or stands still.
    """
    group = f"bench-{uuid4().hex[:12]}"
    settings = replace(ground.settings, group=group, metrics="", log_level="warning", idle_s=0, order_index=order_index)
    log = ground.folder / "hightide.log"
    redis = redis_client(settings)
    try:
        async with worker_process(settings, log) as worker:
            run = _Run(settings, ground, redis, worker, log)
            result = await run.measure()
        await check_tallies(redis, settings, ground.totals)
    finally:
        await forget(redis, settings.group)
        await redis.aclose()
    return result


class _Run:
    def __init__(self, settings: Settings, ground: Ground, redis: Redis, worker: Process, log: Path) -> None:
        self._settings = settings
        self._ground = ground
        self._redis = redis
        self._worker = worker
        self._log = log

    async def measure(self) -> Measured:
        """Wait for the partitions to be opened, then until all is settled."""
        await self._until(self._opened, "opened its partitions")
        before = await read_use(self._redis)
        span = Span({WORKER: self._worker.pid, **self._ground.processes})
        await self._until(self._all_settled, "settled all events")
        used = span.end()
        store = (await read_use(self._redis)).since(before)
        index_bytes = await index_memory(self._redis, self._settings) if self._settings.order_index else 0
        extra = self._extra(store, await marks_left(self._redis, self._settings), index_bytes)
        return measured(self._ground.totals.events, self._with_store(used, store), peak_rss_mb(self._worker.pid), extra)

    async def _opened(self) -> int | None:
        """0 until every partition is opened, then None."""
        return None if await settled(self._redis, self._settings, self._ground.topic) is not None else 0

    async def _all_settled(self) -> int | None:
        done = await settled(self._redis, self._settings, self._ground.topic)
        return None if done == self._ground.totals.events else done

    async def _until(self, look: Callable[[], Awaitable[int | None]], what: str) -> None:
        """Look until the answer is None. Raises `Expected` if it stays the same for long, or the worker ends."""
        last, moved_at = -1, time.monotonic()
        while (now := await look()) is not None:
            if self._worker.poll() is not None:
                text = self._log.read_text(errors="replace")
                raise Expected(f"the worker ended with exit code {self._worker.returncode}: {last_line(text)}")
            if now != last:
                last, moved_at = now, time.monotonic()
            elif time.monotonic() - moved_at > _PATIENCE_S:
                raise Expected(f"the worker has not {what} and does nothing for {_PATIENCE_S:.0f} s")
            await asyncio.sleep(_LOOK_EVERY_S)

    def _with_store(self, used: Used, store: StoreUse) -> Used:
        """A store that is not ours tells its CPU itself."""
        return Used(used.seconds, {"store": store.cpu_s, **used.cpu_s})

    def _extra(self, store: StoreUse, marks_left: int, index_bytes: int) -> dict[str, object]:
        """`marks_left`: changed tallies and sessions that detection had not looked at at the end."""
        events, paid = self._ground.totals.events, self._ground.totals.counters["orders_paid"]
        return {
            "hincrby_per_event": store.calls("hincrby") / events,
            "pfadd_per_event": store.calls("pfadd") / events,
            "store_commands": store.by_command(events),
            "marks_left": marks_left,
            "tallies": "right",
            **({"index_bytes_per_order": round(index_bytes / paid, 1)} if index_bytes else {}),
        }
