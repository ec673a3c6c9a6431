"""The broker takes alerts and its acknowledgement is lost: they stand in the topic once all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from aiokafka.errors import KafkaError
from redis.asyncio import Redis

from streams.lab.servers import Broker
from streams.outbox.publisher import Publisher
from tests.chaos.devices.proxy import ChaosProxy
from tests.chaos.devices.taps import PRODUCE, Nth, watch_kafka
from tests.streams.outbox.conftest import KEYS, OUTBOX
from tests.streams.outbox.test_publisher import short


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosProxy]:
    """In front of the broker below."""
    proxy = ChaosProxy(lambda: broker.port)
    proxy.start()
    broker = Broker(tmp_path_factory.mktemp("proxied"), advertised=proxy.address)
    broker.start()
    yield proxy
    proxy.close()
    broker.stop()


@pytest.fixture
def broker(proxy: ChaosProxy) -> ChaosProxy:
    """What has the broker's address, for the fixtures that ask for one."""
    return proxy


@pytest.fixture
async def publisher(redis: Redis, proxy: ChaosProxy, topic: str) -> AsyncIterator[Publisher]:
    """One that goes through the proxy."""
    publisher = Publisher(redis, KEYS, proxy.address, topic, "w1")
    yield publisher
    await publisher.close()


async def test_alerts_without_acknowledgement_are_looked_for_before_they_are_sent_again(
    redis: Redis, proxy: ChaosProxy, publisher: Publisher, put, read
) -> None:
    nth = Nth(1)
    proxy.tap = watch_kafka(PRODUCE, nth)
    await put(("s1", 1, "provisional"), ("s2", 1, "confirmed"))
    with pytest.raises(KafkaError):
        await publisher.publish_pass(0)
    assert nth.cut == 1
    assert await publisher.publish_pass(0) == 0
    assert short(await read()) == [("s1", 1, "provisional"), ("s2", 1, "confirmed")]
    assert await redis.xlen(OUTBOX) == 0
