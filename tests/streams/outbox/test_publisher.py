"""Alerts leave the outbox for a real topic, each revision once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from uuid import uuid4

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as StoreGone

from schemas.alerts import Alert
from streams.lab.servers import Broker
from streams.outbox import publisher as module
from streams.outbox.publisher import LeaseRanOut, Publisher
from tests.streams.outbox.conftest import KEYS, OUTBOX, Record


def short(records: list[Record]) -> list[tuple[str, int, str]]:
    return [(alert.holder.id, alert.revision, str(alert.state)) for _, _, alert in records]


async def test_alerts_are_published_in_order_and_leave_the_outbox(
    redis: Redis, publisher: Callable, put: Callable, read: Callable
) -> None:
    told: list[Alert] = []
    it = publisher(published=told.append)
    await put(("s1", 1, "provisional"), ("s2", 1, "confirmed"), ("s1", 2, "confirmed"))
    assert await it.publish_pass(0) == 3
    records = await read()
    assert short(records) == [("s1", 1, "provisional"), ("s2", 1, "confirmed"), ("s1", 2, "confirmed")]
    assert [alert for _, _, alert in records] == told
    for key, headers, alert in records:
        assert key == headers["alert-id"] == alert.alert_id.encode()
        assert headers["revision"] == str(alert.revision).encode()
    assert await redis.xlen(OUTBOX) == 0
    assert await it.publish_pass(0) == 0


async def test_more_than_one_batch(monkeypatch: pytest.MonkeyPatch, publisher, put, read) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    await put(*((f"s{number}", 1, "confirmed") for number in range(5)))
    assert await publisher().publish_pass(0) == 5
    assert len(await read()) == 5


async def test_what_was_acknowledged_before_a_crash_is_not_published_again(redis: Redis, publisher, put, read) -> None:
    """The worker died after Kafka's acknowledgement and before the entry went."""
    await put(("s1", 1, "provisional"))
    left = await redis.xrange(OUTBOX)
    assert await publisher("w1").publish_pass(0) == 1
    await redis.delete(KEYS[0].lease("publish"))
    for _, fields in left:
        await redis.xadd(OUTBOX, fields)
    await put(("s1", 2, "confirmed"))
    assert await publisher("w2").publish_pass(0) == 1
    assert short(await read()) == [("s1", 1, "provisional"), ("s1", 2, "confirmed")]
    assert await redis.xlen(OUTBOX) == 0


async def test_who_takes_the_lease_back_learns_what_others_published(redis: Redis, publisher, put, read) -> None:
    one, other = publisher("w1"), publisher("w2")
    await put(("s1", 1, "provisional"))
    assert await one.publish_pass(0) == 1
    await redis.delete(KEYS[0].lease("publish"))
    await put(("s1", 2, "superseded"))
    left = await redis.xrange(OUTBOX)
    assert await other.publish_pass(0) == 1
    await redis.delete(KEYS[0].lease("publish"))
    for _, fields in left:
        await redis.xadd(OUTBOX, fields)
    assert await one.publish_pass(0) == 0
    assert len(await read()) == 2


async def test_one_worker_publishes_at_a_time(redis: Redis, publisher, put) -> None:
    one, other = publisher("w1"), publisher("w2")
    await put(("s1", 1, "provisional"))
    assert await one.publish_pass(0) == 1
    await put(("s1", 2, "confirmed"))
    assert await other.publish_pass(0) == 0
    await one.close()
    assert await other.publish_pass(0) == 1


async def test_a_store_that_goes_before_the_entry_does_makes_no_double(
    redis: Redis, publisher, put, read, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = publisher()
    await put(("s1", 1, "provisional"), ("s2", 1, "provisional"))

    async def gone(*args: object) -> None:
        raise StoreGone

    with monkeypatch.context() as patch:
        patch.setattr(redis, "xdel", gone)
        with pytest.raises(StoreGone):
            await it.publish_pass(0)
    assert await redis.xlen(OUTBOX) == 2
    assert await it.publish_pass(0) == 0
    assert await redis.xlen(OUTBOX) == 0
    assert len(await read()) == 2


async def test_what_the_topic_took_without_saying_so_is_not_published_again(
    redis: Redis, publisher, put, read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three records one is refused, and of one the acknowledgement is lost on its way."""
    it, send = publisher(), AIOKafkaProducer.send
    await put(("s1", 1, "provisional"), ("s2", 1, "provisional"), ("s3", 1, "provisional"))
    number = 0

    async def unlucky(self: AIOKafkaProducer, *args: object, **kwargs: object) -> asyncio.Future:
        nonlocal number
        number += 1
        outcome: asyncio.Future = asyncio.get_running_loop().create_future()
        outcome.set_exception(KafkaTimeoutError())
        if number == 1:
            return outcome
        sent = await send(self, *args, **kwargs)
        if number == 2:
            await sent
            return outcome
        return sent

    with monkeypatch.context() as patch:
        patch.setattr(AIOKafkaProducer, "send", unlucky)
        with pytest.raises(KafkaError):
            await it.publish_pass(0)
    assert await redis.xlen(OUTBOX) == 2
    assert await it.publish_pass(0) == 1
    assert sorted(short(await read())) == [(f"s{each}", 1, "provisional") for each in (1, 2, 3)]
    assert await redis.xlen(OUTBOX) == 0


async def test_a_later_revision_never_overtakes_one_that_failed(
    redis: Redis, publisher, put, read, monkeypatch: pytest.MonkeyPatch
) -> None:
    it, send = publisher(), AIOKafkaProducer.send
    await put(("s1", 1, "provisional"), ("s1", 2, "confirmed"))
    failed = False

    async def unlucky(self: AIOKafkaProducer, *args: object, **kwargs: object) -> asyncio.Future:
        nonlocal failed
        if failed:
            return await send(self, *args, **kwargs)
        failed = True
        raise KafkaTimeoutError

    monkeypatch.setattr(AIOKafkaProducer, "send", unlucky)
    with pytest.raises(KafkaError):
        await it.publish_pass(0)
    assert await it.publish_pass(0) == 2
    assert short(await read()) == [("s1", 1, "provisional"), ("s1", 2, "confirmed")]


# -- a Redis that went back --------------------------------------------------------------------
async def test_what_is_detected_again_and_ends_the_same_is_told_once(redis: Redis, publisher, put, read) -> None:
    it = publisher()
    await put(("s1", 1, "confirmed"))
    assert await it.publish_pass(0) == 1
    await redis.flushall()
    await put(("s1", 1, "confirmed"))
    assert await it.publish_pass(0) == 0
    assert short(await read()) == [("s1", 1, "confirmed")]


async def test_what_ends_differently_is_told_under_the_next_revision(redis: Redis, publisher, put, read) -> None:
    it = publisher()
    await put(("s1", 1, "provisional"), ("s1", 2, "confirmed"))
    assert await it.publish_pass(0) == 2
    await redis.flushall()
    await put(("s1", 1, "superseded"))
    assert await it.publish_pass(0) == 1
    assert short(await read())[-1] == ("s1", 3, "superseded")


async def test_what_is_detected_again_on_the_way_there_is_not_told(redis: Redis, publisher, put, read, fact) -> None:
    """As of an earlier watermark than that of what people know already."""
    it = publisher()
    await put(("s1", 1, "provisional"), ("s1", 2, "confirmed"))
    assert await it.publish_pass(0) == 2
    await redis.flushall()
    for state, as_of_ms in (("provisional", 5), ("superseded", 6), ("provisional", 7)):
        early = fact(holder="s1", revision=1, state=state, as_of_ms=as_of_ms)
        await redis.xadd(OUTBOX, {"f": msgspec.msgpack.encode(early)})
    await put(("s1", 2, "confirmed"))
    assert await it.publish_pass(0) == 0
    assert await redis.xlen(OUTBOX) == 0
    assert short(await read())[-1] == ("s1", 2, "confirmed")


async def test_what_was_taken_back_and_is_confirmed_again_is_reinstated(redis: Redis, publisher, put, read) -> None:
    it = publisher()
    await put(("s1", 1, "superseded"))
    assert await it.publish_pass(0) == 1
    await redis.flushall()
    await put(("s1", 1, "confirmed"))
    assert await it.publish_pass(0) == 1
    _, _, alert = (await read())[-1]
    assert (alert.revision, str(alert.state), alert.reason) == (2, "reinstated", "it is so after all")
    assert "reinstated" in alert.text
    await put(("s1", 2, "reinstated"))
    assert await it.publish_pass(0) == 0


# -- the topic ---------------------------------------------------------------------------------
async def test_records_of_others_in_the_topic_are_passed_over(
    broker: Broker, topic: str, publisher, put, redis: Redis
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.address)
    await producer.start()
    for value in (b"not json", b'{"alert_id": 5}', None):
        await producer.send_and_wait(topic, value, key=b"k")
    await producer.stop()
    await put(("s1", 1, "provisional"))
    assert await publisher().publish_pass(0) == 1


async def test_without_a_broker_everything_stays(redis: Redis, put) -> None:
    it = Publisher(redis, KEYS, "127.0.0.1:9", "alerts", "w1")
    await put(("s1", 1, "provisional"))
    with pytest.raises(KafkaError):
        await it.publish_pass(0)
    assert await redis.xlen(OUTBOX) == 1
    await it.close()


async def test_an_empty_outbox_asks_nothing_of_the_broker(redis: Redis) -> None:
    it = Publisher(redis, KEYS, "127.0.0.1:9", "alerts", f"w{uuid4().hex}")
    assert await it.publish_pass(0) == 0
    await it.close()


async def test_one_that_slept_with_alerts_in_hand_does_not_tell_what_another_told(
    publisher: Callable[..., Publisher], put: Callable, read: Callable, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(("session-1", 1, "confirmed"))
    asleep, other = publisher("w1"), publisher("w2")
    now_s = monotonic()

    def sleep_long(name: str) -> None:
        nonlocal now_s
        now_s += 60.0 if name == "before_publish" else 0.0

    asleep._leases[0]._clock = lambda: now_s
    monkeypatch.setattr(module, "failpoint", sleep_long)
    with pytest.raises(LeaseRanOut):
        await asleep.publish_pass(0)
    assert await read() == []
    monkeypatch.setattr(module, "failpoint", lambda name: None)
    await redis.delete(KEYS[0].lease("publish"))
    assert await other.publish_pass(0) == 1
    await other.close()
    await asleep.publish_pass(0)
    assert short(await read()) == [("session-1", 1, "confirmed")]
