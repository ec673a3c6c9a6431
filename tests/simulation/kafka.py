"""A Kafka of the simulation: logs as lists, and the group that deals them to its members."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition

from tests.simulation.process import Process

#: what a question to it is answered with while it is not there
AWAY = "the broker is away"


class Rec(NamedTuple):
    """A record, with the fields of aiokafka's that are looked at."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = 0


@dataclass
class Log:
    """One partition. Offsets grow, with gaps where a topic is compacted or transactional."""

    records: list[Rec] = field(default_factory=list)
    first: int = 0
    end: int = 0
    #: what retention has removed
    expired: list[Rec] = field(default_factory=list)
    #: nothing comes behind what is there: others in the place of lost records are not seen by whoever reads on
    closed: bool = False

    def append(self, record: Rec) -> None:
        if self.closed:
            return
        self.records.append(record)
        self.end = record.offset + 1

    def mark(self) -> None:
        """A commit marker at the end: an offset without a record, and nothing behind it."""
        self.end += not self.closed

    def at(self, offset: int) -> int:
        """The place in `records` of the first at or behind `offset`."""
        return bisect_left(self.records, offset, key=lambda record: record.offset)


@dataclass
class Weather:
    """How a broker misbehaves; chances of one fetch or one produced record."""

    longest_s: float = 0.05
    longest_run: int = 8
    hole_once: float = 0.0
    slow: float = 0.0
    ack_lost: float = 0.0
    refused: float = 0.0


@dataclass
class SimKafka:
    """The broker: `logs` are the inputs, `out` the records of the topics that the program writes."""

    random: Random
    trace: Callable[[str], None]
    weather: Weather = field(default_factory=Weather)
    logs: dict[TopicPartition, Log] = field(default_factory=dict)
    out: dict[str, list[Rec]] = field(default_factory=dict)
    down: bool = False
    #: whether records arrive while the run goes on, and how many the program has put there itself
    live: bool = True
    driven: int = 0
    #: records that were left out of an answer once
    left_out: set[tuple[TopicPartition, int]] = field(default_factory=set)

    async def ask(self, process: Process) -> None:
        """One round trip. Raises `KafkaConnectionError` now and then while the broker is away."""
        await process.passes()
        await asyncio.sleep(self.random.random() * self.weather.longest_s)
        while self.down:
            if self.random.random() < 0.3:
                raise KafkaConnectionError(AWAY)
            await asyncio.sleep(0.5)
        await process.passes()


class Member:
    """What the group knows of a consumer: `told(generation, partitions)` is called in the middle of anything."""

    def told(self, generation: int, partitions: set[TopicPartition]) -> None:
        raise NotImplementedError


class Group:
    """Deals the partitions to its members. A member that is paused keeps what it had until it is told otherwise."""

    def __init__(self, kafka: SimKafka) -> None:
        self._kafka = kafka
        self._members: list[Member] = []
        self._generation = 0

    def join(self, member: Member) -> None:
        if member not in self._members:
            self._members.append(member)
        self.rebalance()

    def leave(self, member: Member) -> None:
        if member in self._members:
            self._members.remove(member)
            self.rebalance()

    def has(self, member: Member) -> bool:
        return member in self._members

    def rebalance(self) -> None:
        self._generation += 1
        partitions = sorted(self._kafka.logs)
        self._kafka.random.shuffle(partitions)
        for number, member in enumerate(self._members):
            member.told(self._generation, set(partitions[number :: len(self._members)]))
