"""One run: a plan, the servers, the workers, whoever restarts them, and the last word on how it ended."""

from __future__ import annotations

import asyncio
import random as global_random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from random import Random
from types import SimpleNamespace
from unittest.mock import patch

from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition

from streams.errors import Expected, LogReplaced, StoreFault, StoreRefused, WorkerStuck
from streams.topics import ALERTS, LIVE_SESSIONS, ORDERS
from tests.simulation.check import Checker
from tests.simulation.clients import SimLookup, SimProducer, SimReader
from tests.simulation.faults import Faults
from tests.simulation.kafka import AWAY, Group, Log, Rec, SimKafka, Weather
from tests.simulation.loop import Deadlock, VirtualLoop
from tests.simulation.plan import LOG_KINDS, ORDER_PARTITIONS, Arrival, Plan
from tests.simulation.process import bury
from tests.simulation.redis import SimRedis, Trouble
from tests.simulation.scripts import Scripts
from tests.simulation.store import SimStore
from tests.simulation.worker import SimWorker

#: 2025-01-02 00:00 in Shanghai, when the simulation's clock begins
_CLOCK_MS = 1_735_747_200_000
#: how long a run may take to drain once the faults have ended
_DRAIN_S = 150.0
_SCRIPTS = Scripts()


@cache
def _text(package: str, name: str) -> str:
    return (files(package) / name).read_text("utf-8")


class _Package:
    """The files of a package, each read once: every worker asks for all scripts."""

    def __init__(self, package: str) -> None:
        self._package = package

    def __truediv__(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(read_text=lambda encoding: _text(self._package, name))


class Wrong(AssertionError):
    """The run did not end as it must. The text has the seed, what is wrong and what happened."""


@dataclass
class World:
    """Everything that is there in one run."""

    plan: Plan
    show: bool = False
    changed: Callable[[str], str] = lambda text: text
    steps: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    workers: list[SimWorker] = field(default_factory=list)
    stops: list[Expected] = field(default_factory=list)
    named: int = 0
    quiet: bool = False
    refused_log: bool = False

    def __post_init__(self) -> None:
        self.loop = VirtualLoop()
        self.random = Random(self.plan.seed + 1)
        self.store = SimStore(self.clock_ms)
        self.redis = SimRedis(self.random, _SCRIPTS, self.store, self.trace, self.plan.trouble)
        logs = {TopicPartition(ORDERS, number): Log() for number in range(ORDER_PARTITIONS)}
        logs[TopicPartition(LIVE_SESSIONS, 0)] = Log()
        self.kafka = SimKafka(self.random, self.trace, self.plan.weather, logs, live=self.plan.live)
        self.group = Group(self.kafka)
        self.by_name: dict[str, SimWorker] = {}
        self._fences: dict[bytes, tuple[int, int]] = {}
        self.store.watch = self._fence_moved
        self.checker = Checker(self)
        self.faults = Faults(self)

    # -- time, and what is told ----------------------------------------------------------------------
    def clock_ms(self) -> float:
        """The wall clock of every machine."""
        return _CLOCK_MS + self.loop.time() * 1000

    def trace(self, line: str) -> None:
        """Note one step."""
        if self.show:
            self.steps.append(f"{self.loop.time():8.3f}  {line}")

    def _fence_moved(self, key: bytes, next: int) -> None:
        history, before = self._fences.get(key, (0, -1))
        if history == self.redis.history and next < before:
            self.problems.append(f"{key!r} fell from {before} to {next} without a loss of writes")
        self._fences[key] = self.redis.history, next

    # -- the run -------------------------------------------------------------------------------------
    def run(self) -> None:
        """Play the plan to its end. Raises `Wrong`."""
        before = global_random.getstate()
        global_random.seed(self.plan.seed)
        try:
            with ExitStack() as patches:
                for name, value in self._replaced():
                    patches.enter_context(patch(name, value, create=True))
                self.loop.run(self._play())
        except Deadlock:
            self.problems.append("everything waits for something that nobody will do")
        finally:
            global_random.setstate(before)
            bury()
        self.problems += [str(each.get("exception") or each["message"]) for each in self.loop.unhandled]
        if self.problems:
            raise Wrong("\n".join([f"seed={self.plan.seed}", *self.problems[:12], *self.steps]))

    def _replaced(self) -> list[tuple[str, object]]:
        """What the production code takes from its modules: clocks, and Kafka clients that it makes itself."""
        clock = self.loop.time
        wall = SimpleNamespace(time=lambda: self.clock_ms() / 1000, monotonic=clock, perf_counter=clock)

        def producer(bootstrap_servers: str, **_: object) -> SimProducer:
            return SimProducer(self.kafka, self.by_name[bootstrap_servers].process, self.clock_ms)

        def reader(topic: str = ALERTS, *, bootstrap_servers: str, **_: object) -> SimReader:
            return SimReader(self.kafka, self.by_name[bootstrap_servers].process, topic)

        def lookup(bootstrap_servers: str, **_: object) -> SimLookup:
            return SimLookup(self.kafka, self.by_name[bootstrap_servers].process)

        return [
            ("streams.scripts.files", _Package),
            ("streams.intake.redriver.AIOKafkaConsumer", lookup),
            ("streams.intake.intake.time", wall),
            ("streams.intake.transport.time", wall),
            ("streams.intake.heartbeat.monotonic", clock),
            ("streams.marking.perf_counter", clock),
            ("streams.marks.lease.monotonic", clock),
            ("streams.outbox.publisher.time", wall.time),
            ("streams.outbox.publisher.AIOKafkaProducer", producer),
            ("streams.outbox.published.AIOKafkaConsumer", reader),
            ("streams.intake.path.MAX_ROWS", self.plan.max_rows),
        ]

    async def _play(self) -> None:
        for number in range(self.plan.workers):
            self.loop.call_later(number * self.random.random(), self.new_worker)
        produced = asyncio.ensure_future(self._produce())
        for fault in self.plan.faults:
            await self._until(fault.at_s)
            self.faults.happen(fault)
            if self.refused_log:
                break
        await produced
        await self._until(self.plan.faults_until_s)
        self._calm_down()
        await self.checker.wait_and_check(_DRAIN_S)

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self.loop.time()))

    async def _produce(self) -> None:
        for arrival in self.plan.arrivals:
            await self._until(arrival.at_s)
            self.append(arrival)
        if any(arrival.skip for arrival in self.plan.arrivals):
            for log in self.kafka.logs.values():
                log.mark()

    def append(self, arrival: Arrival) -> None:
        """Put a record at the end of its log."""
        log = self.kafka.logs[TopicPartition(arrival.topic, arrival.partition)]
        log.append(Rec(log.end + arrival.skip, arrival.arrival_ms, arrival.key, arrival.value))

    def _calm_down(self) -> None:
        """No more faults: everything is there, everybody runs."""
        self.trace("-- quiet from here on")
        self.quiet = True
        weather = self.plan.weather
        self.redis.trouble, self.redis.down, self.redis.trap = Trouble(), False, None
        self.kafka.weather, self.kafka.down = Weather(weather.longest_s, weather.longest_run), False
        for worker in list(self.workers):
            self.resume(worker)
        if not self.workers:
            self.new_worker()

    # -- workers -------------------------------------------------------------------------------------
    def new_worker(self) -> None:
        """Start a process."""
        self.named += 1
        name = f"worker-{self.named}"
        self.trace(f"{name} starts")
        worker = SimWorker(
            name,
            self.plan,
            self.redis,
            self.kafka,
            self.group,
            self.clock_ms,
            self._ended,
            self.changed,
        )
        self.by_name[name] = worker
        self.workers.append(worker)
        worker.start()

    def remove(self, worker: SimWorker, session_s: float) -> None:
        """A process is gone; the group notices `session_s` later."""
        worker.die()
        self.workers.remove(worker)
        self.loop.call_later(session_s, self.group.leave, worker)

    def _ended(self, worker: SimWorker, error: Expected) -> None:
        """A worker asked to end: do what its message says, then start another."""
        self.trace(f"{worker.name} ends: {type(error).__name__}: {error}")
        self.stops.append(error)
        self.remove(worker, 0.0)
        if isinstance(error, LogReplaced):
            self.refused_log = True
            if not self.log_lost():
                self.problems.append(f"stopped for a log that is whole: {error}")
            return
        if isinstance(error, StoreFault | StoreRefused):
            if not self._excused(error):
                self.problems.append(f"stopped without cause: {error}")
            if "flush this application's keys" in str(error) or isinstance(error, StoreRefused):
                self.trace("the operator flushes")
                self.redis.flush()
        elif not isinstance(error, WorkerStuck) and not self._broker_was_asked(error):
            self.problems.append(f"a fault of ours: {error}")
        self.loop.call_later(1.0 + self.random.random(), self.new_worker)

    def _excused(self, error: Expected) -> bool:
        """Whether something was done to the store that may end a worker."""
        return self.redis.sprung > 0 or any(
            fault.kind in ("flush", "redis back", "shard back") for fault in self.plan.faults
        )

    def _broker_was_asked(self, error: Expected) -> bool:
        """Whether it ended because a question to Kafka was not answered: it comes back, and nothing was counted."""
        return repr(KafkaConnectionError(AWAY)) in str(error)

    def log_lost(self) -> bool:
        """Whether records that were there are not any more."""
        return any(fault.kind in LOG_KINDS for fault in self.plan.faults)

    def resume(self, worker: SimWorker) -> None:
        """Wake a process, which takes a moment to hear that its partitions are another's."""
        if worker.process.paused:
            self.trace(f"{worker.name} goes on")
            worker.process.go_on()
            if worker.process.alive and not self.group.has(worker):
                self.loop.call_later(self.random.random(), self._rejoin, worker)

    def _rejoin(self, worker: SimWorker) -> None:
        if worker.process.alive:
            self.group.join(worker)


def play(plan: Plan, show: bool = False, changed: Callable[[str], str] = lambda text: text) -> World:
    """Play a plan to its end; returns the world as it is then. Raises `Wrong`."""
    world = World(plan, show, changed)
    world.run()
    return world
