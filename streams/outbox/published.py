"""Step 7, outbox: how each alert stands in the `alerts` topic, which is what people were told.

The topic, not Redis, is the memory of that: Redis may lose its last writes and detect the same again, with other
revisions and other steps on the way.
"""

from __future__ import annotations

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.alerts import State

_POLL_MS = 200


class Told(msgspec.Struct):
    """As much of a published revision as is asked for here."""

    alert_id: str
    revision: int
    state: State


_decode = msgspec.json.Decoder(Told).decode


class Published:
    """The last revision of every alert in the topic: read from its beginning, then from where that ended."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._servers = bootstrap_servers
        self._topic = topic
        self._next: dict[TopicPartition, int] = {}
        self._last: dict[str, Told] = {}

    def next_revision(self, alert_id: str, state: State) -> int | None:
        """The revision under which this state is news; None if it is how the alert stands already.

        States of an alert alternate, so the same state again is a repetition, never a change.
        """
        last = self._last.get(alert_id)
        if last is None:
            return 1
        return None if last.state == state else last.revision + 1

    def note(self, told: Told) -> None:
        """This revision was acknowledged by the topic."""
        last = self._last.get(told.alert_id)
        if last is None or told.revision > last.revision:
            self._last[told.alert_id] = told

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
                    self.note(_decode(record.value or b""))
                except msgspec.MsgspecError:
                    continue

    async def _is_read(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> bool:
        # the end as a fetch reports it: some brokers answer a question for the latest offset wrongly
        end = consumer.highwater(partition)
        self._next[partition] = await consumer.position(partition)
        return end is not None and self._next[partition] >= end
