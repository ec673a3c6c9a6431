"""Step 7, outbox: which revisions the `alerts` topic has already."""

from __future__ import annotations

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

_POLL_MS = 200


class _Revision(msgspec.Struct):
    """As much of an alert as is asked for here."""

    alert_id: str
    revision: int


_decode = msgspec.json.Decoder(_Revision).decode


class Published:
    """The highest revision of every alert in the topic: read from its beginning, then from where that ended."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._servers = bootstrap_servers
        self._topic = topic
        self._next: dict[TopicPartition, int] = {}
        self._revisions: dict[str, int] = {}

    def has(self, alert_id: str, revision: int) -> bool:
        """Whether this revision, or a later one, was published."""
        return self._revisions.get(alert_id, 0) >= revision

    def note(self, alert_id: str, revision: int) -> None:
        """This revision was acknowledged by the topic."""
        self._revisions[alert_id] = max(revision, self._revisions.get(alert_id, 0))

    async def catch_up(self) -> None:
        """Read everything that was acknowledged before this call. Raises `KafkaError`, also if there is no topic."""
        consumer = AIOKafkaConsumer(
            self._topic, bootstrap_servers=self._servers, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        try:
            await consumer.start()
            waiting = consumer.assignment()
            for partition in waiting & self._next.keys():
                consumer.seek(partition, self._next[partition])
            while waiting:
                self._read(await consumer.getmany(timeout_ms=_POLL_MS))
                waiting = {each for each in waiting if not await self._is_read(consumer, each)}
        finally:
            await consumer.stop()

    def _read(self, records: dict[TopicPartition, list[ConsumerRecord]]) -> None:
        for of_partition in records.values():
            for record in of_partition:
                try:
                    found = _decode(record.value)
                except msgspec.MsgspecError:
                    continue
                self.note(found.alert_id, found.revision)

    async def _is_read(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> bool:
        # the end as a fetch reports it: some brokers answer a question for the latest offset wrongly
        end = consumer.highwater(partition)
        self._next[partition] = await consumer.position(partition)
        return end is not None and self._next[partition] >= end
