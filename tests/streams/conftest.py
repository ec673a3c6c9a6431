"""A real store for the tests below: one Valkey process a run, an empty database a test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from streams.lab.servers import Store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store's process, ended with the run."""
    directory: Path = tmp_path_factory.mktemp("store")
    server = Store(directory, 0)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def redis(store: Store) -> AsyncIterator[Redis]:
    """A client of the store, emptied."""
    client = Redis.from_url(f"redis://{store.address}/0")
    await client.flushall()
    yield client
    await client.aclose()
