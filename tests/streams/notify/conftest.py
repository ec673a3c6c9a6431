"""A broker for the tests of delivery, and alerts put into a topic of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from schemas.alerts import Alert, encode_alert
from streams.keys import shard_keys
from streams.lab.servers import Broker
from streams.settings import Settings
from streams.topic_admin import ensure_topics, wanted_topics
from tests.streams.notify.alerts import alert

KEYS = shard_keys("test", 0)
Put = Callable[..., object]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker's process, ended with the run."""
    server = Broker(tmp_path_factory.mktemp("broker"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def settings(broker: Broker) -> Settings:
    """Settings with a topic prefix of their own; the topics exist."""
    settings = Settings(kafka=broker.address, topic_prefix=f"t{uuid4().hex[:12]}-")
    await ensure_topics(settings, wanted_topics(settings))
    return settings


@pytest.fixture
async def put(settings: Settings) -> AsyncIterator[Put]:
    """Appends alerts to the topic of alerts: `await put(alert(...), ...)`."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, acks="all")
    await producer.start()

    async def write(*alerts: Alert) -> list[bytes]:
        values = [encode_alert(each) for each in alerts or (alert(),)]
        for value in values:
            await producer.send_and_wait(f"{settings.topic_prefix}alerts", value)
        return values

    yield write
    await producer.stop()
