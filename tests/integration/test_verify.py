"""Alerts of a real run are verified from Kafka: as told equal, forged different, unknown said."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from schemas.alerts import GROSS, NET, Alert, Rule, State, encode_alert
from streams.errors import LogReplaced
from streams.keys import shard_keys, shard_of
from streams.lab.audit.alerts import all_revisions
from streams.lab.audit.audit import audit
from streams.lab.audit.log import open_log
from streams.lab.processes import as_environment, until_settled
from streams.lab.simulator.run import rules_of
from streams.lab.truth import Ranking, Record
from streams.lab.verify.verify import Verdict, verify
from streams.settings import Settings
from streams.topics import ORDERS, Topics
from tests.integration.by_hand import send
from tests.integration.scenario import Evening
from tests.integration.small import play_share, small_market

#: revisions that are verified of each rule, metric and state: each reads up to the whole log
SAMPLE = 1


@pytest.fixture
async def market(settings: Settings, redis: Redis, tmp_path: Path) -> AsyncIterator[Evening]:
    """A market on three shards; an alert needs no history, so that its one day has best spans."""
    market = Evening(replace(settings, shards=3, min_history=0), redis, *small_market(), tmp_path)
    yield market
    await market.end()


def sampled(alerts: Sequence[Alert]) -> list[Alert]:
    kinds: dict[tuple[object, ...], list[Alert]] = {}
    for alert in alerts:
        kinds.setdefault((alert.rule, alert.metric, alert.state), []).append(alert)
    return [alert for of_kind in kinds.values() for alert in of_kind[-SAMPLE:]]


async def command(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HIGHTIDE_")}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "streams.cli.main", "verify", *arguments],
        env={**environment, **as_environment(settings)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


async def test_what_was_told_is_what_the_log_says(market: Evening, redis: Redis) -> None:
    """Values read between the settles of three shards, and by a worker that follows one that was killed."""
    first = market.start_worker()
    await play_share(market, 0.0, 0.6)
    await market.until(0.4)
    first.kill()
    second = market.start_worker()
    await play_share(market, 0.6, 1.0)
    await until_settled(redis, market.settings, len(market.records), second)
    assert (await audit(market.settings, redis, lambda done, note: None)).differences == []
    settings, topic = market.settings, Topics(market.settings.topic_prefix).alerts
    told = await all_revisions(settings.kafka, topic)
    chosen = sampled(told)
    assert {alert.rule for alert in chosen} == set(Rule) - {Rule.MILESTONE}
    assert NET in {alert.metric for alert in chosen}
    assert {State.PROVISIONAL, State.CONFIRMED} <= {alert.state for alert in chosen}
    names = {Topics(settings.topic_prefix).orders: ORDERS}
    async with open_log(settings.kafka, names) as log:
        for alert in chosen:
            found = await verify(alert, log, rules_of(settings), lambda read: None)
            assert found.verdict is Verdict.EQUAL, (alert, found)
    last = {alert.alert_id: alert for alert in told}
    standing = next(each for each in reversed(last.values()) if each.state is State.CONFIRMED and each.metric == GROSS)
    await check_command(settings, topic, standing)
    await check_audit(settings, redis, standing)


async def check_audit(settings: Settings, redis: Redis, forged: Alert) -> None:
    """Everything that is compared differs once it was tampered with, and nothing else does."""
    scope = "platform", "all"
    keys = shard_keys(settings.group, shard_of(*scope, settings.shards))
    await redis.hincrby(keys.totals(), "platform:g", 1)
    ranking = Ranking(Rule.PEAK_HOUR.value, GROSS, *scope)
    await redis.hdel(keys.ranking(*ranking), "stairs")
    report = await audit(settings, redis, lambda done, note: None)
    alert, stairs, total = sorted(report.differences)
    assert alert.endswith(f"was told at {forged.value_fen + 1}, should be at most {forged.value_fen}")
    assert stairs.startswith(f"ranking {' '.join(ranking)}: stair 1 is none, should be ")
    assert total.startswith("total of platform:g is ")
    assert report.rankings is not None and report.rankings > 100


async def check_command(settings: Settings, topic: str, alert: Alert) -> None:
    told = await command(settings, alert.alert_id, "--revision", str(alert.revision), "--json")
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout)["recomputed_fen"] == alert.value_fen
    forged = msgspec.structs.replace(alert, revision=99, value_fen=alert.value_fen + 1)
    await send(settings, topic, 0, [encode_alert(forged)])
    told = await command(settings, alert.alert_id)
    assert told.returncode == 1
    assert f"different: the alert says {forged.value_fen:,} fen" in told.stdout
    assert f"add up to {alert.value_fen:,} fen" in told.stdout
    told = await command(settings, "no-such-alert")
    assert (told.returncode, told.stdout) == (64, "")
    assert told.stderr == f"hightide: {topic} has no alert no-such-alert\n"


async def test_a_log_that_is_not_there_any_more_is_said(settings: Settings) -> None:
    """Another topic of the same name, with fewer records: as after it was recreated."""
    topic = Topics(settings.topic_prefix).orders
    await send(settings, topic, 0, [b"{}"] * 3)
    async with open_log(settings.kafka, {topic: ORDERS}) as log:
        assert [each.offset for each in await all_of(log.batches(topic, 0, 0, 3))] == [0, 1, 2]
        with pytest.raises(LogReplaced, match="ends at offset 3, but there were records up to 5"):
            await all_of(log.batches(topic, 0, 0, 5))
        with pytest.raises(LogReplaced, match="has no partition 99"):
            await log.first(topic, 99)
    with pytest.raises(LogReplaced, match=r"no longer has every record|ends at offset 3"):
        async with open_log(settings.kafka, {topic: ORDERS}) as log:
            await all_of(log.batches(topic, 0, 9, 10))


async def all_of(batches: AsyncIterator[list[Record]]) -> list[Record]:
    return [each async for batch in batches for each in batch]
