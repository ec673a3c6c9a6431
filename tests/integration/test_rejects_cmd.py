"""`hightide rejects` on a real broker: what is shown, and what comes to lie in the topics again."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from redis.asyncio import Redis

from schemas.rejects import MAX_BYTES, Reason, Rejected, encode_rejected, reject_key
from streams.lab.processes import as_environment, worker_process
from streams.settings import Settings
from streams.topics import Topics
from tests.integration.by_hand import paid, producer_of, send, until_fence
from tests.streams.rejects.making import ARRIVAL_MS, RAW, reject


async def publish(settings: Settings, *rejects: Rejected) -> None:
    """Put rejects into their topic, as a worker does."""
    async with producer_of(settings) as producer:
        for each in rejects:
            key = reject_key(each.topic, each.partition, each.offset)
            await producer.send_and_wait(Topics(settings.topic_prefix).rejects, encode_rejected(each), key)


async def hightide(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a user does, without a terminal."""
    command = [sys.executable, "-m", "streams.cli.main", *words]
    given: dict[str, Any] = {"env": as_environment(settings), "stdin": subprocess.DEVNULL}
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, **given)


async def records_of(settings: Settings, topic: str, partition: int, count: int) -> list[Any]:
    """The first `count` records of a partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, partition)])
        found: list[Any] = []
        async with asyncio.timeout(20):
            while len(found) < count:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found += batch
        return found
    finally:
        await consumer.stop()


@pytest.fixture
def orders(settings: Settings) -> str:
    return Topics(settings.topic_prefix).orders


async def test_rejects_are_listed_and_driven_to_where_they_came_from(settings: Settings, orders: str) -> None:
    before = replace_detail(reject(7, topic=orders), "before the replay")
    await publish(
        settings,
        before,
        reject(3, topic=orders),
        reject(5, b"no json", topic=orders, reason=Reason.NOT_JSON),
        reject(7, topic=orders),
        reject(9, topic=orders, origin=f"{orders}/1/2", key=None),
        reject(11, b"x" * (MAX_BYTES + 1), topic=orders, reason=Reason.CURRENCY),
    )
    listed = await hightide(settings, "rejects", "list", "--reason", "currency", "--topic", "orders", "--json")
    assert listed.returncode == 0, listed.stderr
    told = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [(each["offset"], each["detail"]) for each in told] == [(at, "currency: not CNY") for at in (3, 7, 9, 11)]
    assert "b-0001" not in listed.stdout and b"***" in b64decode(told[0]["raw"])
    assert "4 rejects\n  4 currency: " in listed.stderr

    driven = await hightide(settings, "rejects", "redrive", "--reason", "currency", "--offset", "4-", "--yes")
    assert driven.returncode == 0, driven.stderr
    assert f"skipped {orders}/1/11: above 64 KiB" in driven.stdout
    assert driven.stdout.endswith("driven 2 of 2 records; each settles at most once for its origin\n")
    seventh, ninth = await records_of(settings, orders, 1, 2)
    assert (seventh.key, seventh.value, seventh.timestamp) == (b"order-1", RAW, ARRIVAL_MS + 7_000)
    assert tuple(seventh.headers) == (("hightide-origin", f"{orders}/1/7".encode()),)
    assert (ninth.key, ninth.value, ninth.timestamp) == (None, RAW, ARRIVAL_MS + 9_000)
    assert tuple(ninth.headers) == (("hightide-origin", f"{orders}/1/2".encode()),)


def replace_detail(it: Rejected, detail: str) -> Rejected:
    """The same reject as it was judged at another time."""
    return Rejected(**{name: getattr(it, name) for name in it.__struct_fields__} | {"detail": detail})


async def test_a_dry_run_sends_nothing_and_silence_is_said_plainly(settings: Settings, orders: str) -> None:
    empty = await hightide(settings, "rejects", "list")
    assert (empty.returncode, empty.stdout) == (0, "no rejects: the topic is empty\n")
    await publish(settings, reject(7, topic=orders, partition=2))
    dry = await hightide(settings, "rejects", "redrive", "--all", "--dry-run", "--json")
    assert json.loads(dry.stdout) == {"chosen": 1, "driven": 0, "repeated": 0, "without_bytes": 0, "dry_run": True}
    none = await hightide(settings, "rejects", "redrive", "--reason", "not_json", "--yes")
    assert (none.returncode, none.stdout) == (0, "no rejects match; the topic holds 1 records\n")
    assert await ends_at(settings, orders, 2) == 0


async def ends_at(settings: Settings, topic: str, partition: int) -> int:
    """The end of a partition, as the offset that a record sent now gets."""
    async with producer_of(settings) as producer:
        return int((await producer.send_and_wait(topic, b"probe", None, partition)).offset)


async def test_topics_that_are_not_there_are_said(settings: Settings, orders: str) -> None:
    gone = await hightide(replace(settings, topic_prefix="nobody-"), "rejects", "list")
    assert gone.returncode == 1
    assert "has no topic nobody-rejects: is HIGHTIDE_TOPIC_PREFIX the worker's?" in gone.stderr
    await publish(settings, reject(7, topic=orders, partition=99))
    driven = await hightide(settings, "rejects", "redrive", "--all", "--yes")
    assert driven.returncode == 1
    assert f"no partition {orders}/99 any more" in driven.stderr


async def test_what_is_refused_again_keeps_its_first_origin(
    settings: Settings, orders: str, redis: Redis, tmp_path: Path
) -> None:
    async with worker_process(settings, tmp_path / "worker.log"):
        await send(settings, orders, 0, [paid(1), paid(2, currency="USD")])
        await until_fence(redis, settings, "orders", 0, 2)
        for fence in (3, 4):
            driven = await hightide(settings, "rejects", "redrive", "--reason", "currency", "--yes", "--json")
            assert json.loads(driven.stdout)["driven"] == 1, "one record, however often it was refused"
            await until_fence(redis, settings, "orders", 0, fence)
    listed = await hightide(settings, "rejects", "list", "--json")
    told = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [(each["offset"], each["origin"]) for each in told] == [
        (1, None), (2, f"{orders}/0/1"), (3, f"{orders}/0/1"),
    ]  # fmt: skip
    assert len({each["arrival_ms"] for each in told}) == 1
