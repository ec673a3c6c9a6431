"""The world of one trial: a broker, a store, worker processes, and a player that sends a market through them.

A fault is done to it while the player plays. What a fault calls is here; what the end is compared with is in
`measure.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.connect import redis_client
from streams.keys import shard_keys
from streams.lab.processes import settled_records
from streams.lab.servers import Broker, Store
from streams.lab.simulator.pace import Pace
from streams.lab.simulator.planned import Planned
from streams.lab.simulator.play import play
from streams.lab.simulator.run import target_of
from streams.settings import Settings
from streams.tally.fence import Fence, read_fences, read_partitions
from streams.topic_admin import ensure_topics, simulated_topics
from tests.chaos.ground import Ground
from tests.chaos.scenario import some_market
from tests.chaos.workers import TrialFailed, Worker

#: how long the player takes on the wall; most faults strike in its middle
PLAY_S = 5.0
_LOOK_EVERY_S = 0.02
#: exit codes after which whoever runs workers starts them again
RESTARTED_AFTER = (69, 75)


class World:
    """One trial's servers, workers and player. Made by `world_of`; faults call what is public."""

    def __init__(self, ground: Ground, folder: Path, settings: Settings, store: Store, records: list[Planned]) -> None:
        self.ground = ground
        self.folder = folder
        self.settings = settings
        self.store = store
        self.redis: Redis = redis_client(settings)
        #: what the player sends, in the order of arrival
        self.records = records
        #: how many records anybody has sent, once acknowledged
        self.sent = 0
        self.workers: list[Worker] = []
        #: what a trial wants to have said of it
        self.notes: list[str] = []
        self._playing: asyncio.Task[None] | None = None
        self._closing: list[Callable[[], object]] = []

    # -- workers ---------------------------------------------------------------------------------
    def start_worker(self, points: str = "", checkout: Path | None = None, **changes: Any) -> Worker:
        """One more worker. `points` and `checkout`: see `Worker`; `changes` are settings of its own."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        worker = Worker(replace(self.settings, **changes), log, points, checkout)
        self.workers.append(worker)
        return worker

    @property
    def living(self) -> list[Worker]:
        """Workers that run."""
        return [worker for worker in self.workers if worker.running]

    def keep_one_running(self) -> None:
        """Do what a supervisor does: start a worker if none runs. Raises `TrialFailed` if one refused to run."""
        for worker in self.workers:
            code = worker.process.poll()
            if code is not None and not worker.expected_to_end:
                if code not in RESTARTED_AFTER:
                    raise TrialFailed(f"a worker ended with exit code {code}: {worker.said('')[-1:]}")
                worker.expected_to_end = True
                self.notes.append(f"a worker ended itself ({code})")
        if not self.living:
            self.start_worker()

    # -- the player ------------------------------------------------------------------------------
    def start_playing(self, seconds: float = PLAY_S, begin: float = 0.0, end: float = 1.0) -> None:
        """Begin to send the market, or what lies between two shares of it, spread over so many seconds."""
        first, last = (round(share * len(self.records)) for share in (begin, end))
        self._playing = asyncio.create_task(self._play(self.records[first:last], seconds))

    async def _play(self, records: list[Planned], seconds: float) -> None:
        lasts_s = (records[-1].arrival_ms - records[0].arrival_ms) / 1000
        await self.send(records, Pace(lasts_s / seconds))

    async def send(self, records: Iterable[Planned], pace: Pace | None = None) -> None:
        """Send records, acknowledged slice by slice; the truth takes them in as everything else in the log."""
        sent = 0

        def note(played: Any) -> None:
            nonlocal sent
            self.sent += played.records - sent
            sent = played.records

        await play(records, target_of(self.settings), pace or Pace(None), note)

    async def played(self) -> None:
        """Wait until the player is done."""
        if self._playing is None:
            self.start_playing()
        assert self._playing is not None
        await self._playing

    @property
    def done_playing(self) -> bool:
        """Whether everything was sent."""
        return self._playing is not None and self._playing.done()

    # -- waiting ---------------------------------------------------------------------------------
    async def until(self, share: float, within_s: float = 60.0) -> None:
        """Wait until this share of the market is settled."""
        await self.until_true(lambda: self._settled(share), f"{share:.0%} was not settled", within_s)

    async def _settled(self, share: float) -> bool:
        return await settled_records(self.redis, self.settings) >= round(share * len(self.records))

    async def until_true(self, true: Callable[[], Awaitable[bool]], why: str, within_s: float = 60.0) -> None:
        """Wait until `true()`; a store that is away is waited for. Raises `TrialFailed` with `why`."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    with suppress(RedisError, OSError):
                        if await true():
                            return
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            raise TrialFailed(f"{why} within {within_s:.0f} s") from None

    async def fences(self) -> dict[tuple[str, int], list[Fence]]:
        """The fences of every partition, one a shard, by full topic name and partition."""
        found: dict[tuple[str, int], list[Fence]] = {}
        for shard in range(self.settings.shards):
            for tp, fence in (await read_fences(self.redis, shard_keys(self.settings.group, shard))).items():
                found.setdefault((tp.topic, tp.partition), []).append(fence)
        return found

    async def idle(self) -> bool:
        """Whether no mark waits for a reader, no alert for the topic and no early refund to be driven again."""
        names = []
        for shard in range(self.settings.shards):
            keys = shard_keys(self.settings.group, shard)
            names += [keys.changed("peaks"), keys.changed("records")]
            names += [keys.redrive(*tp) for tp in await read_partitions(self.redis, keys)]
            if await self.redis.xlen(keys.outbox()):
                return False
        return not await self.redis.exists(*names)

    # -- servers ---------------------------------------------------------------------------------
    async def use_broker(self, broker: Broker) -> None:
        """Take another broker than the shared one, before anything is started."""
        await self.use_addresses(kafka=broker.address)
        await ensure_topics(self.settings, simulated_topics(self.settings))

    async def use_addresses(self, **changes: str) -> None:
        """Take other addresses (`kafka`, `redis`), those of a proxy say, for everything that is started from now on."""
        self.settings = replace(self.settings, **changes)

    @asynccontextmanager
    async def another_client(self) -> AsyncIterator[Redis]:
        """A client of the store with a connection of its own."""
        client = redis_client(self.settings)
        try:
            yield client
        finally:
            await client.aclose()

    def at_the_end(self, close: Callable[[], object]) -> None:
        """Call `close` when the trial is over, whatever became of it."""
        self._closing.append(close)

    async def close(self) -> None:
        """End everything."""
        if self._playing is not None and not self._playing.done():
            self._playing.cancel()
            await asyncio.wait({self._playing})
        for worker in self.workers:
            await worker.end()
        await self.redis.aclose()
        for close in reversed(self._closing):
            close()


@asynccontextmanager
async def world_of(ground: Ground, chance: Random, **changes: Any) -> AsyncIterator[World]:
    """A world with topics and an empty store, nothing started. `changes` are settings other than those of trials."""
    name = f"c{uuid4().hex[:12]}"
    folder = ground.new_folder("trial")
    store = ground.store(folder)
    try:
        settings = Settings(
            kafka=ground.broker().address,
            redis=f"redis://{store.address}/0",
            group=name,
            topic_prefix=f"{name}-",
            idle_s=0,
            session_s=2,
            chunk_records=chance.choice((40, 150, 500)),
            shards=chance.choice((1, 1, 2)),
        )
        settings = replace(settings, **changes)
        await ensure_topics(settings, simulated_topics(settings))
        world = World(ground, folder, settings, store, list(some_market(chance)))
        try:
            yield world
        finally:
            await world.close()
    finally:
        store.stop()


def now_s() -> float:
    """Monotonic seconds."""
    return time.monotonic()
