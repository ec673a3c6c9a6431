"""Early refunds are driven again past what does not work: a log that moved on, a record too large, no answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from redis.asyncio import Redis

from streams.intake import redriver as module
from streams.intake.redriver import BATCH, Redriver
from streams.keys import shard_keys
from streams.tally.fence import partition_member
from tests.streams.intake.making import ORDERS, Rec

KEYS = [shard_keys("test", 0)]


class FakeConsumer:
    """Gives records of a log that begins at `first`; those in `silent` never come."""

    def __init__(self, log: dict[int, Rec], first: int = 0, silent: int = -1) -> None:
        self.log, self.first, self.silent, self.stopped = log, first, silent, False

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.at = -1

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.at = offset

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.first)

    async def getone(self, partition: TopicPartition) -> Rec:
        if self.at == self.silent:
            await asyncio.Event().wait()
        return self.log[self.at]

    async def stop(self) -> None:
        self.stopped = True


class FakeProducer:
    """Keeps what it is sent; a value of `large` is too large, `away` is what it is otherwise answered."""

    def __init__(self, away: Exception | None = None) -> None:
        self.away, self.sent = away, list[dict[str, Any]]()

    async def send_and_wait(self, topic: str, **record: Any) -> None:
        if record["value"] == b"large":
            raise MessageSizeTooLargeError
        if self.away is not None:
            raise self.away
        self.sent.append({"topic": topic, **record})


def log_of(count: int, **headers: list[tuple[str, Any]]) -> dict[int, Rec]:
    return {at: Rec(at, 1_000 + at, b"key", b"value-%d" % at, headers.get(f"at_{at}", [])) for at in range(count)}


async def redriver(redis: Redis, consumer: FakeConsumer, producer: FakeProducer, due: int, who: str = "w") -> Redriver:
    await redis.sadd(KEYS[0].partitions(), partition_member(ORDERS))
    await redis.hset(KEYS[0].fence(*ORDERS), "next", "1")
    await redis.hset(KEYS[0].redrive(*ORDERS), mapping={str(at): "9" for at in range(due)})
    it = Redriver(redis, KEYS, "", producer, ORDERS.topic, who, lambda: None)  # type: ignore[arg-type]
    it._consumer = consumer  # type: ignore[assignment]
    return it


async def left(redis: Redis) -> list[int]:
    return sorted(map(int, await redis.hkeys(KEYS[0].redrive(*ORDERS))))


async def test_each_is_sent_once_with_its_first_origin_and_its_other_headers(redis: Redis) -> None:
    forged = [("hightide-origin", b"orders/0/7"), ("a", b"1"), ("b", None), ("hightide-origin", None)]
    producer = FakeProducer()
    it = await redriver(redis, FakeConsumer(log_of(2, at_1=forged)), producer, 2)
    await it.work()
    await it.work()
    assert [each["headers"] for each in producer.sent] == [
        [("hightide-origin", b"orders/0/0")],
        [("a", b"1"), ("b", None), ("hightide-origin", b"orders/0/7")],
    ]
    assert await left(redis) == []


async def test_what_the_log_has_no_more_and_what_is_too_large_hold_back_nothing(redis: Redis) -> None:
    log, producer = log_of(4), FakeProducer()
    log[2] = log[2]._replace(value=b"large")
    await (await redriver(redis, FakeConsumer(log, first=1), producer, 4)).work()
    assert [each["value"] for each in producer.sent] == [b"value-1", b"value-3"]
    assert await left(redis) == []


async def test_a_record_that_does_not_come_waits_with_those_behind_it(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WITHIN_S", 0.05)
    producer, consumer = FakeProducer(), FakeConsumer(log_of(3), silent=1)
    it = await redriver(redis, consumer, producer, 3)
    await it.work()
    assert (len(producer.sent), await left(redis), consumer.stopped) == (1, [1, 2], True)


async def test_while_kafka_is_away_nothing_is_forgotten(redis: Redis) -> None:
    producer = FakeProducer(away=KafkaConnectionError("away"))
    it = await redriver(redis, FakeConsumer(log_of(3)), producer, 3)
    await it.work()
    assert await left(redis) == [0, 1, 2]


async def test_thousands_go_in_batches_by_one_worker_at_a_time(redis: Redis) -> None:
    producer, log = FakeProducer(), log_of(3_000)
    first = await redriver(redis, FakeConsumer(log), producer, 3_000, "first")
    second = await redriver(redis, FakeConsumer(log), producer, 3_000, "second")
    await first.work()
    await second.work()
    assert BATCH <= len(producer.sent) < 2 * BATCH
    assert len(await left(redis)) == 3_000 - len(producer.sent)
