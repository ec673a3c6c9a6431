"""The topic `tallies`: its last records are the truth, whatever happens to worker and store; none comes too often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from urllib.request import urlopen

import pytest

from schemas.alerts import GROSS
from streams.connect import redis_client
from streams.feed.business import CHANNELS
from streams.feed.curve import Span, curves
from streams.keys import shard_keys
from streams.lab.servers import Store
from streams.lab.servers.spawn import free_port
from streams.lab.truth import Ranking, Tally
from streams.settings import Settings
from streams.tally.windows import DAY_MS, HOUR_MS, MINUTE_MS
from tests.integration.feed import Topic, expected, read_topic, tallies_of, until_told
from tests.integration.scenario import Evening
from tests.integration.small import play_share, small_market
from tests.integration.test_healing import copy_of, go_back


@pytest.fixture
async def evening(settings: Settings, store: Store, tmp_path: Path) -> AsyncIterator[Evening]:
    """The small market over the broker of the run and this store; nothing is sent, no worker runs."""
    settings = replace(settings, redis=f"redis://{store.address}/0")
    redis = redis_client(settings)
    market = Evening(settings, redis, *small_market(), tmp_path)
    yield market
    await market.end()
    await redis.aclose()


async def ends_in_the_truth(evening: Evening, worker: object) -> Topic:
    report = await evening.finish(worker)  # type: ignore[arg-type]
    assert report.differences == []
    await until_told(evening.redis, evening.settings)
    topic = await read_topic(evening.settings)
    for states in (topic.last, topic.newest):
        told, due = tallies_of(states), expected(evening.truth)
        assert told.keys() >= due.keys()
        assert {tally: told[tally] for tally in due} == due
        # a session that sold nothing is told, too: by its declaration
        assert all(not any(values.values()) for tally, values in told.items() if tally not in due)
    return topic


async def test_the_last_records_are_the_truth_and_none_comes_more_than_once_a_second(evening: Evening) -> None:
    worker = evening.start_worker()
    for share in range(10):
        await play_share(evening, share / 10, (share + 1) / 10)
        await evening.until(share / 10)
    topic = await ends_in_the_truth(evening, worker)
    gaps = [later - at for told in topic.told_ms.values() for at, later in pairwise(told)]
    assert gaps and min(gaps) >= 950, "a pass begins a second after the last one, and tells a tally once"
    versions = [each.version for each in topic.last.values()]
    assert min(versions) > 0


async def test_the_gauges_of_a_worker_are_the_truth_of_the_hour_of_the_watermark(evening: Evening) -> None:
    evening.settings = replace(evening.settings, metrics=f"127.0.0.1:{free_port()}")
    worker, truth, zone = evening.start_worker(), evening.truth, evening.settings.zone
    await play_share(evening, 0.0, 1.0)
    await evening.finish(worker)
    assert truth.watermark_ms is not None
    hour_ms, day_ms = (zone.start_ms(grain, getattr(zone, grain)(truth.watermark_ms)) for grain in ("hour", "day"))
    hour, day = (
        truth.tallies[Tally("platform", "all", grain, start_ms)]
        for grain, start_ms in (("hour", hour_ms), ("day", day_ms))
    )
    due = {
        "hightide_hour_gmv_fen": hour["gmv_fen"],
        "hightide_hour_paid_orders": hour["orders_paid"],
        "hightide_day_gmv_fen": day["gmv_fen"],
        "hightide_best_hour_gmv_fen": truth.rankings[Ranking("peak.hour", GROSS, "platform", "all")].value_fen,
    } | {
        f'hightide_hour_channel_gmv_fen{{channel="{channel}"}}': truth.tallies.get(
            Tally("channel", channel, "hour", hour_ms), {"gmv_fen": 0}
        )["gmv_fen"]
        for channel in CHANNELS
    }
    for _ in range(100):  # the gauges are read once a second
        if (found := await gauges(evening.settings.metrics, due)) == due:
            break
        await asyncio.sleep(0.2)
    assert found == due


async def gauges(address: str, names: Collection[str]) -> dict[str, float]:
    """What a worker answers to Prometheus, of these series."""

    def ask() -> str:
        with urlopen(f"http://{address}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    lines = (line.rpartition(" ") for line in (await asyncio.to_thread(ask)).splitlines())
    return {name: float(value) for name, _, value in lines if name in names}


async def test_a_kill_and_a_second_worker_end_in_the_truth(evening: Evening) -> None:
    evening.settings = replace(evening.settings, shards=2)
    first = evening.start_worker()
    await play_share(evening, 0.0, 0.5)
    await evening.until(0.4)
    first.kill()
    second = evening.start_worker()
    await play_share(evening, 0.5, 1.0)
    await ends_in_the_truth(evening, second)


async def test_a_store_that_goes_back_ends_in_the_truth(evening: Evening) -> None:
    worker = evening.start_worker()
    await play_share(evening, 0.0, 0.3)
    await evening.until(0.3)
    snapshot = await copy_of(evening.redis)
    await play_share(evening, 0.3, 0.7)
    await evening.until(0.7)
    await until_told(evening.redis, evening.settings)
    await go_back(evening.redis, snapshot)
    await play_share(evening, 0.7, 1.0)
    await ends_in_the_truth(evening, worker)
    await curves_are_the_truth(evening)


async def curves_are_the_truth(evening: Evening) -> None:
    """Of the platform, every cluster and every session: no dent is left where the store went back."""
    minutes = {tally: each["gmv_fen"] for tally, each in evening.truth.tallies.items() if tally.grain == "minute"}
    tallies = sorted({(tally.dimension, tally.id) for tally in minutes})
    since_ms = min(tally.start_ms for tally in minutes) // HOUR_MS * HOUR_MS
    keys = [shard_keys(evening.settings.group, 0)]
    span = Span(since_ms, since_ms + DAY_MS)
    found = await curves(evening.redis, keys, evening.settings.zone, tallies, span)
    assert {len(curve.points) for curve in found} == {len(found[0].points)} and len(found[0].points) > 200
    for (dimension, id), curve in zip(tallies, found, strict=True):
        starts_ms = [since_ms + number * MINUTE_MS for number in range(len(curve.points))]
        due = accumulate(minutes.get(Tally(dimension, id, "minute", start_ms), 0) for start_ms in starts_ms)
        assert curve.points == list(due), (dimension, id)


async def test_a_store_that_is_emptied_ends_in_the_truth(evening: Evening) -> None:
    worker = evening.start_worker()
    await play_share(evening, 0.0, 1.0)
    await evening.until(0.9)
    await until_told(evening.redis, evening.settings)
    await evening.redis.flushall()
    await ends_in_the_truth(evening, worker)


async def test_a_feed_that_is_switched_on_later_tells_everything(evening: Evening) -> None:
    evening.settings = replace(evening.settings, feed=False)
    worker = evening.start_worker()
    await play_share(evening, 0.0, 0.6)
    await evening.until(0.6)
    assert not await evening.redis.exists(shard_keys(evening.settings.group, 0).changed_tallies())
    assert (await read_topic(evening.settings)).last == {}
    worker.terminate()
    evening.settings = replace(evening.settings, feed=True)
    worker = evening.start_worker()
    await play_share(evening, 0.6, 1.0)
    await ends_in_the_truth(evening, worker)
