"""What else asks Kafka: producers, and consumers without a group. Each belongs to one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import TopicPartition

from tests.simulation.kafka import Rec, SimKafka
from tests.simulation.process import Process


class SimProducer:
    """A producer of one process: sends are acknowledged, or not, some time later."""

    def __init__(self, kafka: SimKafka, process: Process, now_ms: Callable[[], float]) -> None:
        self._kafka = kafka
        self._process = process
        self._now_ms = now_ms
        #: the publisher tells the real client not to send again by itself; this one never does
        self._message_accumulator = SimpleNamespace()

    async def start(self) -> None:
        await self._kafka.ask(self._process)

    async def stop(self) -> None:
        """Nothing is held."""

    async def send(
        self, topic: str, value: bytes | None = None, key: bytes | None = None, headers: Any = (), **_: Any
    ) -> asyncio.Future[Rec]:
        return asyncio.ensure_future(self._send(topic, Rec(0, 0, key, value, tuple(headers))))

    async def _send(self, topic: str, record: Rec) -> Rec:
        kafka = self._kafka
        await self._process.passes()
        chance = kafka.random.random()
        await asyncio.sleep(kafka.random.random() * kafka.weather.longest_s)
        if kafka.down or chance < kafka.weather.refused:
            await asyncio.sleep(1.0)
            raise KafkaTimeoutError("not acknowledged, and not taken")
        log = kafka.out.setdefault(topic, [])
        record = record._replace(offset=len(log), timestamp=int(self._now_ms()))
        log.append(record)
        await asyncio.sleep(kafka.random.random() * kafka.weather.longest_s)
        await self._process.passes()
        if chance > 1 - kafka.weather.ack_lost:
            kafka.trace(f"kafka: {topic} took a record, the answer got lost")
            raise KafkaTimeoutError("not acknowledged, but taken")
        return record

    async def send_and_wait(self, topic: str, partition: int, timestamp_ms: int, **record: Any) -> None:
        """Append to an input, arriving at the time of the last that is there, as if no time had passed."""
        kafka, chance = self._kafka, self._kafka.random.random()
        await kafka.ask(self._process)
        if chance < kafka.weather.refused:
            raise KafkaTimeoutError("not acknowledged, and not taken")
        log = kafka.logs[TopicPartition(topic, partition)]
        logs = kafka.logs.values() if kafka.live else [log]
        arrival_ms = max(each.records[-1].timestamp for each in logs if each.records)
        kafka.trace(f"driven again: {topic}/{partition} at {log.end}")
        kafka.driven += 1
        log.append(Rec(log.end, arrival_ms, record["key"], record["value"], tuple(record["headers"])))
        await kafka.ask(self._process)
        if chance > 1 - kafka.weather.ack_lost:
            raise KafkaTimeoutError("not acknowledged, but taken")


class SimLookup:
    """A consumer of single records, as `Redriver` uses it."""

    def __init__(self, kafka: SimKafka, process: Process) -> None:
        self._kafka = kafka
        self._process = process
        self._offset = 0

    async def start(self) -> None:
        await self._kafka.ask(self._process)

    async def stop(self) -> None:
        """Nothing is held."""

    def assign(self, partitions: list[TopicPartition]) -> None:
        """One partition at a time is asked."""

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        await self._kafka.ask(self._process)
        return {each: self._kafka.logs[each].first for each in partitions}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._offset = offset

    async def getone(self, partition: TopicPartition) -> Rec:
        await self._kafka.ask(self._process)
        log = self._kafka.logs[partition]
        while log.at(self._offset) == len(log.records):  # noqa: ASYNC110 (it may never come)
            await asyncio.sleep(0.5)
        return log.records[log.at(self._offset)]


class SimReader:
    """A consumer of the topic of alerts, as `Published` uses it."""

    def __init__(self, kafka: SimKafka, process: Process, topic: str) -> None:
        self._kafka = kafka
        self._process = process
        self._topic = topic
        self._partition = TopicPartition(topic, 0)
        self._position = 0
        self._end: int | None = None
        self._answers = 0

    async def start(self) -> None:
        await self._kafka.ask(self._process)

    async def stop(self) -> None:
        """Nothing is held."""

    def assignment(self) -> set[TopicPartition]:
        return {self._partition}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._position = offset

    def assign(self, partitions: list[TopicPartition]) -> None:
        """There is but one."""

    async def getmany(
        self, *_: TopicPartition, timeout_ms: int, max_records: int = 50
    ) -> dict[TopicPartition, list[Rec]]:
        await self._kafka.ask(self._process)
        log = self._kafka.out.get(self._topic, [])
        run = log[self._position : self._position + self._kafka.random.randint(1, max_records)]
        self._position, self._end = self._position + len(run), len(log)
        self._answers += 1
        return {self._partition: run}

    def highwater(self, partition: TopicPartition) -> int | None:
        return self._end

    def last_poll_timestamp(self, partition: TopicPartition) -> int:
        return self._answers

    async def position(self, partition: TopicPartition) -> int:
        return self._position
