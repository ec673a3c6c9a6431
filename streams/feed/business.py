"""The feed: what is sold, as gauges of a few names without ids (`streams/metrics.py`), the same on every worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan
from typing import Final, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from schemas.alerts import GROSS, Rule
from streams.keys import Keys, shard_of
from streams.metrics import Metrics
from streams.tally.counters import PLATFORM_ID
from streams.tally.windows import Zone

#: what an order event may say; a closed list, as the label has to be
CHANNELS: Final = ("live", "shelf", "short_video")

_PLATFORM = "platform", PLATFORM_ID


class Sold(NamedTuple):
    """What is sold at a watermark (epoch ms). Money in fen; `best_fen` is None while no hour has closed."""

    watermark_ms: int
    hour_fen: int
    hour_orders: int
    day_fen: int
    channels_fen: Sequence[int]
    best_fen: int | None
    open_sessions: int


class Business:
    """Keeps the gauges. `keys[n]` are the keys of shard n; `clock_ms` is asked for the lag alone."""

    def __init__(
        self, redis: Redis, keys: Sequence[Keys], zone: Zone, metrics: Metrics, clock_ms: Callable[[], int]
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._zone = zone
        self._metrics = metrics
        self._clock_ms = clock_ms

    async def look(self) -> None:
        """Read it, in one round trip. Raises `RedisError`, with the gauges unknown."""
        try:
            sold = await self._read()
        except (RedisError, OSError):
            self._metrics.business_is_unknown()
            raise
        if sold is None:
            self._metrics.business_is_unknown()
        else:
            self._show(sold)

    async def _read(self) -> Sold | None:
        """None while there is no watermark."""
        watermark_ms = int(await self._redis.get(self._keys[0].watermark()) or 0)
        if not watermark_ms:
            return None
        hour = self._zone.hour(watermark_ms)
        keys = self._of(*_PLATFORM)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.hours("platform", hour // 24, PLATFORM_ID))
            pipe.hget(keys.ranking(Rule.PEAK_HOUR, GROSS, *_PLATFORM), "top")
            pipe.zcard(keys.ranking_open(Rule.RECORD_SESSION, GROSS, *_PLATFORM))
            self._ask_channels(pipe, hour)
            day, best, sessions, *channels = await pipe.execute()
        of_hour = f"{hour % 24:02d}".encode()
        return Sold(
            watermark_ms,
            int(day.get(of_hour + b"g", 0)),
            int(day.get(of_hour + b"p", 0)),
            sum(int(value) for name, value in day.items() if name.endswith(b"g")),
            [int(value or 0) for value in channels],
            int(best) if best and int(best) else None,
            int(sessions),
        )

    def _ask_channels(self, pipe: Pipeline, hour: int) -> None:
        for channel in CHANNELS:
            pipe.hget(self._of("channel", channel).hours("channel", hour // 24, channel), f"{hour % 24:02d}g")

    def _of(self, dimension: str, id: str) -> Keys:
        return self._keys[shard_of(dimension, id, len(self._keys))]

    def _show(self, sold: Sold) -> None:
        metrics = self._metrics
        metrics.watermark_lag.set((self._clock_ms() - sold.watermark_ms) / 1000)
        metrics.hour_gmv.set(sold.hour_fen)
        metrics.hour_orders.set(sold.hour_orders)
        metrics.day_gmv.set(sold.day_fen)
        for channel, value_fen in zip(CHANNELS, sold.channels_fen, strict=True):
            metrics.hour_channel_gmv.labels(channel).set(value_fen)
        metrics.best_hour_gmv.set(nan if sold.best_fen is None else sold.best_fen)
        metrics.open_sessions.set(sold.open_sessions)
