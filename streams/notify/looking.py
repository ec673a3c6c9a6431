"""What `hightide alerts` reads: the alerts that were told, from Redis, and who got them, from the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ClassVar

import msgspec
from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from schemas.alerts import Alert, decode_alert
from streams.connect import redis_client, wait_for_kafka, wait_for_redis
from streams.errors import Expected
from streams.keys import Keys, shard_keys
from streams.notify.journal import Journal
from streams.notify.showing import Revision
from streams.settings import Settings
from streams.startup import require_topics
from streams.topics import Topics

_PAGE = 1_000
#: seconds that a server may be away
_WAIT_S = 10.0


class NoSuchThing(Expected):
    """There is no alert, revision, target or silence of that name: look at the id."""

    exit_code: ClassVar[int] = 64


async def newest_told(redis: Redis, keys: Keys, wanted: Callable[[Alert], bool], limit: int) -> list[Revision]:
    """The last `limit` (0: all) revisions in the stream of what was told that are wanted, in its order.

    Raises `redis.RedisError`.
    """
    found: list[Revision] = []
    last = "+"
    while not limit or len(found) < limit:
        page: list[tuple[bytes, dict[bytes, bytes]]]
        page = await redis.xrevrange(keys.told(), max=last, min="-", count=_PAGE)  # type: ignore[assignment]
        found += [each for each in map(_revision, page) if each is not None and wanted(each.alert)]
        if len(page) < _PAGE:
            break
        last = f"({page[-1][0].decode()}"
    return (found[:limit] if limit else found)[::-1]


async def revision_of(redis: Redis, keys: Keys, alert_id: str, revision: int | None) -> Revision:
    """One revision of an alert, or its last. Raises `NoSuchThing`, `redis.RedisError`."""
    found = await newest_told(redis, keys, lambda alert: alert.alert_id == alert_id, 0)
    chosen = [each for each in found if revision in (None, each.alert.revision)]
    if not chosen:
        which = f"no revision {revision} of alert" if found else "no alert"
        raise NoSuchThing(f"{which} {alert_id} was told: `hightide alerts list` shows those that were")
    return chosen[-1]


@asynccontextmanager
async def both_servers(settings: Settings) -> AsyncIterator[tuple[Redis, Keys, Journal]]:
    """Store, keys of shard 0 and ledger, while the context lasts. Raises `ServerMissing`, `TopicsWrong`."""
    await wait_for_redis(settings.redis, _WAIT_S)
    await wait_for_kafka(settings.kafka, _WAIT_S)
    await require_topics(settings)
    redis, producer = redis_client(settings), AIOKafkaProducer(bootstrap_servers=settings.kafka, acks="all")
    try:
        await producer.start()
        ledger = Journal(settings.kafka, Topics(settings.topic_prefix).deliveries, producer)
        yield redis, shard_keys(settings.group, 0), ledger
    finally:
        await producer.stop()
        await redis.aclose()


def _revision(entry: tuple[bytes, dict[bytes, bytes]]) -> Revision | None:
    id, fields = entry
    try:
        return Revision(int(id.partition(b"-")[0]) - 1, decode_alert(fields[b"a"]))
    except (KeyError, msgspec.MsgspecError):
        return None
