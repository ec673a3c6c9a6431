"""Retention: which partitions the input has, as Kafka says. One without a fence has not been begun yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

#: Kafka's metadata is at hand nearly always; while it is not, nothing is purged
_ANSWER_WITHIN_S = 2.0


class InputPartitions:
    """Asks the metadata that a running producer keeps."""

    def __init__(self, producer: AIOKafkaProducer, topics: Sequence[str]) -> None:
        self._producer = producer
        self._topics = topics

    async def all(self) -> set[tuple[str, int]] | None:
        """(topic, partition) of all input topics; None if Kafka does not say."""
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                return {
                    (topic, number) for topic in self._topics for number in await self._producer.partitions_for(topic)
                }
        except (KafkaError, TimeoutError):
            return None
