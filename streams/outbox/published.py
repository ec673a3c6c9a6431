"""Step 7, outbox: how each alert stands in the `alerts` topic, which is what people were told.

The topic, not Redis, is the memory of that: Redis may lose its last writes and detect the same again, with other
revisions and other steps on the way.
"""

from __future__ import annotations

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from msgspec.structs import replace

from schemas.alerts import Alert, Scope, State, decode_alert
from streams.outbox.standing import same

_POLL_MS = 200
#: how long a broker holds a fetch that finds nothing, which is how the end is found: an alert after a silence waits
_NOTHING_MORE_MS = 50
_ONE_RECORD_MS = 5_000
#: so many answers without a record, each below the end that it tells, and there is nothing between here and there: a
#: broker that died between numbering a record and writing it
_EMPTY_ANSWERS = 3


class _Who(msgspec.Struct, gc=False):
    id: str


class Told(msgspec.Struct, gc=False):
    """As much of a published revision as is asked for here, and where it stands in the topic."""

    alert_id: str
    revision: int
    state: State
    rule: str
    metric: str
    scope: Scope
    holder: _Who
    as_of_ms: int | None = None
    partition: int = 0
    offset: int = -1


_decode = msgspec.json.Decoder(Told).decode


def told_of(alert: Alert, partition: int, offset: int) -> Told:
    """What stands in the topic once it has acknowledged `alert` there."""
    who = _Who(alert.holder.id)
    head = alert.alert_id, alert.revision, alert.state, alert.rule, alert.metric, alert.scope, who, alert.as_of_ms
    return Told(*head, partition, offset)


class Published:
    """The last revision of every alert in the topic: read from its beginning, then from where that ended."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._servers = bootstrap_servers
        self._topic = topic
        self._next: dict[TopicPartition, int] = {}
        self._last: dict[str, Told] = {}

    def news(self, alert: Alert) -> Alert | None:
        """The alert under the revision, and the state, that follow in the topic; None if they are no news there.

        What means the same as what was told is a repetition. What is as of an earlier watermark was detected again, by
        a Redis that went back: people know what came of it later. If that is not so any more, it is told when the
        watermark is there again (`comparing.py`).
        """
        last = self._last.get(alert.alert_id)
        if last is None:
            return replace(alert, revision=1)
        if same(last.state, alert.state) or (alert.as_of_ms or 0) < (last.as_of_ms or 0):
            return None
        news = replace(alert, revision=last.revision + 1)
        if alert.state == State.CONFIRMED and last.state in (State.RETRACTED, State.SUPERSEDED):
            return replace(news, state=State.REINSTATED, reason=alert.reason or "it is so after all")
        return news

    def all(self) -> list[Told]:
        """How every alert stands."""
        return list(self._last.values())

    def note(self, told: Told) -> None:
        """This revision was acknowledged by the topic."""
        last = self._last.get(told.alert_id)
        if last is None or told.revision > last.revision:
            self._last[told.alert_id] = told

    async def catch_up(self) -> None:
        """Read everything that was acknowledged before this call. Raises `KafkaError`, also if there is no topic."""
        consumer = AIOKafkaConsumer(
            self._topic,
            bootstrap_servers=self._servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_NOTHING_MORE_MS,
        )
        try:
            await consumer.start()
            waiting = consumer.assignment()
            for partition in waiting & self._next.keys():
                consumer.seek(partition, self._next[partition])
            empty = EmptyAnswers()
            while waiting:
                self._read(await consumer.getmany(timeout_ms=_POLL_MS))
                waiting = {each for each in waiting if not await self._is_read(consumer, each, empty)}
        finally:
            await consumer.stop()

    async def read(self, told: Told) -> Alert | None:
        """The alert as it was told; None if the topic does not have it any more. Raises `KafkaError`."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._servers, enable_auto_commit=False)
        place = TopicPartition(self._topic, told.partition)
        try:
            await consumer.start()
            consumer.assign([place])
            consumer.seek(place, told.offset)
            found = (await consumer.getmany(place, timeout_ms=_ONE_RECORD_MS, max_records=1)).get(place, [])
            return decode_alert(found[0].value or b"") if found and found[0].offset == told.offset else None
        except msgspec.MsgspecError:
            return None
        finally:
            await consumer.stop()

    def _read(self, records: dict[TopicPartition, list[ConsumerRecord]]) -> None:
        for of_partition in records.values():
            for record in of_partition:
                try:
                    told = _decode(record.value or b"")
                except msgspec.MsgspecError:
                    continue
                told.partition, told.offset = record.partition, record.offset
                self.note(told)

    async def _is_read(self, consumer: AIOKafkaConsumer, partition: TopicPartition, empty: EmptyAnswers) -> bool:
        # the end as a fetch reports it: some brokers answer a question for the latest offset wrongly
        end = consumer.highwater(partition)
        self._next[partition] = position = await consumer.position(partition)
        if end is None:
            return False
        return position >= end or empty.are(partition, position, consumer.last_poll_timestamp(partition))


class EmptyAnswers:
    """Counts, for each partition, the answers that brought nothing from where the consumer stands. Pure."""

    def __init__(self) -> None:
        self._seen: dict[TopicPartition, tuple[int, set[int]]] = {}

    def are(self, partition: TopicPartition, position: int, answered_ms: int) -> bool:
        """Whether there were enough of them; `answered_ms` is when the last one came, and tells them apart."""
        at, answers = self._seen.get(partition, (position, set()))
        answers = answers | {answered_ms} if at == position else {answered_ms}
        self._seen[partition] = position, answers
        return len(answers) > _EMPTY_ANSWERS
