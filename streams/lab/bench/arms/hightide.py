"""The arm `hightide`: the worker as it is run in production, watched from outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from redis.asyncio import Redis

from streams.connect import redis_client
from streams.errors import Expected
from streams.lab.bench.check import check_audit, check_tallies
from streams.lab.bench.children import last_line
from streams.lab.bench.ground import Ground
from streams.lab.bench.measured import WORKER, Measured, measured
from streams.lab.bench.sampler import Samples, since
from streams.lab.bench.steps import FETCH
from streams.lab.bench.store import StoreUse, forget, index_memory, marks_left, read_use, settled
from streams.lab.bench.told import Told, told_of_all
from streams.lab.bench.usage import Span, Used, peak_rss_mb
from streams.lab.processes import Process, worker_process
from streams.lab.servers.spawn import free_port
from streams.settings import Settings

#: a look costs the store 0.05 ms, so these are rare enough to cost nothing
_LOOK_EVERY_S = 0.02
#: a worker that has not come further for this long has stopped
_PATIENCE_S = 60.0


async def hightide(ground: Ground, order_index: bool = False) -> Measured:
    """Run one worker under a new group over the whole topic; its tallies are checked, and then removed.

    Raises `TalliesWrong` if they are not what was sent, `Expected` if the worker ends or stands still.
    """
    settings = _settings(ground.settings, order_index)
    log, sampled = ground.folder / "hightide.log", ground.folder / f"{settings.group}.steps"
    redis = redis_client(settings)
    try:
        program = ("streams.lab.bench.sampled_worker", str(sampled))
        async with worker_process(settings, log, program) as worker:
            result = await _Run(settings, ground, redis, worker, log, Samples(sampled)).measure()
            # detection goes on behind the tallies, and what it finds is compared as well
            audited = await check_audit(redis, settings) if ground.audit else None
        await check_tallies(redis, settings, ground.totals)
    finally:
        await forget(redis, settings.group)
        await redis.aclose()
    return result if audited is None else result.with_extra(audit=audited)


def _settings(settings: Settings, order_index: bool) -> Settings:
    """A group of its own. No clock moves the watermark: the log alone says what is due, as the audit has it."""
    return replace(
        settings,
        group=f"bench-{uuid4().hex[:12]}",
        metrics=f"127.0.0.1:{free_port()}",
        log_level="warning",
        idle_s=0,
        order_index=order_index,
    )


@dataclass
class _Run:
    settings: Settings
    ground: Ground
    redis: Redis
    worker: Process
    log: Path
    samples: Samples

    async def measure(self) -> Measured:
        """Wait for the partitions to be opened, then until all is settled."""
        await self._until(self._opened, "opened its partitions")
        store_before, steps_before = await read_use(self.redis), self.samples.read()
        span = Span({WORKER: self.worker.pid, **self.ground.processes})
        await self._until(self._all_settled, "settled all events")
        used, steps = span.end(), since(steps_before, self.samples.read())
        store = (await read_use(self.redis)).since(store_before)
        left, events = await marks_left(self.redis, self.settings), self.ground.totals.events
        extra = {
            **_of_store(store, events),
            **_of_worker(await told_of_all(self.settings.metrics, events), events),
            **await self._of_index(),
            "steps_cpu_us_per_event": _by_step(used.cpu_s[WORKER], steps, events),
            "marks_left": left,
            "tallies": "right",
        }
        # a store that is not ours tells its CPU itself
        with_store = Used(used.seconds, {"store": store.cpu_s, **used.cpu_s})
        return measured(events, with_store, peak_rss_mb(self.worker.pid), extra)

    async def _opened(self) -> int | None:
        """0 until every partition is opened, then None."""
        return None if await settled(self.redis, self.settings, self.ground.topic) is not None else 0

    async def _all_settled(self) -> int | None:
        done = await settled(self.redis, self.settings, self.ground.topic)
        return None if done == self.ground.totals.events else done

    async def _until(self, look: Callable[[], Awaitable[int | None]], what: str) -> None:
        """Look until the answer is None. Raises `Expected` if it stays the same for long, or the worker ends."""
        last, moved_at = -1, time.monotonic()
        while (now := await look()) is not None:
            if self.worker.poll() is not None:
                text = self.log.read_text(errors="replace")
                raise Expected(f"the worker ended with exit code {self.worker.returncode}: {last_line(text)}")
            if now != last:
                last, moved_at = now, time.monotonic()
            elif time.monotonic() - moved_at > _PATIENCE_S:
                raise Expected(f"the worker has not {what} and does nothing for {_PATIENCE_S:.0f} s")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _of_index(self) -> dict[str, float]:
        if not self.settings.order_index:
            return {}
        index_bytes, paid = await index_memory(self.redis, self.settings), self.ground.totals.counters["orders_paid"]
        return {"index_bytes_per_order": round(index_bytes / paid, 1)}


def _of_store(store: StoreUse, events: int) -> dict[str, object]:
    return {
        "hincrby_per_event": store.calls("hincrby") / events,
        "pfadd_per_event": store.calls("pfadd") / events,
        "store_commands": store.by_command(events),
    }


def _of_worker(told: Told, events: int) -> dict[str, float]:
    """Rows and scripts are counted by the worker where it runs a script, sessions' and sketches' rows included."""
    return {
        "rows_per_event": told["hightide_settle_rows_sum"] / events,
        "events_per_script": events / told["hightide_settle_rows_count"],
    }


def _by_step(process_s: float, main_thread_s: dict[str, float], events: int) -> dict[str, float]:
    """CPU by step: what the main thread did not use is the Kafka client's thread."""
    rest_s = max(0.0, process_s - sum(main_thread_s.values()))
    by_step = {**main_thread_s, FETCH: main_thread_s[FETCH] + rest_s}
    return {step: round(seconds / events * 1e6, 3) for step, seconds in by_step.items()}
