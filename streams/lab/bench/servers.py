"""Where a bench runs: servers of its own, or those of the settings, with topics of its own in either case."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.connect import check_store, redis_client, wait_for_kafka, wait_for_redis
from streams.errors import ServerMissing
from streams.lab.servers import embedded_servers
from streams.settings import Settings
from streams.topic_admin import simulated_topics

_ANSWER_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """`settings` point to the servers and to topics that nobody else has. The rest as in `Ground`."""

    settings: Settings
    processes: dict[str, int]
    folder: Path

    @asynccontextmanager
    async def cleared(self) -> AsyncIterator[None]:
        """Checks the servers before, and removes the topics after."""
        await wait_for_redis(self.settings.redis, _ANSWER_WITHIN_S)
        await wait_for_kafka(self.settings.kafka, _ANSWER_WITHIN_S)
        redis = redis_client(self.settings)
        try:
            await check_store(redis, self.settings)
        finally:
            await redis.aclose()
        try:
            yield
        finally:
            if not self.processes:  # the log of an embedded broker ends with it
                await _delete_topics(self.settings)


@contextmanager
def own_servers(settings: Settings) -> Iterator[Place]:
    """An embedded broker and store for as long as the context lasts. Raises `EmbeddedMissing`, `ServerFailed`."""
    with _folder() as folder, embedded_servers(folder) as servers:
        pointed = replace(settings, kafka=servers.kafka, redis=servers.redis, topic_prefix=_prefix(settings))
        yield Place(pointed, {"broker": servers.broker.pid, "store": servers.store.pid}, folder)


@contextmanager
def given_servers(settings: Settings) -> Iterator[Place]:
    """The servers of the settings, whose processes can not be measured."""
    with _folder() as folder:
        yield Place(replace(settings, topic_prefix=_prefix(settings)), {}, folder)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hightide-bench-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary).resolve()


def _prefix(settings: Settings) -> str:
    return f"{settings.topic_prefix}bench-{uuid4().hex[:8]}-"


async def _delete_topics(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    try:
        await admin.start()
        await admin.delete_topics([topic.name for topic in simulated_topics(settings)])
    except (KafkaError, OSError) as error:
        raise ServerMissing(
            f"Kafka at {settings.kafka} did not delete the topics {settings.topic_prefix}* ({error!r}): do it by hand"
        ) from error
    finally:
        await admin.close()
