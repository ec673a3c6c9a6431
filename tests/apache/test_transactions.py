"""What only Apache Kafka does: transactional producers, whose markers are offsets without a record."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from streams.keys import shard_keys
from streams.lab.audit.audit import audit
from streams.lab.processes import until_settled, worker_process
from streams.settings import Settings
from streams.tally.fence import Fence, read_fences
from streams.topics import Topics
from tests.integration.conftest import addresses, redis, servers, settings  # noqa: F401  # fixtures
from tests.streams.intake.making import MIDNIGHT_MS, paid, records

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif("TEST_APACHE" not in os.environ, reason="needs Apache Kafka: make test-kafka"),
]


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:  # noqa: F811
    """A transactional one."""
    made = AIOKafkaProducer(bootstrap_servers=settings.kafka, transactional_id=f"{settings.group}-shop")
    await made.start()
    yield made
    await made.stop()


async def _send(producer: AIOKafkaProducer, topic: str, ids: range) -> None:
    for each in records([paid(f"p-{at}") for at in ids]):
        await producer.send(topic, each.value, b"key", partition=0, timestamp_ms=MIDNIGHT_MS)


async def _fence(redis: Redis, settings: Settings) -> Fence:  # noqa: F811
    orders = Topics(settings.topic_prefix).orders
    fences = await read_fences(redis, shard_keys(settings.group, 0))
    return next(fence for tp, fence in fences.items() if tp.topic == orders and tp.partition == 0)


async def test_markers_are_settled_and_the_account_has_no_gap(
    settings: Settings,  # noqa: F811
    redis: Redis,  # noqa: F811
    producer: AIOKafkaProducer,
    tmp_path: Path,
) -> None:
    """Two transactions of five: ten records, a marker behind each five, the last of them at the end of the log."""
    topic = Topics(settings.topic_prefix).orders
    for first in (0, 5):
        async with producer.transaction():
            await _send(producer, topic, range(first, first + 5))
    async with worker_process(settings, tmp_path / "worker.log") as worker:
        await until_settled(redis, settings, 12, worker)
        fence = await _fence(redis, settings)
        assert (fence.next, fence.counted, fence.holes, fence.gap) == (12, 10, 2, 0)
        report = await audit(settings, redis, lambda done, note: None)
    assert (report.differences, report.consumed, report.markers) == ([], 10, 2)


async def test_what_a_producer_aborted_never_counts(
    settings: Settings,  # noqa: F811
    redis: Redis,  # noqa: F811
    producer: AIOKafkaProducer,
    tmp_path: Path,
) -> None:
    topic = Topics(settings.topic_prefix).orders
    async with producer.transaction():
        await _send(producer, topic, range(3))
    await producer.begin_transaction()
    await _send(producer, topic, range(3, 7))
    await producer.abort_transaction()
    async with worker_process(settings, tmp_path / "worker.log") as worker:
        await until_settled(redis, settings, 9, worker)
        fence = await _fence(redis, settings)
    assert (fence.counted, fence.holes, fence.gap) == (3, 6, 0)
