"""Real servers for the integration tests: one broker and one store a run, topics and a group of its own each test."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from streams.connect import check_store, redis_client
from streams.lab.servers import Servers, embedded_servers
from streams.lab.servers.store import Store
from streams.settings import Settings
from streams.topic_admin import ensure_topics, simulated_topics

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs servers: `-m "not servers"` leaves it out."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.servers)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The embedded broker and store of the whole run. A test that stops or kills one starts its own instead."""
    with embedded_servers(tmp_path_factory.mktemp("servers")) as running:
        yield running


@pytest.fixture(scope="session")
def addresses(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Kafka and Redis of the run: given as TEST_KAFKA and TEST_REDIS (Apache Kafka, say), else embedded."""
    if "TEST_KAFKA" in os.environ and "TEST_REDIS" in os.environ:
        return os.environ["TEST_KAFKA"], os.environ["TEST_REDIS"]
    running: Servers = request.getfixturevalue("servers")
    return running.kafka, running.redis


@pytest.fixture
async def settings(addresses: tuple[str, str]) -> Settings:
    """Settings with a topic prefix and a group that no other test has; the topics exist, with simulated arrivals."""
    kafka, redis_url = addresses
    name = f"t{uuid4().hex[:12]}"
    settings = Settings(kafka=kafka, redis=redis_url, group=name, topic_prefix=f"{name}-", idle_s=0)
    await ensure_topics(settings, simulated_topics(settings))
    return settings


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    """A client of the store, claimed for Hightide; replies are bytes."""
    client = redis_client(settings)
    try:
        await check_store(client, settings)
        yield client
    finally:
        await client.aclose()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of the test's own, which may be emptied or go back."""
    own = Store(tmp_path)
    own.start()
    yield own
    own.stop()
