"""The main job, through real processes, a real broker and a real store, compared with the truth to the fen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from streams.lab.simulator.chensmchen import chensmchen
from streams.lab.simulator.planned import Planned
from streams.lab.simulator.run import truth_of
from streams.lab.truth import Truth
from streams.settings import Settings
from tests.integration.scenario import Evening
from tests.integration.small import play_share, small_market

PARTITIONS = {"orders": 4, "live-sessions": 4}


@pytest.fixture(scope="module")
def records() -> list[Planned]:
    return list(chensmchen(7))


@pytest.fixture(scope="module")
def truth(records: list[Planned]) -> Truth:
    return truth_of(records, PARTITIONS, Settings(), {})


@pytest.fixture
async def evening(
    settings: Settings, redis: Redis, records: list[Planned], truth: Truth, tmp_path: Path
) -> AsyncIterator[Evening]:
    evening = Evening(settings, redis, records, truth, tmp_path)
    yield evening
    await evening.end()


async def test_a_worker_killed_in_mid_stream_ends_the_same(evening: Evening) -> None:
    first = evening.start_worker()
    playing = asyncio.create_task(evening.play())
    await evening.until(0.4)
    first.kill()
    second = evening.start_worker()
    await evening.until(0.7)
    second.kill()
    third = evening.start_worker()
    await playing
    report = await evening.finish(third)
    assert report.differences == []
    await evening.check_revisions()


async def test_two_workers_share_the_partitions_and_end_the_same(evening: Evening) -> None:
    workers = [evening.start_worker(), evening.start_worker()]
    await evening.play()
    report = await evening.finish(workers[0])
    assert report.differences == []
    await evening.check_revisions()
    for number in range(2):
        assigned = [line for line in evening.log(number).splitlines() if " partitions: " in line]
        assert 0 < assigned[-1].count(" from ") < sum(PARTITIONS.values()), f"worker {number} reads {assigned[-1]}"


@pytest.fixture
async def market(settings: Settings, redis: Redis, tmp_path: Path) -> AsyncIterator[Evening]:
    market = Evening(settings, redis, *small_market(), tmp_path)
    yield market
    await market.end()


async def test_a_worker_that_joins_and_one_that_leaves_change_nothing(market: Evening) -> None:
    first = market.start_worker()
    await play_share(market, 0.0, 0.3)
    await market.until(0.3)
    second = market.start_worker()
    await play_share(market, 0.3, 0.6)
    await market.until(0.6)
    first.terminate()
    await play_share(market, 0.6, 1.0)
    report = await market.finish(second)
    assert report.differences == []
    assert first.wait(timeout=30) == 0
    await market.check_revisions()


async def test_three_shards_end_the_same_after_a_kill(market: Evening) -> None:
    market.settings = replace(market.settings, shards=3)
    first = market.start_worker()
    await play_share(market, 0.0, 0.5)
    await market.until(0.3)
    first.kill()
    second = market.start_worker()
    await play_share(market, 0.5, 1.0)
    report = await market.finish(second)
    assert report.differences == []
    await market.check_revisions()
