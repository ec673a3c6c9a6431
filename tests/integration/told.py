"""Waits until every published alert stands where the board reads it."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from streams.keys import shard_keys
from streams.lab.audit.alerts import all_revisions
from streams.settings import Settings
from streams.topics import Topics


async def until_told(redis: Redis, settings: Settings) -> None:
    """Return once `Keys.told` has as many revisions as the topic `alerts`."""
    revisions = await all_revisions(settings.kafka, Topics(settings.topic_prefix).alerts)
    key = shard_keys(settings.group, 0).told()
    async with asyncio.timeout(30):
        # what is waited for is in another process
        while int(await redis.xlen(key)) < len(revisions):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
