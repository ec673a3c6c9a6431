"""The alerts as they stand in their topic: the last revision of each, by alert id."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.alerts import GROSS, Alert, Rule, State, decode_alert, sum_fen
from streams.errors import ServerMissing
from streams.lab.truth import Alert as TrueAlert
from streams.lab.truth import Leader
from streams.topic_admin import partitions_of

#: states in which an alert says that its holder won
FINAL = (State.CONFIRMED, State.REINSTATED)


async def last_revisions(kafka: str, topic: str) -> dict[str, Alert]:
    """The highest revision of every alert in `topic`. Raises `ServerMissing`; `ValueError` if one has two contents."""
    alerts: dict[str, Alert] = {}
    async for alert in revisions(kafka, topic):
        known = alerts.get(alert.alert_id)
        if known is None or alert.revision > known.revision:
            alerts[alert.alert_id] = alert
        elif alert.revision == known.revision and alert != known:
            raise ValueError(f"alert {alert.alert_id} revision {alert.revision} stands in {topic} with two contents")
    return alerts


async def all_revisions(kafka: str, topic: str) -> list[Alert]:
    """As `revisions`, all at once."""
    return [alert async for alert in revisions(kafka, topic)]


async def revisions(kafka: str, topic: str) -> AsyncIterator[Alert]:
    """Every record of the alerts topic, in the order of its partitions. Raises `ServerMissing`."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        # The end of the log is taken from the answers to fetches: the embedded broker's own answer to that question
        # is wrong.
        numbers = (await partitions_of(kafka, [topic])).get(topic, [])
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        while True:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                for record in batch:
                    yield decode_alert(record.value)
            if all([await _at_end(consumer, partition) for partition in partitions]):
                return
    except KafkaError as error:
        raise ServerMissing(f"Kafka at {kafka} stopped answering ({error!r})") from error
    except msgspec.MsgspecError as error:
        raise ValueError(f"{topic} holds a record that is no alert ({error})") from error
    finally:
        await consumer.stop()


async def _at_end(consumer: AIOKafkaConsumer, partition: TopicPartition) -> bool:
    end = consumer.highwater(partition)
    return end is not None and await consumer.position(partition) >= end


def alert_differences(
    found: dict[str, Alert], true: list[TrueAlert], watermark_ms: int, milestones_fen: Collection[int] = ()
) -> list[str]:
    """How the final set of the topic differs from the true one as of a watermark, one line each.

    Sums that are none of `milestones_fen` were told by rules that are others now.
    """
    final = {
        alert_id: alert
        for alert_id, alert in found.items()
        if alert.state in FINAL
        and (alert.as_of_ms or 0) <= watermark_ms
        and not _is_of_other_rules(alert, milestones_fen)
    }
    expected = {alert.alert_id: alert for alert in true}
    lines = []
    for alert_id in sorted(final.keys() - expected.keys()):
        alert = final[alert_id]
        lines.append(f"alert {alert.state} but not due: {alert.text}")
    for alert_id in sorted(expected.keys() - final.keys()):
        due, state = expected[alert_id], found[alert_id].state if alert_id in found else "missing"
        lines.append(f"alert due but {state}: {_name(due)}: {due.holder} at {due.value_fen}")
    for alert_id in sorted(expected.keys() & final.keys()):
        lines += _told_too_much(final[alert_id], expected[alert_id])
    return lines


def _is_of_other_rules(alert: Alert, milestones_fen: Collection[int]) -> bool:
    return alert.rule is Rule.MILESTONE and sum_fen(alert.holder) not in milestones_fen


def restated(found: dict[str, Alert], true: list[TrueAlert]) -> list[Alert]:
    """Standing alerts whose value, or that of the one before, is another by now than when they were told.

    An alert has one content for ever, and a new revision only when its state changes; late events and refunds go on.
    """
    standing = [(found[due.alert_id], due) for due in true if due.alert_id in found]
    standing = [(alert, due) for alert, due in standing if not any(_told_too_much(alert, due))]
    return [
        alert
        for alert, due in standing
        # a sum is told when it is reached: that the session went on says nothing
        if alert.rule is not Rule.MILESTONE
        and alert.state in FINAL
        and (alert.value_fen != due.value_fen or _previous(alert) != due.previous)
    ]


def _told_too_much(alert: Alert, due: TrueAlert) -> Iterator[str]:
    """Gross values only grow, so what was told of one may be too little by now, but never too much."""
    if alert.metric != GROSS:
        return
    if alert.value_fen > due.value_fen:
        yield f"alert {_name(due)}: {due.holder} was told at {alert.value_fen}, should be at most {due.value_fen}"
    before, before_due = _previous(alert), due.previous
    if (before.value_fen if before else 0) > (before_due.value_fen if before_due else 0):
        yield f"alert {_name(due)}: {due.holder}: previous was told as {before}, should be {before_due}"


def _previous(alert: Alert) -> Leader | None:
    return None if alert.previous is None else Leader(alert.previous.holder.id, alert.previous.value_fen)


def _name(due: TrueAlert) -> str:
    return f"{due.rule} {due.metric} {due.dimension} {due.scope_id}"
