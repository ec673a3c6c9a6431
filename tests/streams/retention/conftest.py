"""A mill on the real store."""

from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from tests.streams.retention.mill import Mill


@pytest.fixture
async def mill(redis: Redis) -> Mill:
    """One shard."""
    return await Mill(redis).open()


@pytest.fixture
def mill_of(redis: Redis) -> Callable[[int], Awaitable[Mill]]:
    """Makes a mill of so many shards."""
    return lambda shards: Mill(redis, shards).open()
