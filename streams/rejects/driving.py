"""Driving rejects again: back to their topic and partition as they came, with their origin in a header."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.rejects import ORIGIN_HEADER, Rejected
from streams.errors import ServerMissing, TopicsWrong

#: records sent before their acknowledgements are waited for
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be sent, in the order of the log; what has no bytes any more; how many are one record's again."""

    records: list[Rejected]
    without_bytes: list[Rejected]
    repeated: int


def first_origin(reject: Rejected) -> str:
    """`topic/partition/offset` of the first reject of this record: it names the record however often it is driven."""
    return reject.origin or f"{reject.topic}/{reject.partition}/{reject.offset}"


def plan(rejects: Iterable[Rejected]) -> Plan:
    """Each record once, although it may have been driven and refused before; in log order, as refunds follow orders."""
    in_order = sorted(rejects, key=lambda each: (each.topic, each.partition, each.offset))
    last = {first_origin(each): each for each in in_order}
    records = [each for each in last.values() if each.head is None]
    return Plan(
        sorted(records, key=lambda each: (each.topic, each.partition, each.offset)),
        [each for each in last.values() if each.head is not None],
        len(in_order) - len(last),
    )


def check_places(records: Collection[Rejected], partitions: Mapping[str, Collection[int]]) -> None:
    """Raises `TopicsWrong` if a record's partition is not there any more: another one would judge it differently."""
    places = {(each.topic, each.partition) for each in records}
    gone = sorted(place for place in places if place[1] not in partitions.get(place[0], ()))
    if gone:
        topic, partition = gone[0]
        raise TopicsWrong(
            f"Kafka has no partition {topic}/{partition} any more, which {len(gone)} of the places need: "
            "narrow the choice (--topic, --partition), or create the topic as it was"
        )


class Driver:
    """Sends records and counts the acknowledged ones in `driven`, also when it is stopped half-way."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self.driven = 0

    async def drive(self, records: list[Rejected], on_progress: Callable[[int], None]) -> None:
        """Send `records` in order and wait until the broker has each. Raises `ServerMissing`."""
        producer = AIOKafkaProducer(bootstrap_servers=self._kafka, acks="all", linger_ms=5, request_timeout_ms=30_000)
        try:
            await producer.start()
            for start in range(0, len(records), _AT_ONCE):
                for sent in [await _send(producer, each) for each in records[start : start + _AT_ONCE]]:
                    await sent
                    self.driven += 1
                    on_progress(self.driven)
        except (KafkaError, OSError) as error:
            raise ServerMissing(
                f"Kafka at {self._kafka} did not take a record ({error!r}) after {self.driven:,} of {len(records):,}: "
                "drive the same again, what it has already counts once"
            ) from error
        finally:
            await producer.stop()


async def _send(producer: AIOKafkaProducer, reject: Rejected) -> asyncio.Future[object]:
    sent: asyncio.Future[object] = await producer.send(
        reject.topic,
        value=_bytes(reject.raw),
        key=_bytes(reject.key),
        partition=reject.partition,
        timestamp_ms=reject.arrival_ms,
        headers=[(ORIGIN_HEADER, first_origin(reject).encode())],
    )
    return sent


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
