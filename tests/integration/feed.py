"""The topic `tallies` as a reader sees it, and what it has to say at the end of a scenario."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from redis.asyncio import Redis

from schemas.tallies import TallyState, decode_tally
from streams.keys import shard_keys
from streams.lab.truth import Tally, Truth
from streams.settings import Settings
from streams.topic_admin import partitions_of
from streams.topics import Topics


@dataclass
class Topic:
    """Every record: the last of each key, the one with the greatest version, and the timestamps (epoch ms) of all."""

    last: dict[bytes, TallyState] = field(default_factory=dict)
    newest: dict[bytes, TallyState] = field(default_factory=dict)
    told_ms: dict[bytes, list[int]] = field(default_factory=lambda: defaultdict(list))

    def take(self, key: bytes, state: TallyState, at_ms: int) -> None:
        """One record, in the order of its partition."""
        self.last[key] = state
        if key not in self.newest or state.version >= self.newest[key].version:
            self.newest[key] = state
        self.told_ms[key].append(at_ms)


async def read_topic(settings: Settings) -> Topic:
    """Everything that the topic has now."""
    topic, found = Topics(settings.topic_prefix).tallies, Topic()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        numbers = (await partitions_of(settings.kafka, [topic]))[topic]
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(partitions)
        waiting = set(partitions)
        while waiting:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    found.take(record.key, decode_tally(record.value), record.timestamp)
            waiting = {each for each in waiting if await consumer.position(each) < (consumer.highwater(each) or 0)}
        return found
    finally:
        await consumer.stop()


async def until_told(redis: Redis, settings: Settings) -> None:
    """Wait until nothing is left to be published, and everything has been told once."""
    keys = [shard_keys(settings.group, shard) for shard in range(settings.shards)]
    left, whole = [each.changed_tallies() for each in keys], [each.feed() for each in keys]
    async with asyncio.timeout(60):
        # what is waited for is in another process
        while await redis.exists(*left) or await redis.exists(*whole) < len(whole):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def tallies_of(states: dict[bytes, TallyState]) -> dict[Tally, dict[str, int]]:
    """What the records say, as the truth says it."""
    return {
        Tally(each.dimension, each.id, each.grain, each.start_ms or 0 if each.grain == "hour" else 0): counters(each)
        for each in states.values()
    }


def counters(state: TallyState) -> dict[str, int]:
    """The ten counters of the contract by name."""
    names = (
        "gmv_fen", "orders_paid", "units", "orders_created", "orders_cancelled", "refund_fen", "orders_refunded",
        "refund_booked_fen", "net_gmv_fen", "net_gmv_booked_fen",
    )  # fmt: skip
    return {name: getattr(state, name) for name in names}


def expected(truth: Truth) -> dict[Tally, dict[str, int]]:
    """What must be in the topic at the end: hours of every dimension, and the totals of sessions."""
    return {
        tally: values
        for tally, values in truth.tallies.items()
        if tally.grain == "hour" or (tally.grain == "session" and tally.id != "(none)")
    }
