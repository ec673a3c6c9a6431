"""A file of rules through a real worker: milestones as the truth has them, a reload, the commands."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from schemas.alerts import Alert, Rule
from streams.lab.audit.alerts import all_revisions
from streams.lab.audit.audit import audit
from streams.lab.processes import until_settled
from streams.settings import Settings
from streams.topics import Topics
from tests.integration.scenario import Evening
from tests.integration.small import small_market
from tests.integration.test_history import command

RULES = """
[[rule]]
kind = "record.session"
name = "records"
about = "records of the platform"
scopes = ["platform"]

[[rule]]
kind = "milestone"
name = "sums"
about = "a session reaches a sum"
sums_yuan = {sums}
"""


def write(file: Path, *sums_yuan: int) -> None:
    file.write_text(RULES.format(sums=list(sums_yuan)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of rules, with one sum."""
    file = tmp_path / "rules.toml"
    write(file, 100)
    return file


@pytest.fixture
async def market(settings: Settings, redis: Redis, file: Path, tmp_path: Path) -> AsyncIterator[Evening]:
    """A market on two shards under these rules."""
    market = Evening(replace(settings, shards=2, rules=str(file)), redis, *small_market(), tmp_path)
    yield market
    await market.end()


async def milestones(settings: Settings) -> list[Alert]:
    told = await all_revisions(settings.kafka, Topics(settings.topic_prefix).alerts)
    return [each for each in told if each.rule is Rule.MILESTONE]


def due(market: Evening, *sums_yuan: int) -> set[str]:
    totals = {tally.id: each["gmv_fen"] for tally, each in market.truth.tallies.items() if tally.grain == "session"}
    return {
        f"{id}/{yuan * 100}" for id, fen in totals.items() for yuan in sums_yuan if fen >= yuan * 100 and id != "(none)"
    }


async def agrees(market: Evening, *sums_yuan: int) -> list[Alert]:
    report = await audit(market.settings, market.redis, lambda done, note: None)
    assert report.differences == []
    told = await milestones(market.settings)
    assert {each.holder.id for each in told} == due(market, *sums_yuan)
    assert len(told) == len(due(market, *sums_yuan))
    return told


async def test_milestones_are_those_of_the_log_and_a_sum_that_is_new_is_looked_for_in_all_sessions(
    market: Evening, redis: Redis, file: Path
) -> None:
    settings = market.settings
    worker = market.start_worker()
    await market.play()
    await until_settled(redis, settings, len(market.records), worker)
    first = await agrees(market, 100)
    assert first
    found = await command(settings, "verify", first[-1].alert_id, "--json")
    assert (found.returncode, json.loads(found.stdout)["verdict"]) == (0, "equal")
    write(file, 100, 20)
    worker.send_signal(signal.SIGHUP)
    async with asyncio.timeout(60):
        # what is waited for is in another process
        while len(await milestones(settings)) < len(due(market, 100, 20)):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    await agrees(market, 100, 20)
    assert len(due(market, 100, 20)) > len(due(market, 100))
    await check_backtest(market, file)


async def check_backtest(market: Evening, file: Path) -> None:
    told = await all_revisions(market.settings.kafka, Topics(market.settings.topic_prefix).alerts)
    records = {each.alert_id for each in told if each.rule == "record.session" and each.scope.dimension == "platform"}
    done = await command(market.settings, "backtest", str(file), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    by_name = {each["name"]: each for each in json.loads(done.stdout)["rules"]}
    assert by_name["records"]["fired"] == len(records)
    assert by_name["sums"]["fired"] > 0
    assert by_name["sums"]["lead_s"] is None
    done = await command(
        market.settings, "backtest", str(file), "--from", "2024-01-01T00:00", "--to", "2024-01-02T00:00"
    )
    assert done.returncode == 0
    assert [line.split()[2] for line in done.stdout.splitlines()[1:]] == ["0", "0"]
    wrong = await command(market.settings, "backtest", str(file), "--from", "soon")
    assert wrong.returncode == 2
    assert len(await all_revisions(market.settings.kafka, Topics(market.settings.topic_prefix).alerts)) == len(told)


async def test_a_wrong_file_stops_the_start_and_every_command_that_reads_it(settings: Settings, file: Path) -> None:
    write(file, 0)
    said = f"hightide: {file}: rule 2 (sums): sums_yuan = [0]: Expected `int` >= 1\n"
    with_rules = replace(settings, rules=str(file))
    for arguments in (["worker"], ["rules", "show"], ["rules", "check", str(file)], ["backtest", str(file)]):
        refused = await command(with_rules, *arguments)
        assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", said), arguments
    write(file, 7)
    assert (await command(settings, "rules", "check", str(file))).stdout == f"{file}: 2 rules, all right\n"
    shown = await command(with_rules, "rules", "show")
    assert "sums_yuan = [7]" in shown.stdout
    shown = await command(settings, "rules", "show", "--json")
    assert [each["kind"] for each in json.loads(shown.stdout)["rules"]] == [
        "peak.hour",
        "peak.rolling",
        "record.session",
    ]
