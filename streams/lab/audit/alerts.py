"""The alerts as they stand in their topic: the last revision of each, by alert id."""

from __future__ import annotations

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.alerts import Alert, State, decode_alert
from streams.errors import ServerMissing
from streams.lab.truth import Alert as TrueAlert

#: states in which an alert says that its holder won
FINAL = (State.CONFIRMED, State.REINSTATED)


async def last_revisions(kafka: str, topic: str) -> dict[str, Alert]:
    """The highest revision of every alert in `topic`. Raises `ServerMissing`; `ValueError` if one has two contents."""
    alerts: dict[str, Alert] = {}
    for alert in await all_revisions(kafka, topic):
        known = alerts.get(alert.alert_id)
        if known is None or alert.revision > known.revision:
            alerts[alert.alert_id] = alert
        elif alert.revision == known.revision and alert != known:
            raise ValueError(f"alert {alert.alert_id} revision {alert.revision} stands in {topic} with two contents")
    return alerts


async def all_revisions(kafka: str, topic: str) -> list[Alert]:
    """Every record of the alerts topic, in the order of its partitions. Raises `ServerMissing`."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        # The end of the log is taken from the answers to fetches: the embedded broker's own answer to that question
        # is wrong.
        partitions = [TopicPartition(topic, number) for number in sorted(await _partitions(consumer, topic))]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        alerts: list[Alert] = []
        while True:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                alerts += [decode_alert(record.value) for record in batch]
            if all([await _at_end(consumer, partition) for partition in partitions]):
                return alerts
    except KafkaError as error:
        raise ServerMissing(f"Kafka at {kafka} stopped answering ({error!r})") from error
    except msgspec.MsgspecError as error:
        raise ValueError(f"{topic} holds a record that is no alert ({error})") from error
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    # partitions_for_topic knows only what was asked for before
    await consumer.topics()
    return consumer.partitions_for_topic(topic) or set()


async def _at_end(consumer: AIOKafkaConsumer, partition: TopicPartition) -> bool:
    end = consumer.highwater(partition)
    return end is not None and await consumer.position(partition) >= end


def alert_differences(found: dict[str, Alert], true: list[TrueAlert], watermark_ms: int) -> list[str]:
    """How the final set of the topic differs from the true one as of a watermark, one line each."""
    final = {
        alert_id: alert
        for alert_id, alert in found.items()
        if alert.state in FINAL and (alert.as_of_ms or 0) <= watermark_ms
    }
    expected = {alert.alert_id: alert for alert in true}
    lines = []
    for alert_id in sorted(final.keys() - expected.keys()):
        alert = final[alert_id]
        lines.append(f"alert {alert.state} but not due: {alert.text}")
    for alert_id in sorted(expected.keys() - final.keys()):
        due, state = expected[alert_id], found[alert_id].state if alert_id in found else "missing"
        scope = f"{due.rule} {due.metric} {due.dimension} {due.scope_id}"
        lines.append(f"alert due but {state}: {scope}: {due.holder} at {due.value_fen}")
    return lines
