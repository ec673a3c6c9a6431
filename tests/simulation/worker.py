"""A worker of the simulation: the real parts, put together as `streams/assembly.py` does, over simulated servers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from faust.types import TP
from redis.exceptions import RedisError

from streams.connect import _refuse_foreign
from streams.errors import Expected
from streams.intake.admission import admit_order, admit_session
from streams.intake.chunk import Chunk
from streams.intake.heartbeat import Heartbeat
from streams.intake.intake import WorkerIntake
from streams.intake.ledger import ReadingLedger
from streams.intake.opening import Opener
from streams.intake.order_store import OrderRules
from streams.intake.path import Path
from streams.intake.redriver import Redriver
from streams.intake.rejects import RejectsTopic
from streams.intake.store_calls import Patience
from streams.intake.transport import ChunkThread, LogReader
from streams.keys import Keys, shard_keys
from streams.marking import Marking
from streams.marks.detector import Detector
from streams.outbox.publisher import Publisher
from streams.settings import Settings
from streams.startup import check_layout, claim_again
from streams.topics import ALERTS, LIVE_SESSIONS, ORDERS, REJECTS
from tests.simulation.clients import SimProducer
from tests.simulation.consumer import SimConsumer
from tests.simulation.kafka import Group, Member, SimKafka
from tests.simulation.process import Process
from tests.simulation.redis import SimRedis
from tests.simulation.redis_client import SimClient

GROUP = "sim"
#: chunks of one topic that may wait, as in `streams/app.py`
_WAITING = 2


class Nothing:
    """Metrics that nobody reads."""

    def __getattr__(self, name: str) -> Nothing:
        return self

    def __call__(self, *_: object, **__: object) -> Nothing:
        return self


class SimThread(ChunkThread):
    """The real transport's bookkeeping over a simulated consumer, in the loop instead of a thread."""

    def __init__(self, worker: SimWorker, consumer: SimConsumer) -> None:
        self.ledger = ReadingLedger()
        self.app = worker.app
        self.consumer = worker.flow
        self.transport = SimpleNamespace(intake=worker.intake)
        self._worker = worker
        self._sim_consumer = consumer

    def _ensure_consumer(self) -> Any:
        return self._sim_consumer

    async def _drained(self, consumer: Any, partitions: set[Any], timeout_s: float) -> Any:
        return await consumer._fetcher.fetched_records(partitions, timeout=timeout_s)

    async def call_thread(self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        await self._worker.process.passes()
        return await fun(*args, **kwargs)


class SimOpener(Opener):
    """The real opener; fresh partitions have moved at the simulation's time, not the machine's."""

    async def open(self, tps: Iterable[TP], log: LogReader) -> dict[TP, Any]:
        opened = await super().open(tps, log)
        for partition, _ in opened.values():
            partition.moved_at = asyncio.get_running_loop().time()
        return opened


class SimWorker(Member):
    """One worker. `ended(worker, error)` is called once if it asks to end; then it dies a moment later."""

    def __init__(
        self,
        name: str,
        plan: Any,
        redis: SimRedis,
        kafka: SimKafka,
        group: Group,
        clock_ms: Callable[[], float],
        ended: Callable[[SimWorker, Expected], None],
        changed: Callable[[str], str],
    ) -> None:
        self.name = name
        self.process = Process(name)
        self.fault: Expected | None = None
        self.app = SimpleNamespace(consumer_generation_id=0)
        self.flow = SimpleNamespace(flow_active=False)
        self._plan = plan
        self._random: Random = kafka.random
        self._kafka = kafka
        self._group = group
        self._ended = ended
        self._clock_ms = clock_ms
        self._tasks: list[asyncio.Task[None]] = []
        self._queues: dict[str, asyncio.Queue[Chunk]] = {
            topic: asyncio.Queue(_WAITING) for topic in (ORDERS, LIVE_SESSIONS)
        }
        self._news = asyncio.Event()
        self._flowing = asyncio.Event()
        self._told: tuple[int, set[TopicPartition]] = (0, set())
        self.settings = Settings(group=GROUP, shards=plan.shards)
        self.keys: list[Keys] = [shard_keys(GROUP, shard) for shard in range(plan.shards)]
        self.redis = SimClient(redis, self.process, changed)
        self._assemble()

    def _assemble(self) -> None:
        plan, redis, kafka, keys = self._plan, self.redis, self._kafka, self.keys
        metrics: Any = Nothing()
        zone = self.settings.zone
        patience, meter = Patience(metrics.inc), metrics
        self._producer = SimProducer(kafka, self.process, self._clock_ms)
        admit = {ORDERS: admit_order, LIVE_SESSIONS: admit_session}
        rejects = RejectsTopic(self._producer, REJECTS)
        orders = OrderRules(zone, plan.refund_ms, plan.order_index)
        # nobody reads the feed here
        path = Path(redis, keys, orders, admit, rejects, patience, meter, feed=False)  # type: ignore[arg-type]
        claim = partial(claim_again, redis, self.settings)  # type: ignore[arg-type]
        clock_ms = lambda: int(self._clock_ms())  # noqa: E731
        opener = SimOpener(redis, keys, plan.dedupe_ms, claim, clock_ms)  # type: ignore[arg-type]
        self.intake = WorkerIntake(opener, path, patience, meter, plan.reject_limit, self._fatal, 0, plan.chunk_records)
        self.intake.put = {topic: self._putter(topic) for topic in self._queues}
        self.intake.settled = lambda: None
        self._consumer = SimConsumer(kafka, self.process, (ORDERS, LIVE_SESSIONS), self._clock_ms)
        self.thread = SimThread(self, self._consumer)
        self.intake.reseek = self.thread.start_at
        self.heartbeat = Heartbeat(redis, keys, self.intake, patience, meter)  # type: ignore[arg-type]
        self.heartbeat.ends = self.thread.ends
        self.heartbeat.commit = self.thread.commit_fences
        self.heartbeat.kafka_answers = self._kafka_answers
        detector = Detector(
            redis,  # type: ignore[arg-type]
            keys,
            zone,
            plan.lateness_ms,
            plan.min_history,
            0,
            ORDERS,
            self.name,
            clock_ms,
        )
        self.redriver = Redriver(redis, keys, self.name, self._producer, ORDERS, self.name, lambda: None)  # type: ignore[arg-type]
        publisher = Publisher(redis, keys, self.name, ALERTS, self.name, zone)  # type: ignore[arg-type]
        self.marking = Marking(
            detector,
            publisher,
            plan.shards,
            metrics,
            self.intake.behind,
            lambda: None,
            self._fatal,
        )

    async def _kafka_answers(self) -> bool:
        await self.process.passes()
        return not self._kafka.down

    # -- life --------------------------------------------------------------------------------------
    def start(self) -> None:
        """Begin, as `streams/worker.py` does once both servers answer."""
        self._task(self._begin())

    async def _begin(self) -> None:
        if not await self._checked():
            return
        self._group.join(self)
        self._task(self._follow())
        self._task(self._drain())
        for topic in self._queues:
            self._task(self._agent(topic))
        plan = self._plan
        self._task(self._every(1.0, self.heartbeat.beat))
        self._task(self._every(plan.marking_s, self.redriver.work))
        self._task(self._every(plan.flags_s, self.heartbeat.flags))
        self._task(self._every(plan.marking_s, self.marking.peaks))
        self._task(self._every(plan.marking_s, self.marking.records))
        self._task(self._every(plan.marking_s, self.marking.publish))

    async def _checked(self) -> bool:
        while True:
            try:
                await _refuse_foreign(self.redis, "Redis")  # type: ignore[arg-type]
                await check_layout(self.redis, self.settings)  # type: ignore[arg-type]
                return True
            except Expected as error:
                self._fatal(error)
                return False
            except (RedisError, OSError):
                await asyncio.sleep(1.0)

    def _task(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._died)
        self._tasks.append(task)

    def _died(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._fatal(Expected(f"a task died: {error!r}"))

    def _fatal(self, error: Expected) -> None:
        if self.process.alive and self.fault is None:
            self.fault = error
            asyncio.get_running_loop().call_later(self._random.random() * 0.3, self._end)

    def _end(self) -> None:
        if self.process.alive:
            self.die()
            assert self.fault is not None
            self._ended(self, self.fault)

    def die(self) -> None:
        """Be gone at once, wherever its tasks stand; the group notices by itself."""
        self.process.kill()

    async def _every(self, pause_s: float, work: Callable[[], Awaitable[Any]]) -> None:
        await asyncio.sleep(self._random.random() * pause_s)
        while True:
            await self.process.passes()
            try:
                await work()
            except (RedisError, OSError, KafkaError):
                pass
            except Expected as error:
                self._fatal(error)
            except Exception as error:  # as in streams/worker.py
                self._fatal(Expected(f"a background check failed: {error!r}"))
            await asyncio.sleep(pause_s * (0.5 + self._random.random()))

    # -- the group ---------------------------------------------------------------------------------
    def told(self, generation: int, partitions: set[TopicPartition]) -> None:
        """The group deals anew."""
        self._told = generation, partitions
        self._news.set()

    async def _follow(self) -> None:
        while True:
            await self._news.wait()
            await self._pass_time()
            self._news.clear()
            await self._reassign(*self._told)

    async def _reassign(self, generation: int, partitions: set[TopicPartition]) -> None:
        self.flow.flow_active = False
        self._flowing.clear()
        subscriptions = self._consumer.subscriptions
        subscriptions.reassignment_in_progress = True
        await self._pass_time()
        self.app.consumer_generation_id = generation
        self._consumer.assign(partitions)
        subscriptions.reassignment_in_progress = False
        await self._pass_time()
        if self._news.is_set():
            return
        await self.thread.seek_to_committed()
        if not self._news.is_set():
            self.flow.flow_active = True
            self._flowing.set()

    async def _pass_time(self) -> None:
        await asyncio.sleep(self._random.random() * 0.2)
        await self.process.passes()

    # -- chunks ------------------------------------------------------------------------------------
    async def _drain(self) -> None:
        """As `ChunkConsumer._drain_messages`."""
        while True:
            await self._flowing.wait()
            await self.process.passes()
            fetched = await self.thread._fetch_records(
                self._consumer, set(self._consumer.assignment()), timeout=self._plan.fetch_s
            )
            for chunk in fetched.values():
                if not self.flow.flow_active:
                    break
                await self.intake.deliver(chunk)
            if not fetched:
                await asyncio.sleep(0.01 if self._consumer.assignment() else self._plan.fetch_s)

    def _putter(self, topic: str) -> Callable[[Chunk], Awaitable[None]]:
        async def put(chunk: Chunk) -> None:
            queue = self._queues[topic]
            while queue.full():
                await asyncio.sleep(0.02)
                if not self.flow.flow_active:
                    return  # Faust ends the wait when the flow stops
            queue.put_nowait(chunk)

        return put

    async def _agent(self, topic: str) -> None:
        while True:
            chunk = await self._queues[topic].get()
            await self.process.passes()
            await self.intake.accept(chunk)
