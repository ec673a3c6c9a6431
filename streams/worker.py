"""A worker process: waits for its servers, checks them, starts the parts, runs until told to stop, or stuck."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from uuid import uuid4

import faust
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisSilent

from streams.assembly import Assembly, Surroundings, assemble
from streams.connect import check_store, kafka_cluster_id, redis_client, wait_for_kafka, wait_for_redis
from streams.errors import Expected, ServerMissing
from streams.feed.feed import switched_off
from streams.health import Health, PartitionState, Seen
from streams.history.keeper import HistoryKeeper
from streams.intake.partition import Partition
from streams.intake.redriver import Redriver
from streams.intake.transport import ChunkConsumer
from streams.keys import shard_keys
from streams.metrics import Metrics
from streams.notify.target_file import read_targets
from streams.parts import Parts
from streams.rules.live import LiveRules
from streams.serving import serve
from streams.settings import Settings
from streams.startup import check_layout, check_scripts, require_topics

_log = logging.getLogger(__name__)

RegisterAgents = Callable[[faust.App, Parts], None]

#: how often the marking agents look for what other workers left to them, and idle partitions are flagged
NUDGE_EVERY_S = 0.1
BEAT_EVERY_S = 1.0
#: how often the gauges of what is sold are read; a scrape sees them at most as old
BUSINESS_EVERY_S = 1.0
#: how often the dimensions are compared
CONSERVATION_EVERY_S = 3.0
#: how often something past its time is looked for; what is found is removed at its own pace
PURGE_EVERY_S = 0.5
REDRIVE_EVERY_S = 1.0
#: how soon imported rows are raised in the rankings, and missed where Redis went back
HISTORY_EVERY_S = 1.0
#: a stop that takes longer is ended by force; the fences make that safe
STOP_WITHIN_S = 20.0
#: what is given up for the end gets this long to let go
GIVEN_UP_WITHIN_S = 2.0


class Worker:
    """One worker. `await run()` returns the exit code of the process."""

    def __init__(self, settings: Settings, register_agents: RegisterAgents) -> None:
        self._settings = settings
        self._register_agents = register_agents
        self._rules = LiveRules(settings.rules)
        self._metrics = Metrics()
        self._health = Health()
        self._assembly: Assembly | None = None
        #: what the start waits for; None once the worker is up
        self._waits_for: str | None = "its servers"
        self._fault: Expected | None = None
        self._ended = asyncio.Event()
        self._leaving = threading.Event()
        #: tells workers apart in leases and logs; never used twice
        self.id = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"

    async def run(self) -> int:
        """Work until SIGTERM, SIGINT or a fault. Raises `Expected` with what the operator must do."""
        read_targets(self._settings.notify, os.environ)  # a mistake must show before anything is waited for
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ended.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        stop_serving = serve(self._settings.metrics, self._metrics, self._health)
        living = asyncio.create_task(self._live())
        try:
            await self._run()
        finally:
            living.cancel()
            stop_serving()
        if self._fault is not None:
            raise self._fault
        return 0

    async def _run(self) -> None:
        redis = redis_client(self._settings)
        try:
            if await self._before_the_end(self._until_ready(redis)):
                await self._with_producer(redis)
        except (KafkaError, RedisGone, RedisSilent) as error:
            raise ServerMissing(f"a server went away while the worker was starting ({error})") from error
        finally:
            await redis.aclose()

    async def _live(self) -> None:
        """Tell those who ask over HTTP what this loop sees, from the first moment to the last."""
        while True:
            self._health.beat(self._seen())
            await asyncio.sleep(BEAT_EVERY_S)

    def _seen(self) -> Seen:
        if self._assembly is None or self._waits_for is not None:
            return Seen(waits_for=self._waits_for)
        heartbeat, partitions = self._assembly.heartbeat, self._assembly.parts.intake.partitions
        return Seen(
            up=True,
            waits_for=None,
            redis_away=heartbeat.redis_away,
            kafka_away=heartbeat.kafka_away,
            partitions=tuple(partition_state(each) for each in partitions.values()),
        )

    async def _with_producer(self, redis: Redis) -> None:
        self._watch_the_end(STOP_WITHIN_S + GIVEN_UP_WITHIN_S)
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka,
            acks="all",
            linger_ms=5,
            request_timeout_ms=30_000,
            client_id=self.id,
        )
        self._waits_for = "the consumer group"
        await producer.start()
        assembly = assemble(
            Surroundings(self._settings, redis, producer, self.id, self._metrics, self._end, self._rules)
        )
        self._register_agents(assembly.app, assembly.parts)
        try:
            await self._work(assembly)
        finally:
            self._leaving.set()
            await self._close(assembly, producer)

    def _reload(self) -> None:
        """SIGHUP: read again what a running worker can change."""
        self._rules.reload()
        if self._assembly is not None:
            self._assembly.parts.notifying.reload(self._settings.notify)

    def _end(self, fault: Expected) -> None:
        """Ask the worker to end; the first fault is the one that is told."""
        self._fault = self._fault or fault
        self._ended.set()

    # -- before ----------------------------------------------------------------------------------
    async def _until_ready(self, redis: Redis) -> None:
        """Wait for both servers and check them; one that is gone by then (the other came late) is waited for again."""
        while True:
            self._waits_for = "Redis"
            await wait_for_redis(self._settings.redis)
            self._waits_for = "Kafka"
            await wait_for_kafka(self._settings.kafka)
            self._waits_for = "the checks of both servers"
            try:
                return await self._check(redis)
            except (ServerMissing, RedisGone, RedisSilent) as error:
                _log.warning("a server went away again before it was checked (%s)", error)
            await self._pause(BEAT_EVERY_S)

    async def _check(self, redis: Redis) -> None:
        await check_store(redis, self._settings)
        await check_layout(redis, self._settings)
        await check_scripts(redis, self._settings.group)
        await require_topics(self._settings)
        if not self._settings.feed:
            shards = range(self._settings.shards)
            await switched_off(redis, [shard_keys(self._settings.group, shard) for shard in shards])

    # -- during ----------------------------------------------------------------------------------
    async def _work(self, assembly: Assembly) -> None:
        if not await self._before_the_end(assembly.app.start()):
            return
        self._connect(assembly)
        self._assembly, self._waits_for = assembly, None
        self._metrics.worker_up.set(1)
        _log.info("worker %s is up", self.id)
        await asyncio.gather(
            self._every(BEAT_EVERY_S, assembly.heartbeat.beat),
            self._every(NUDGE_EVERY_S, assembly.heartbeat.flags),
            self._every(NUDGE_EVERY_S, lambda: _nudge(assembly.parts)),
            self._every(PURGE_EVERY_S, assembly.purger.work),
            self._every(REDRIVE_EVERY_S, lambda: self._redrive(assembly.redriver)),
            self._every(BUSINESS_EVERY_S, assembly.business.look),
            self._every(HISTORY_EVERY_S, assembly.milestones.work),
            self._every(HISTORY_EVERY_S, lambda: self._raise_history(assembly.history)),
            self._every(CONSERVATION_EVERY_S, assembly.conservation.look),
            self._watch(assembly.app),
        )

    def _connect(self, assembly: Assembly) -> None:
        """Give the intake and the heartbeat the consumer's thread, which exists once the app has started."""
        consumer = assembly.app.consumer
        assert isinstance(consumer, ChunkConsumer), "create_app sets our transport"
        assembly.parts.intake.reseek = consumer.thread.start_at
        assembly.heartbeat.ends = consumer.thread.ends
        assembly.heartbeat.commit = consumer.thread.commit_fences
        assembly.heartbeat.kafka_answers = self._kafka_answers

    async def _kafka_answers(self) -> bool:
        try:
            await kafka_cluster_id(self._settings.kafka)
        except ServerMissing:
            return False
        return True

    async def _every(self, pause_s: float, work: Callable[[], Awaitable[None]]) -> None:
        while not self._ended.is_set():
            try:
                await work()
            except (RedisError, OSError) as error:
                _log.debug("%r", error)  # the settles, which need the same Redis, say it
            except Expected as error:
                self._end(error)
            except Exception as error:  # a fault of ours must not end one of the loops in silence
                _log.exception("in the background")
                self._end(Expected(f"a background check failed: {error!r}"))
            await self._pause(pause_s)

    async def _redrive(self, redriver: Redriver) -> None:
        """It waits for Kafka, which may be away: an end need not wait for it, what is sent twice settles once."""
        await self._before_the_end(redriver.work())

    async def _raise_history(self, history: HistoryKeeper) -> None:
        """As above: it waits for Kafka, and raising twice is harmless."""
        await self._before_the_end(history.work())

    async def _watch(self, app: faust.App) -> None:
        """A crashed Faust keeps its process; ours ends."""
        while not self._ended.is_set():
            if app.crashed:
                self._end(Expected(f"Faust crashed: {app.crash_reason!r}"))
            await self._pause(NUDGE_EVERY_S)

    async def _pause(self, pause_s: float) -> None:
        try:
            await asyncio.wait_for(self._ended.wait(), pause_s)
        except TimeoutError:
            return

    async def _before_the_end(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Run `work`, but give it up when the worker is asked to end; says whether it got done."""
        task, ended = asyncio.ensure_future(work), asyncio.ensure_future(self._ended.wait())
        await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=GIVEN_UP_WITHIN_S)
            return False
        task.result()
        return True

    # -- after -----------------------------------------------------------------------------------
    async def _close(self, assembly: Assembly, producer: AIOKafkaProducer) -> None:
        """Stop within `STOP_WITHIN_S`, or leave by force: nothing that a stop does is needed for correctness."""
        self._waits_for = "its end"
        self._metrics.worker_up.set(0)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await assembly.app.stop()
                await assembly.parts.intake.close()
                await assembly.detector.release()
                await assembly.purger.release()
                await assembly.redriver.close()
                await assembly.history.close()
                await assembly.publisher.close()
                await assembly.feed.close()
                await assembly.parts.notifying.close()
                await producer.stop()
        except Exception as error:  # whatever hangs or fails now, the exit code is what counts
            self._leave_by_force(str(error) or type(error).__name__)

    def _watch_the_end(self, seconds: float) -> None:
        """End the process so long after `_leaving`, also if something blocks the loop, or keeps Python's threads.

        The thread of the Kafka client is no daemon, and a broker that fell silent can hold it for minutes. Ours is
        started long before it is needed: a process without memory starts none.
        """

        def leave() -> None:
            self._leaving.wait()
            time.sleep(seconds)
            self._leave_by_force("the process did not end by itself")

        threading.Thread(target=leave, name="end", daemon=True).start()

    def _leave_by_force(self, why: str) -> None:
        try:
            _log.warning("stopped by force: %s", why)
            if self._fault is not None:  # perhaps nobody else is left to tell it
                _log.error("%s", self._fault)
            logging.shutdown()
        finally:
            os._exit(self._fault.exit_code if self._fault else 0)


def partition_state(partition: Partition) -> PartitionState:
    """A partition as /readyz tells of it."""
    lag = None if partition.end is None else max(0, partition.end - partition.low)
    return PartitionState(partition.tp.topic, partition.tp.partition, partition.low, lag, partition.stopped)


async def _nudge(parts: Parts) -> None:
    for channel in (parts.peaks, parts.records, parts.alerts, parts.notify, parts.tallies):
        channel.nudge()
