"""Step 2, admit: rejects leave for their topic before the chunk settles, under a key that makes a repeat harmless."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from aiokafka.errors import KafkaError, KafkaTimeoutError
from faust.types import TP

from schemas.rejects import encode_rejected, origin_of, reject_key, rejected
from streams.errors import ServerMissing
from streams.failpoints import failpoint
from streams.intake.judge import RejectedRecord
from streams.patience import until_answered


class Producer(Protocol):
    """The part of aiokafka's producer that is used here."""

    async def send(self, topic: str, value: bytes | None = None, key: bytes | None = None) -> asyncio.Future[object]:
        """Buffers a record; the future is done when the broker has it."""


class RejectsTopic:
    """Publishes rejected records: the raw bytes, where they lay, and the reason."""

    def __init__(self, producer: Producer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def publish(self, tp: TP, rejects: Sequence[RejectedRecord]) -> None:
        """Publish and wait until the broker has them all, for as long as it takes: nothing settles before."""
        if rejects:
            failpoint("before_rejects")
            await until_answered(f"the topic {self._topic}", partial(self._publish, tp, rejects))
            failpoint("after_rejects")

    async def _publish(self, tp: TP, rejects: Sequence[RejectedRecord]) -> None:
        try:
            await self._send(tp, rejects)
        except (KafkaError, OSError) as error:
            if isinstance(error, KafkaError) and not (error.retriable or isinstance(error, KafkaTimeoutError)):
                raise  # waiting will not help: a fault of ours, or a right that is missing
            raise ServerMissing(str(error) or type(error).__name__) from error

    async def _send(self, tp: TP, rejects: Sequence[RejectedRecord]) -> None:
        sent = [
            await self._producer.send(
                self._topic,
                value=_value(tp, each),
                key=reject_key(tp.topic, tp.partition, each.record.offset),
            )
            for each in rejects
        ]
        await asyncio.gather(*sent)


def _value(tp: TP, each: RejectedRecord) -> bytes:
    record = each.record
    reject = rejected(
        topic=tp.topic,
        partition=tp.partition,
        offset=record.offset,
        arrival_ms=record.timestamp,
        key=record.key,
        value=record.value,
        reason=each.reason,
        detail=each.detail,
        origin=origin_of(record.headers),
    )
    return encode_rejected(reject)
