"""Alerts put where the board reads them, as they stand in their topic."""

from __future__ import annotations

from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from schemas.alerts import encode_alert
from streams.keys import shard_keys
from streams.lab.audit.alerts import all_revisions
from streams.settings import Settings
from streams.topics import Topics


async def tell(redis: Redis, settings: Settings) -> int:
    """Write every revision of the topic into `Keys.told`; returns how many there are. May be repeated."""
    revisions = await all_revisions(settings.kafka, Topics(settings.topic_prefix).alerts)
    for offset, alert in enumerate(revisions):
        with suppress(ResponseError):  # it stands there
            await redis.xadd(shard_keys(settings.group, 0).told(), {"a": encode_alert(alert)}, f"{offset + 1}-0")
    return len(revisions)
