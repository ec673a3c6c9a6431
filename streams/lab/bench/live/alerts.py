"""The program that reads the topic of alerts: when did which of them get to a reader."""

from __future__ import annotations

import asyncio
import time

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.alerts import decode_alert
from streams.lab.bench.live.standard_input import ended
from streams.lab.bench.live.tasks import SeenAlert, WatchAlerts, main

#: a broker that does not wake a waiting fetch looks a few times in this span: what is seen is late by less than it
_FETCH_WAIT_MS = 20


async def watch(task: WatchAlerts) -> list[SeenAlert]:
    """Prints `ready`; returns every revision until standard input ends, those that were there before included."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=task.kafka,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=_FETCH_WAIT_MS,
    )
    consumer.assign([TopicPartition(task.topic, 0)])
    await consumer.start()
    print("ready", flush=True)
    try:
        stop, seen = asyncio.ensure_future(ended()), []
        while not stop.done():
            fetched = await consumer.getmany(timeout_ms=100)
            now_ms = time.time() * 1_000
            seen += [_seen(record.value, record.timestamp, now_ms) for part in fetched.values() for record in part]
        return seen
    finally:
        await consumer.stop()


def _seen(value: bytes, stamped_ms: int, now_ms: float) -> SeenAlert:
    alert = decode_alert(value)
    return SeenAlert(
        alert.rule.value,
        alert.metric,
        alert.state.value,
        alert.scope.dimension,
        alert.scope.id,
        alert.event_time_ms,
        alert.detected_at_ms,
        stamped_ms,
        now_ms,
    )


def run(task: WatchAlerts) -> list[SeenAlert]:
    """Watch in an event loop of our own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(watch(task))


if __name__ == "__main__":
    main(WatchAlerts, run)
