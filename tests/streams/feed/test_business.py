"""The gauges of what is sold: as the store has them, and unknown rather than 0."""

from __future__ import annotations

from math import isnan
from typing import get_args

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from schemas.alerts import GROSS, Rule
from schemas.events import Channel
from streams.feed.business import CHANNELS, Business
from streams.keys import shard_keys, shard_of
from streams.metrics import Metrics
from streams.tally.windows import SHANGHAI

DAY = 20_453
NOON_MS = SHANGHAI.start_ms("hour", DAY * 24 + 12)
GAUGES = (
    "hightide_watermark_lag_seconds", "hightide_hour_gmv_fen", "hightide_hour_paid_orders", "hightide_day_gmv_fen",
    "hightide_best_hour_gmv_fen", "hightide_open_sessions",
)  # fmt: skip


def shown(metrics: Metrics) -> dict[str, float]:
    found = {name: metrics.registry.get_sample_value(name) for name in GAUGES}
    for channel in CHANNELS:
        found[channel] = metrics.registry.get_sample_value("hightide_hour_channel_gmv_fen", {"channel": channel})
    return {name: value for name, value in found.items() if value is not None and not isnan(value)}


def business(redis: Redis, shards: int = 1) -> tuple[Business, Metrics]:
    metrics = Metrics()
    keys = [shard_keys("test", shard) for shard in range(shards)]
    return Business(redis, keys, SHANGHAI, metrics, lambda: NOON_MS + 61_500), metrics


@pytest.mark.parametrize("shards", [1, 3])
async def test_what_is_sold_in_the_hour_and_on_the_day_of_the_watermark(redis: Redis, shards: int) -> None:
    it, metrics = business(redis, shards)
    platform = shard_keys("test", shard_of("platform", "all", shards))
    live = shard_keys("test", shard_of("channel", "live", shards))
    await redis.set(shard_keys("test", 0).watermark(), NOON_MS + 60_000)
    await redis.hset(platform.hours("platform", DAY, "all"), mapping={"11g": 40, "12g": 7, "12p": 2, "11r": 5})
    await redis.hset(live.hours("channel", DAY, "live"), mapping={"12g": 6})
    await redis.hset(platform.ranking(Rule.PEAK_HOUR, GROSS, "platform", "all"), mapping={"top": 40})
    await redis.zadd(platform.ranking_open(Rule.RECORD_SESSION, GROSS, "platform", "all"), {"s": 3, "t": 4})
    await it.look()
    assert shown(metrics) == {
        "hightide_watermark_lag_seconds": 1.5, "hightide_hour_gmv_fen": 7, "hightide_hour_paid_orders": 2,
        "hightide_day_gmv_fen": 47, "hightide_best_hour_gmv_fen": 40, "hightide_open_sessions": 2,
        "live": 6, "shelf": 0, "short_video": 0,
    }  # fmt: skip


async def test_before_the_first_watermark_nothing_is_known(redis: Redis) -> None:
    it, metrics = business(redis)
    assert shown(metrics) == {}
    await it.look()
    assert shown(metrics) == {}


async def test_before_the_first_closed_hour_there_is_no_mark_to_beat(redis: Redis) -> None:
    it, metrics = business(redis)
    await redis.set(shard_keys("test", 0).watermark(), NOON_MS)
    await redis.hset(
        shard_keys("test", 0).ranking(Rule.PEAK_HOUR, GROSS, "platform", "all"), mapping={"top": 0, "past": 0}
    )
    await it.look()
    assert "hightide_best_hour_gmv_fen" not in shown(metrics)
    assert shown(metrics)["hightide_hour_gmv_fen"] == 0, "no orders, and that is known"


async def test_without_a_store_what_was_known_is_known_no_more(redis: Redis) -> None:
    it, metrics = business(redis)
    await redis.set(shard_keys("test", 0).watermark(), NOON_MS)
    await it.look()
    assert shown(metrics)
    await redis.set(shard_keys("test", 0).hours("platform", DAY, "all"), "of another type")
    with pytest.raises(RedisError):
        await it.look()
    assert shown(metrics) == {}


def test_the_channels_are_those_that_an_event_may_have() -> None:
    assert get_args(Channel) == CHANNELS
