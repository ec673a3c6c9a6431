"""The passes of the feed over a real store: what is told, what stays to be told, and who may tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError
from redis.asyncio import Redis

from schemas.tallies import TallyState, decode_tally
from streams.feed.feed import TalliesFeed, switched_off
from streams.feed.names import text_of
from streams.feed.reading import Record
from streams.feed.states import Terms
from streams.keys import shard_keys
from streams.tally.windows import DAY_MS, SHANGHAI

KEYS = shard_keys("test", 0)
DAY = 20_453
HOUR = DAY * 24 + 7
WATERMARK_MS = SHANGHAI.start_ms("hour", HOUR) + 1


class Topic:
    """Takes records as Kafka does, unless it is away; `before` is done first, while the records are on their way."""

    def __init__(self) -> None:
        self.took: list[TallyState] = []
        self.away = False
        self.before: Callable[[], Any] | None = None

    async def send(self, records: Iterable[Record], left_s: Callable[[], float]) -> None:
        if self.before is not None:
            before, self.before = self.before, None
            await before()
        if self.away or left_s() < 0:
            raise KafkaTimeoutError
        self.took += [decode_tally(value) for _, value in records]

    async def close(self) -> None:
        """Nothing to end."""


def feed(redis: Redis, topic: Topic, worker: str = "w") -> TalliesFeed:
    async def watermark_ms() -> int:
        return WATERMARK_MS

    return TalliesFeed(redis, [KEYS], Terms(SHANGHAI, 0, DAY_MS), topic, watermark_ms, worker)  # type: ignore[arg-type]


async def settle(redis: Redis, id: str, gmv_fen: int) -> None:
    """As a settle does it, so far as the feed sees it."""
    version = await redis.incr(KEYS.sequence())
    await redis.hincrby(KEYS.hours("city", DAY, id), "07g", gmv_fen)
    await redis.hset(KEYS.changed_tallies(), f"{version} 0 0:orders", text_of([("city", id, HOUR)], []))


@pytest.fixture
async def told_before(redis: Redis) -> None:
    """The topic has all that was there before."""
    await redis.set(KEYS.feed(), 1)


def values(topic: Topic) -> list[tuple[str, int]]:
    return [(state.id, state.gmv_fen) for state in topic.took]


@pytest.mark.usefixtures("told_before")
async def test_what_changed_often_is_told_once_as_it_stands(redis: Redis) -> None:
    topic = Topic()
    for gmv_fen in (5, 6, 7):
        await settle(redis, "x", gmv_fen)
    assert await feed(redis, topic).publish_pass(0) == 1
    assert values(topic) == [("x", 18)]
    assert topic.took[0].version == 3 and topic.took[0].as_of_ms == WATERMARK_MS
    assert await feed(redis, topic).publish_pass(0) == 0, "and not again"


@pytest.mark.usefixtures("told_before")
async def test_what_changes_while_it_is_told_is_told_again(redis: Redis) -> None:
    topic, it = Topic(), None
    it = feed(redis, topic)
    await settle(redis, "x", 5)
    topic.before = lambda: settle(redis, "x", 6)
    await it.publish_pass(0)
    await it.publish_pass(0)
    assert values(topic) == [("x", 5), ("x", 11)]
    assert [state.version for state in topic.took] == [1, 2]


@pytest.mark.usefixtures("told_before")
async def test_without_kafka_nothing_is_lost_and_what_waits_does_not_grow_by_each_settle(redis: Redis) -> None:
    topic = Topic()
    it, topic.away = feed(redis, topic), True
    for number in range(10):
        await settle(redis, f"{number % 3}", 1)
        with pytest.raises(KafkaError):
            await it.publish_pass(0)
    assert await redis.hlen(KEYS.changed_tallies()) == 1
    topic.away = False
    assert await it.publish_pass(0) == 3
    assert sorted(values(topic)) == [("0", 4), ("1", 3), ("2", 3)]


@pytest.mark.usefixtures("told_before")
async def test_one_worker_tells_and_the_next_one_goes_on_when_it_ends(redis: Redis) -> None:
    topic, other = Topic(), Topic()
    first, second = feed(redis, topic, "a"), feed(redis, other, "b")
    await settle(redis, "x", 5)
    assert await first.publish_pass(0) == 1
    await settle(redis, "x", 6)
    assert await second.publish_pass(0) == 0
    await first.close()
    assert await second.publish_pass(0) == 1
    assert values(other) == [("x", 11)]


@pytest.mark.usefixtures("told_before")
async def test_who_slept_with_an_older_value_in_hand_makes_the_newer_one_the_last(redis: Redis) -> None:
    """Its lease ran out between the last look at it and the record in the topic."""
    topic = Topic()
    asleep, awake = feed(redis, topic, "a"), feed(redis, topic, "b")

    async def others_go_on() -> None:
        await redis.delete(KEYS.lease("tallies"))
        await settle(redis, "x", 6)
        assert await awake.publish_pass(0) == 1

    await settle(redis, "x", 5)
    topic.before = others_go_on
    await asleep.publish_pass(0)
    assert values(topic) == [("x", 11), ("x", 5)], "the older one is the last in the topic, for now"
    await awake.publish_pass(0)
    assert values(topic)[-1] == ("x", 11)
    assert not await redis.exists(KEYS.changed_tallies())


async def test_a_page_that_was_not_told_is_swept_again(redis: Redis) -> None:
    topic = Topic()
    it, topic.away = feed(redis, topic), True
    for number in range(3_000):  # more than a page
        await redis.hset(KEYS.hours("city", DAY, f"{number}"), "07g", 1)
    with pytest.raises(KafkaError):
        await it.publish_pass(0)
    topic.away = False
    passes = 1
    while not await redis.exists(KEYS.feed()):
        await it.publish_pass(0)
        passes += 1
    assert passes > 2
    assert {state.id for state in topic.took} == {f"{number}" for number in range(3_000)}


async def test_a_feed_that_is_switched_off_forgets_what_it_would_not_tell(redis: Redis) -> None:
    await redis.set(KEYS.feed(), 1)
    await settle(redis, "x", 5)
    await switched_off(redis, [KEYS])
    assert not await redis.exists(KEYS.changed_tallies(), KEYS.feed())
    topic = Topic()
    await feed(redis, topic).publish_pass(0)
    assert values(topic) == [("x", 5)], "on again, it sweeps"
