"""Which partitions the input has, as the producer's metadata says."""

import asyncio

import pytest
from aiokafka.errors import KafkaTimeoutError

from streams.retention.partitions import InputPartitions


class Producer:
    """Knows the partitions of topics, or fails."""

    def __init__(self, known: dict[str, set[int] | Exception]) -> None:
        self._known = known

    async def partitions_for(self, topic: str) -> set[int]:
        known = self._known[topic]
        if isinstance(known, Exception):
            raise known
        return known


class SilentProducer:
    """Never answers."""

    async def partitions_for(self, topic: str) -> set[int]:
        await asyncio.Event().wait()
        raise AssertionError


TOPICS = ("orders", "live-sessions")


async def test_all_partitions_of_all_topics() -> None:
    producer = Producer({"orders": {0, 1}, "live-sessions": {0}})
    assert await InputPartitions(producer, TOPICS).all() == {("orders", 0), ("orders", 1), ("live-sessions", 0)}


async def test_a_kafka_that_does_not_say_is_no_answer() -> None:
    producer = Producer({"orders": {0, 1}, "live-sessions": KafkaTimeoutError()})
    assert await InputPartitions(producer, TOPICS).all() is None


async def test_a_kafka_that_is_silent_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.retention.partitions._ANSWER_WITHIN_S", 0.0)
    assert await InputPartitions(SilentProducer(), TOPICS).all() is None
