"""A broker for the publisher's tests, facts as the ranking script writes them, and the topic as it is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import uuid4

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer
from redis.asyncio import Redis

from schemas.alerts import Alert, decode_alert
from streams.keys import shard_keys
from streams.lab.servers import Broker
from streams.marks.facts import Fact, PreviousFact
from streams.outbox.publisher import Publisher
from streams.settings import Settings
from streams.topic_admin import ensure_topics, wanted_topics
from streams.topics import Topics

KEYS = [shard_keys("test", 0)]
OUTBOX = KEYS[0].outbox()

Record = tuple[bytes, dict[str, bytes], Alert]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker's process, ended with the run."""
    server = Broker(tmp_path_factory.mktemp("broker"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def topic(broker: Broker) -> str:
    """A topic of alerts of its own."""
    settings = Settings(kafka=broker.address, topic_prefix=f"t{uuid4().hex[:12]}-")
    alerts = Topics(settings.topic_prefix).alerts
    await ensure_topics(settings, [each for each in wanted_topics(settings) if each.name == alerts])
    return alerts


@pytest.fixture
def fact() -> Callable[..., Fact]:
    """Makes facts: a confirmed record session, but for what is given."""

    def make(**fields: object) -> Fact:
        base = Fact(
            rule="record.session",
            metric="gmv.paid.gross.v1",
            dimension="category",
            scope_id="womens-wear",
            kind="session",
            holder="session-0042",
            start_ms=1_767_182_400_000,
            end_ms=1_767_211_200_000,
            value=10_750_000_000,
            previous=PreviousFact("session-0007", 1_767_000_000_000, 9_000_000_000, None),
            state="confirmed",
            revision=2,
            event_time_ms=1_767_211_200_000,
            detected_at_ms=1_767_211_321_000,
            as_of_ms=1_767_211_320_000,
            evidence='{"orders":[[0,3,99],[2,0,7]]}',
        )
        return msgspec.structs.replace(base, **fields)

    return make


@pytest.fixture
async def publisher(redis: Redis, broker: Broker, topic: str) -> AsyncIterator[Callable[..., Publisher]]:
    """Makes publishers, closed in the end."""
    made: list[Publisher] = []

    def make(worker: str = "w1", **settings: object) -> Publisher:
        made.append(Publisher(redis, KEYS, broker.address, topic, worker, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture
def put(redis: Redis, fact: Callable) -> Callable[..., Awaitable[None]]:
    """Puts facts into the outbox, given as (holder, revision, state)."""

    async def write(*facts: tuple[str, int, str]) -> None:
        for holder, revision, state in facts:
            value: Fact = fact(holder=holder, revision=revision, state=state)
            packed = msgspec.msgpack.encode(value)
            await redis.xadd(OUTBOX, {"f": packed})

    return write


@pytest.fixture
def read(broker: Broker, topic: str) -> Callable[[], Awaitable[list[Record]]]:
    """Reads the whole topic: key, headers and alert of each record."""

    async def everything() -> list[Record]:
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.address, auto_offset_reset="earliest")
        await consumer.start()
        try:
            [partition] = consumer.assignment()
            found: list[Record] = []
            while consumer.highwater(partition) is None or len(found) < consumer.highwater(partition):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [(each.key, dict(each.headers), decode_alert(each.value)) for each in records]
            return found
        finally:
            await consumer.stop()

    return everything
