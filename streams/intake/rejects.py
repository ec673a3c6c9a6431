"""Step 2, admit: rejects leave for their topic before the chunk settles, under a key that makes a repeat harmless."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from faust.types import TP
from schemas.rejects import encode_rejected, reject_key, rejected
from streams.intake.judge import RejectedRecord


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
        """Publish and wait until the broker has them all. Kafka's errors pass through."""
        sent = [
            await self._producer.send(
                self._topic,
                value=_value(tp, each),
                key=reject_key(tp.topic, tp.partition, each.record.offset),
            )
            for each in rejects
        ]
        if sent:
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
    )
    return encode_rejected(reject)
