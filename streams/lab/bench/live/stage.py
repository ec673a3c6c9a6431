"""Everything up to the moment at which live traffic may begin: topics, what was before, a worker that has read it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from redis.asyncio import Redis

from streams.connect import redis_client
from streams.errors import Expected
from streams.keys import shard_keys
from streams.lab.bench.servers import Place
from streams.lab.bench.store import forget
from streams.lab.processes import Process, until_settled, worker_process
from streams.lab.simulator.pace import Pace
from streams.lab.simulator.planned import Planned
from streams.lab.simulator.play import play
from streams.lab.simulator.run import target_of
from streams.settings import Settings
from streams.topic_admin import ensure_topics, simulated_topics
from streams.topics import Topics

#: a window that is over for two hours must be closed, whatever the settings say
_LATENESS_S = 120
_JUDGED_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Topics and a group of their own, empty. `processes` as in `Ground`."""

    settings: Settings
    redis: Redis
    processes: dict[str, int]
    folder: Path

    @property
    def orders(self) -> str:
        """The full name of the topic of orders."""
        return Topics(self.settings.topic_prefix).orders

    @property
    def log(self) -> Path:
        """Where workers write."""
        return self.folder / f"{self.settings.group}.log"

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Process]:
        """A worker as in production, for as long as the context lasts."""
        async with worker_process(self.settings, self.log) as worker:
            yield worker

    async def play(self, records: list[Planned]) -> None:
        """Put records into the topics, stamped with their arrivals."""
        await play(records, target_of(self.settings), Pace(None))

    async def until_judged(self, worker: Process, records: int, within_s: float = _JUDGED_WITHIN_S) -> None:
        """Return once `records` are settled, everything changed was looked at, and nothing waits to be told.

        Raises `Expected` if the worker ends or takes too long.
        """
        await until_settled(self.redis, self.settings, records, worker)
        deadline = time.monotonic() + within_s
        while await self._waiting():
            if time.monotonic() > deadline or worker.poll() is not None:
                raise Expected(f"the worker did not look at everything within {within_s:.0f} s")
            await asyncio.sleep(0.1)

    async def _waiting(self) -> bool:
        watermark = int(await self.redis.get(shard_keys(self.settings.group, 0).watermark()) or 0)
        until_ms = watermark - self.settings.lateness_s * 1_000
        for shard in range(self.settings.shards):
            keys = shard_keys(self.settings.group, shard)
            counts = [int(await self.redis.xlen(keys.outbox()))]
            for reader in ("peaks", "records"):
                counts.append(int(await self.redis.zcard(keys.changed(reader))))
                counts.append(int(await self.redis.zcount(keys.closing(reader), "-inf", until_ms)))
            if any(counts):
                return True
        return not watermark


@asynccontextmanager
async def stage(place: Place, name: str) -> AsyncIterator[Stage]:
    """A stage at `place`, for as long as the context lasts; then nothing of it is left."""
    settings = replace(
        place.settings,
        group=f"bench-{uuid4().hex[:12]}",
        topic_prefix=f"{place.settings.topic_prefix}{name}-",
        lateness_s=min(place.settings.lateness_s, _LATENESS_S),
        metrics="",
        log_level="warning",
    )
    redis = redis_client(settings)
    try:
        async with replace(place, settings=settings).cleared():
            await ensure_topics(settings, simulated_topics(settings))
            try:
                yield Stage(settings, redis, place.processes, place.folder)
            finally:
                await forget(redis, settings.group)
    finally:
        await redis.aclose()
