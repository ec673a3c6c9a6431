"""Records by hand into real topics, what came out of them, and what a worker said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from redis.asyncio import Redis

from schemas.rejects import Rejected, decode_rejected
from streams.keys import shard_keys
from streams.lab.processes import Process
from streams.settings import Settings
from streams.tally.fence import Fence, read_fences
from streams.topic_admin import partitions_of
from streams.topics import Topics

#: 2025-01-01 00:00:05.123 in Shanghai, at which the examples arrive (`schemas/examples/README.md`)
ARRIVAL_MS = 1_735_660_805_123
MIDNIGHT_MS = 1_735_660_800_000


class Sent(NamedTuple):
    """One record, and where it lies now."""

    topic: str
    partition: int
    offset: int
    value: bytes | None


def paid(number: int, **fields: Any) -> bytes:
    """A payment at midnight of 100 fen and `number`."""
    return msgspec.json.encode(
        {
            "event_id": f"evt-{number}", "event_type": "order.paid", "event_time_ms": MIDNIGHT_MS,
            "order_id": f"order-{number}", "merchant_id": "merchant-0007", "category": "womens-wear", "channel": "live",
            "amount_fen": 100 + number, "quantity": 1, "currency": "CNY", "pay_time_ms": MIDNIGHT_MS, **fields,
        }
    )  # fmt: skip


def started(number: int) -> bytes:
    """A session that starts at midnight."""
    return msgspec.json.encode(
        {
            "event_id": f"evt-s-{number}", "event_type": "session.started", "event_time_ms": MIDNIGHT_MS,
            "session_id": f"session-{number}", "room_id": "room-0042", "anchor_id": "anchor-0042",
            "category": "womens-wear",
        }
    )  # fmt: skip


@asynccontextmanager
async def producer_of(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer to the broker of the settings."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, acks="all", enable_idempotence=False)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send(
    settings: Settings, topic: str, partition: int, values: Iterable[bytes | None], arrival_ms: int = ARRIVAL_MS
) -> list[Sent]:
    """Append `values` to one partition; returns where they lie."""
    async with producer_of(settings) as producer:
        futures = [
            (value, await producer.send(topic, value, b"key", partition, timestamp_ms=arrival_ms)) for value in values
        ]
        return [Sent(topic, partition, (await future).offset, value) for value, future in futures]


async def rejects_of(settings: Settings, count: int) -> dict[bytes | None, Rejected]:
    """The rejects topic by key, once it holds that many keys."""
    topic = Topics(settings.topic_prefix).rejects
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        numbers = (await partitions_of(settings.kafka, [topic]))[topic]
        consumer.assign([TopicPartition(topic, number) for number in numbers])
        found: dict[bytes | None, Rejected] = {}
        async with asyncio.timeout(20):
            while len(found) < count:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found |= {record.key: decode_rejected(record.value) for record in batch}
        return found
    finally:
        await consumer.stop()


async def fences_of(redis: Redis, settings: Settings) -> dict[tuple[str, int], Fence]:
    """Every fence of shard 0, by topic without prefix and partition."""
    found = await read_fences(redis, shard_keys(settings.group, 0))
    return {(tp.topic.removeprefix(settings.topic_prefix), tp.partition): fence for tp, fence in found.items()}


async def until_fence(redis: Redis, settings: Settings, topic: str, partition: int, next_: int) -> None:
    """Wait until a fence stands at `next_`."""
    async with asyncio.timeout(30):
        while True:
            fence = (await fences_of(redis, settings)).get((topic, partition))
            if fence is not None and fence.next == next_:
                return
            await asyncio.sleep(0.02)


async def until_said(log: Path, words: str, worker: Process, times: int = 1) -> None:
    """Wait until a worker's log has `words` in so many lines; fails with the log if the worker ends before."""
    async with asyncio.timeout(30):
        while True:
            ended = worker.poll() is not None
            if len(lines(log, words)) >= times:
                return
            assert not ended, f"the worker ended with {worker.returncode} and never said {words!r}: {lines(log, '')}"
            await asyncio.sleep(0.02)


async def exit_code(worker: Process, within_s: float = 30.0) -> int:
    """Wait until a worker ends by itself."""
    return await asyncio.to_thread(worker.wait, within_s)


def lines(log: Path, words: str) -> list[str]:
    """The lines of a log that hold `words`; none while there is no log."""
    return [line for line in log.read_text("utf-8").splitlines() if words in line] if log.exists() else []
