"""The topic `alerts` read to its end, also where the broker has none there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from streams.outbox.published import EmptyAnswers, Published
from streams.settings import Settings
from streams.topic_admin import ensure_topics, simulated_topics
from tests.chaos.devices.durable import DurableBroker
from tests.integration.by_hand import send

HERE, THERE = TopicPartition("alerts", 0), TopicPartition("alerts", 1)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[DurableBroker]:
    """A running one, whose log outlives it."""
    own = DurableBroker(tmp_path)
    own.start()
    yield own
    own.stop()


@pytest.mark.servers
async def test_records_that_were_numbered_and_never_written_are_not_waited_for(broker: DurableBroker) -> None:
    """A broker was killed while it took an alert: whoever publishes next would read for ever."""
    settings = Settings(kafka=broker.address, topic_prefix="x-")
    await ensure_topics(settings, simulated_topics(settings))
    await send(settings, "x-alerts", 0, [b"{}"])
    broker.lose_last("x-alerts", 0)
    published = Published(broker.address, "x-alerts")
    async with asyncio.timeout(20):
        await published.catch_up()


def test_answers_are_told_apart_by_when_they_came() -> None:
    empty = EmptyAnswers()
    assert not any(empty.are(HERE, 5, 1_000) for _ in range(9))
    assert [empty.are(HERE, 5, at_ms) for at_ms in (2_000, 3_000, 4_000)] == [False, False, True]


def test_whoever_comes_further_begins_anew() -> None:
    empty = EmptyAnswers()
    assert [empty.are(HERE, 5, at_ms) for at_ms in (1, 2, 3)] == [False] * 3
    assert [empty.are(HERE, 6, at_ms) for at_ms in (4, 5, 6, 7)] == [False, False, False, True]
    assert not empty.are(THERE, 6, 8)
