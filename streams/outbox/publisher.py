"""Step 7, outbox: alerts leave Redis for the `alerts` topic, each revision once.

An entry goes from the outbox only after the topic has acknowledged it. A worker that dies in between leaves it there;
whoever takes the lease next reads the topic first, finds the state told and drops the entry. Revisions are counted by
the topic: where Redis lost its last writes, what is detected again is told again only if it ends differently, and what
does not arise again is taken back (`comparing.py`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from time import time
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata
from redis.asyncio import Redis

from schemas.alert_text import with_text
from schemas.alerts import Alert, encode_alert
from streams.failpoints import failpoint
from streams.keys import Keys
from streams.marks.facts import decode_fact
from streams.marks.lease import LEASE_MS, Held, Lease
from streams.outbox.comparing import Comparing, has_all_history
from streams.outbox.published import Published, told_of
from streams.outbox.render import render
from streams.tally.windows import SHANGHAI, Zone

#: alerts that are on their way at one time
BATCH = 200
#: a record that is not acknowledged by then has failed; with one request on its way, well within a lease
_REQUEST_MS = LEASE_MS // 3


class LeaseRanOut(KafkaError):
    """The lease had not long enough to go for a record to be sent under it: take it again, and look what is told."""


class _Entry(NamedTuple):
    id: bytes
    alert: Alert


class Publisher:
    """Publishes the outboxes of all shards, each under its lease. One `publish_pass` of a shard at a time.

    `zone` is that of the texts; `published` is told every alert that was acknowledged; `has_history` as in `Comparing`.
    """

    def __init__(
        self,
        redis: Redis,
        keys: list[Keys],
        bootstrap_servers: str,
        topic: str,
        worker_id: str,
        zone: Zone = SHANGHAI,
        published: Callable[[Alert], object] = lambda alert: None,
        clock_ms: Callable[[], int] = lambda: int(time() * 1000),
        has_history: Callable[[int], Awaitable[bool]] = has_all_history,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._servers = bootstrap_servers
        self._topic = topic
        self._zone = zone
        self._tell = published
        self._leases = [Lease(redis, each.lease("publish"), worker_id) for each in keys]
        self._published = Published(bootstrap_servers, topic)
        self._comparing = Comparing(redis, keys, self._published.all, self._published.read, clock_ms, has_history)
        #: shards for which no one but us can have published since we last read the topic
        self._sure: defaultdict[int, bool] = defaultdict(bool)
        self._producer: AIOKafkaProducer | None = None
        self._kafka = asyncio.Lock()

    async def publish_pass(self, shard: int) -> int:
        """Publish what is in the outbox of a shard now; returns how many revisions the topic took.

        Raises `redis.RedisError` or `aiokafka.errors.KafkaError`: nothing is lost, call again.
        """
        outbox = self._keys[shard].outbox()
        took = 0
        while await self._redis.xlen(outbox) and await self._is_ours(shard):
            found: list[tuple[bytes, dict[bytes, bytes]]]
            found = await self._redis.xrange(outbox, count=BATCH)  # type: ignore[assignment]
            entries = [_Entry(id, self._render(fields[b"f"])) for id, fields in found]
            took += await self._publish(shard, _one_revision_each(entries))
        return took

    async def compare_pass(self, shard: int) -> int:
        """Compare some of what the topic says with the rankings of a shard, if that is due (`comparing.py`).

        Returns how many revisions were put into the outbox. Raises as `publish_pass` does.
        """
        if not await self._comparing.is_due(shard) or await self.pending(shard) or not await self._is_ours(shard):
            return 0
        return await self._comparing.some(shard)

    async def pending(self, shard: int) -> int:
        """How many revisions wait in the outbox of a shard. Raises `redis.RedisError`."""
        return int(await self._redis.xlen(self._keys[shard].outbox()))

    async def close(self) -> None:
        """Give the leases back and end the producer."""
        for lease in self._leases:
            await lease.release()
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    # -- the lease -----------------------------------------------------------------------------
    async def _is_ours(self, shard: int) -> bool:
        """Whether we hold the lease, and know what the topic had when we took it."""
        while (held := await self._leases[shard].hold()) is not Held.NOT:
            self._sure[shard] &= held is Held.KEPT
            if self._sure[shard]:
                return True
            async with self._kafka:
                await self._published.catch_up()
            self._sure[shard] = True
        return False

    # -- publishing ----------------------------------------------------------------------------
    def _render(self, packed: bytes) -> Alert:
        return render(decode_fact(packed), self._zone.offset_ms)

    async def _publish(self, shard: int, entries: list[_Entry]) -> int:
        news = [each for each in map(self._as_news, entries) if each is not None]
        self._sure[shard] = False  # until all is acknowledged: the topic may take what it does not acknowledge
        outcomes = await self._send(shard, news)
        failures = {each.id: how for each, how in zip(news, outcomes, strict=True) if isinstance(how, BaseException)}
        for (_, alert), how in zip(news, outcomes, strict=True):
            if not isinstance(how, BaseException):
                self._published.note(told_of(alert, how.partition, how.offset))
                self._tell(alert)
        failpoint("after_ack")
        await self._drop(shard, [each.id for each in entries if each.id not in failures])
        if failures:
            raise next(iter(failures.values()))
        self._sure[shard] = True
        return len(news)

    def _as_news(self, entry: _Entry) -> _Entry | None:
        """The entry as it follows in the topic; None if it is no news there."""
        alert = self._published.news(entry.alert)
        if alert is None:
            return None
        return _Entry(entry.id, with_text(alert, self._zone.offset_ms) if alert.state != entry.alert.state else alert)

    async def _drop(self, shard: int, ids: list[bytes]) -> None:
        if ids:
            await self._redis.xdel(self._keys[shard].outbox(), *ids)

    async def _send(self, shard: int, entries: list[_Entry]) -> list[RecordMetadata | BaseException]:
        """Send and await the acknowledgement of each; returns where it stands now, or what failed."""
        if not entries:
            return []
        producer = await self._started()
        failpoint("before_publish")
        sent = [await self._hand_over(shard, producer, each.alert) for each in entries]
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
        failpoint("after_publish")
        return outcomes

    async def _hand_over(self, shard: int, producer: AIOKafkaProducer, alert: Alert) -> asyncio.Future[RecordMetadata]:
        """To the broker, or a failure at once: whoever slept here must not tell what another told meanwhile."""
        if self._leases[shard].left_s * 1000 < _REQUEST_MS:
            failed: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
            failed.set_exception(LeaseRanOut("the lease ran out before the alerts were sent"))
            return failed
        id = alert.alert_id.encode()
        headers = [("alert-id", id), ("revision", str(alert.revision).encode())]
        acknowledged: asyncio.Future[RecordMetadata] = await producer.send(
            self._topic, encode_alert(alert), key=id, headers=headers
        )
        return acknowledged

    async def _started(self) -> AIOKafkaProducer:
        async with self._kafka:
            if self._producer is None:
                producer = AIOKafkaProducer(bootstrap_servers=self._servers, acks="all", request_timeout_ms=_REQUEST_MS)
                # The client would send again by itself what was not acknowledged, and the topic may have it already:
                # a batch that has expired it fails instead, and the next pass looks into the topic first.
                producer._message_accumulator._batch_ttl = 0.0
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer


def _one_revision_each(entries: list[_Entry]) -> list[_Entry]:
    """As many of the first as have alerts of their own: a revision goes out after the one before it is acknowledged."""
    seen: set[str] = set()
    for number, each in enumerate(entries):
        if each.alert.alert_id in seen:
            return entries[:number]
        seen.add(each.alert.alert_id)
    return entries
