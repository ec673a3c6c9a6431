"""Bad input through a real worker: each is rejected with its reason, what stands around it is counted."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import count
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import msgspec
from redis.asyncio import Redis

import schemas
from schemas.rejects import MAX_BYTES, Reason, Rejected
from streams.lab.audit.audit import audit
from streams.lab.processes import until_settled, worker_process
from streams.lab.servers.spawn import free_port
from streams.settings import Settings
from streams.topics import Topics
from tests.integration.by_hand import (
    Sent,
    fences_of,
    lines,
    paid,
    rejects_of,
    send,
    started,
    until_fence,
    until_said,
)  # fmt: skip

EXAMPLES = Path(schemas.__file__).parent / "examples"
#: reasons that need the order index
LATER = {Reason.PAID_TWICE}


def bad_examples(topic: str) -> list[tuple[Reason, bytes | None]]:
    """Every rejected example of a topic, with its reason."""
    files = sorted((EXAMPLES / topic / "rejected").iterdir())
    return [(Reason(each.name.split("__")[0]), each.read_bytes()) for each in files]


def refunds_of_one_order() -> list[bytes]:
    """A refund, and one of more than it left: alone it would be accepted."""
    fields = {"event_type": "order.refunded", "order_id": "order-0042", "amount_fen": 1_000, "refund_fen": 600}
    return [paid(9_000 + number, refund_id=f"refund-{number}", **fields) for number in range(2)]


class Sending:
    """Bad records to partitions in turn, a good one before and after each; remembers what must become of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._numbers = count()
        self.rejects: dict[Sent, Reason] = {}
        self.good = 0

    async def send(self, topic: str, bad: list[tuple[Reason, bytes | None]], good: Iterator[bytes]) -> None:
        for partition in range(4):
            mine = bad[partition::4]
            around = [value for _, each in mine for value in (next(good), each)] + [next(good)]
            sent = await send(self._settings, topic, partition, around)
            self.rejects |= {each: reason for each, (reason, _) in zip(sent[1::2], mine, strict=True)}
            self.good += len(mine) + 1


async def test_each_reason_has_its_reject_and_what_stands_around_it_counts(
    settings: Settings, redis: Redis, tmp_path: Path
) -> None:
    topics, sending = Topics(settings.topic_prefix), Sending(settings)
    orders = [*bad_examples("orders"), (Reason.NOT_JSON, None)]
    await sending.send(topics.orders, orders, map(paid, count()))
    await sending.send(topics.live_sessions, bad_examples("live-sessions"), map(started, count()))
    accepted, refused = await send(settings, topics.orders, 0, refunds_of_one_order())
    sending.rejects[refused] = Reason.REFUND_EXCEEDS_ORDER
    resent = await send(settings, topics.orders, 0, [accepted.value])
    async with worker_process(settings, tmp_path / "worker.log") as worker:
        await until_settled(redis, settings, len(sending.rejects) + sending.good + 2, worker)
        report = await audit(settings, redis, lambda done, note: None)
        assert report.rejected == len(sending.rejects)
        found = await rejects_of(settings, len(sending.rejects))
        assert worker.poll() is None
    assert set(sending.rejects.values()) == set(Reason) - LATER
    assert found.keys() == {f"{each.topic}/{each.partition}/{each.offset}".encode() for each in sending.rejects}
    for each, reason in sending.rejects.items():
        check(found[f"{each.topic}/{each.partition}/{each.offset}".encode()], each, reason)
    assert (report.counted, report.resends) == (sending.good + 1, len(resent))
    assert report.consumed == report.counted + report.resends + report.rejected
    assert report.differences == []


def check(found: Rejected, sent: Sent, reason: Reason) -> None:
    """The reject says why, and holds what it takes to send the record again."""
    assert (found.topic, found.partition, found.offset) == sent[:3]
    assert found.reason is reason
    assert found.key is not None and b64decode(found.key) == b"key"
    if sent.value is None:
        assert (found.raw, found.sha256, found.size_bytes) == (None, None, 0)
        return
    assert found.size_bytes == len(sent.value)
    assert found.sha256 == sha256(sent.value).hexdigest()
    if len(sent.value) <= MAX_BYTES:
        assert found.raw is not None and b64decode(found.raw) == sent.value
    else:
        assert found.raw is None
        assert found.head is not None and sent.value.startswith(b64decode(found.head))


async def until_unready(settings: Settings, reasons: list[str]) -> None:
    """Wait until the worker's /readyz is red for these reasons."""
    async with asyncio.timeout(20):
        while True:
            if await asyncio.to_thread(readiness, settings) == (503, reasons):
                return
            await asyncio.sleep(0.1)


def readiness(settings: Settings) -> tuple[int, object]:
    """What the worker answers at /readyz: the status, and the reasons."""
    try:
        with urlopen(f"http://{settings.metrics}/readyz") as answer:
            return answer.status, json.load(answer)["reasons"]
    except HTTPError as error:
        with error:
            return error.code, json.load(error)["reasons"]


async def test_too_many_rejects_in_a_row_stop_their_partition_and_leave_the_rest_working(
    settings: Settings, redis: Redis, tmp_path: Path
) -> None:
    settings = replace(settings, reject_limit=50, metrics=f"127.0.0.1:{free_port()}")
    orders, log = Topics(settings.topic_prefix).orders, tmp_path / "worker.log"
    async with worker_process(settings, log) as worker:
        await send(settings, orders, 0, [*map(paid, range(10)), *[b"{}"] * 60])
        await until_said(log, " is stopped: ", worker)
        stood = (await fences_of(redis, settings))["orders", 0]
        await send(settings, orders, 0, map(paid, range(100, 110)))
        await send(settings, orders, 1, [*[b"{}"] * 49, *map(paid, range(200, 205))])
        await until_fence(redis, settings, "orders", 1, 54)
        fences = await fences_of(redis, settings)
        told = f"{orders}/0 is stopped: 50 rejects in a row, the last at offset 59 (missing_field)"
        await until_unready(settings, [told])
        assert worker.poll() is None
    assert fences["orders", 0] == stood
    assert (stood.counted, stood.rejected, stood.gap) == (10, 60, 0)
    assert (fences["orders", 1].counted, fences["orders", 1].rejected) == (5, 49)
    (said,) = lines(log, " is stopped: ")
    assert f" error streams.intake.intake {orders}/0 is stopped: 50 rejects in a row, the last at offset 59 " in said
    assert "(missing_field). What follows stays in Kafka, and the watermark waits. See what they are with" in said


async def test_a_refund_that_overtakes_its_order_is_driven_again_by_itself(
    settings: Settings, redis: Redis, tmp_path: Path
) -> None:
    orders, early = Topics(settings.topic_prefix).orders, msgspec.json.decode(refunds_of_one_order()[0])
    lacking = ("merchant_id", "category", "channel", "amount_fen", "pay_time_ms")
    bare = msgspec.json.encode({name: early[name] for name in early if name not in lacking})
    await send(settings, orders, 2, [bare, paid(1), paid(2, order_id=early["order_id"], amount_fen=10**6), paid(3)])
    async with worker_process(settings, tmp_path / "worker.log"):
        await until_fence(redis, settings, "orders", 2, 5)
        again = await send(settings, orders, 2, [paid(2, event_id="evt-again", order_id=early["order_id"])])
        await until_fence(redis, settings, "orders", 2, again[0].offset + 1)
        found = await rejects_of(settings, 2)
        report = await audit(settings, redis, lambda done, note: None)
    by_offset = sorted(found.values(), key=lambda each: each.offset)  # the topic of rejects has several partitions
    assert [each.reason for each in by_offset] == [Reason.UNKNOWN_ORDER, Reason.PAID_TWICE]
    assert (report.consumed, report.counted, report.rejected) == (6, 4, 2)
    assert report.differences == []
