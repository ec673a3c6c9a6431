"""Faults as they happen to a world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka.structs import TopicPartition

from tests.simulation.plan import Fault
from tests.simulation.redis import Trap
from tests.simulation.worker import SimWorker

if TYPE_CHECKING:
    from tests.simulation.world import World

#: processes at one time
_MOST_WORKERS = 4


class Faults:
    """Lets the faults of a plan happen."""

    def __init__(self, world: World) -> None:
        self._world = world

    def happen(self, fault: Fault) -> None:
        """Let one fault happen."""
        self._world.trace(f"!! {fault.kind} {fault.who} for {fault.long_s} s, {fault.far}, {fault.error}")
        {
            "kill": self._kill,
            "pause": self._pause,
            "leave": self._leave,
            "join": lambda fault: self._world.new_worker() if len(self._world.workers) < _MOST_WORKERS else None,
            "rebalance": lambda fault: self._world.group.rebalance(),
            "redis away": self._redis_away,
            "redis back": lambda fault: self._world.redis.go_back(fault.far),
            "shard back": self._shard_back,
            "flush": lambda fault: self._world.redis.flush(),
            "kafka away": self._kafka_away,
            "trap": self._trap,
            "truncate": self._truncate,
            "rewrite": self._rewrite,
            "retention": self._retention,
        }[fault.kind](fault)

    def _one(self, fault: Fault) -> SimWorker | None:
        return self._world.workers[fault.who % len(self._world.workers)] if self._world.workers else None

    def _kill(self, fault: Fault) -> None:
        if worker := self._one(fault):
            self._world.remove(worker, fault.long_s)
            self._world.loop.call_later(fault.long_s * fault.far, self._world.new_worker)

    def _pause(self, fault: Fault) -> None:
        worker = self._one(fault)
        if worker is None or worker.process.paused:
            return
        worker.process.pause()
        self._world.loop.call_later(fault.long_s, self._world.resume, worker)
        self._world.loop.call_later(fault.long_s * fault.far * 0.9, self._expelled, worker)

    def _expelled(self, worker: SimWorker) -> None:
        if worker.process.paused:
            self._world.group.leave(worker)

    def _leave(self, fault: Fault) -> None:
        if (worker := self._one(fault)) and len(self._world.workers) > 1:
            self._world.remove(worker, 0.0)

    def _redis_away(self, fault: Fault) -> None:
        self._world.redis.down = True
        self._world.loop.call_later(fault.long_s, setattr, self._world.redis, "down", False)

    def _shard_back(self, fault: Fault) -> None:
        self._world.redis.go_back(fault.far, only=b"sim:{%d}:" % (fault.who % self._world.plan.shards))

    def _kafka_away(self, fault: Fault) -> None:
        self._world.kafka.down = True
        self._world.loop.call_later(fault.long_s, setattr, self._world.kafka, "down", False)

    def _trap(self, fault: Fault) -> None:
        self._world.redis.trap = Trap(1 + int(fault.far * 40) + fault.who, fault.error)

    # -- logs that are not the ones that were counted --------------------------------------------------
    def _biggest(self) -> TopicPartition:
        return max(self._world.kafka.logs, key=lambda each: len(self._world.kafka.logs[each].records))

    def _truncate(self, fault: Fault) -> None:
        """The end of a log is gone, and nothing comes behind it."""
        log = self._world.kafka.logs[self._biggest()]
        log.closed = True
        keep = len(log.records) // 2
        log.records = log.records[:keep]
        log.end = log.records[-1].offset + 1 if log.records else log.first

    def _rewrite(self, fault: Fault) -> None:
        """All workers end, and a log has other records in the end than they read."""
        for worker in list(self._world.workers):
            self._world.remove(worker, 0.0)
        log = self._world.kafka.logs[self._biggest()]
        log.closed = True
        log.records = [
            record._replace(timestamp=record.timestamp + 1) if at >= len(log.records) // 3 else record
            for at, record in enumerate(log.records)
        ]
        self._world.new_worker()

    def _retention(self, fault: Fault) -> None:
        """All workers are away until the oldest half of a log is gone."""
        for worker in list(self._world.workers):
            self._world.remove(worker, 0.0)
        log = self._world.kafka.logs[self._biggest()]
        half = len(log.records) // 2
        log.expired, log.records = log.records[:half], log.records[half:]
        log.first = log.records[0].offset if log.records else log.end
        self._world.new_worker()
