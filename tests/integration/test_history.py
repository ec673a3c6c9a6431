"""Imported history through real workers: alerts against it, a lost store, the audit, the commands."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.alerts import Alert, Rule
from streams.connect import redis_client
from streams.lab.audit.alerts import FINAL, last_revisions
from streams.lab.audit.audit import audit
from streams.lab.processes import Process, as_environment, until_settled
from streams.lab.servers import Store
from streams.lab.truth import Tally
from streams.settings import Settings
from streams.tally.windows import DAY_MS, HOUR_MS
from streams.topic_admin import ensure_topics, simulated_topics
from streams.topics import Topics
from tests.integration.scenario import Evening
from tests.integration.small import small_market

HEAD = "kind,dimension,id,start,end,session_id,gmv_fen,net_fen"


@pytest.fixture
async def market(settings: Settings, store: Store, tmp_path: Path) -> AsyncIterator[Evening]:
    """A market on two shards whose one evening has no past of its own."""
    settings = replace(settings, redis=f"redis://{store.address}/0", shards=2, min_history=4)
    redis = redis_client(settings)
    market = Evening(settings, redis, *small_market(), tmp_path)
    yield market
    await market.end()
    await redis.aclose()


async def command(settings: Settings, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HIGHTIDE_")}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "streams.cli.main", *arguments],
        env={**environment, **as_environment(settings)}, capture_output=True, text=True, check=False, input=given,
    )  # fmt: skip


def past(market: Evening) -> list[str]:
    """Hours of the days before and of the first day itself, sessions of the week before, one better than any."""
    hours = {
        tally.start_ms: sums["gmv_fen"]
        for tally, sums in market.truth.tallies.items()
        if tally[:3] == ("platform", "all", "hour") and sums["gmv_fen"]
    }
    first_ms, least = min(hours), min(hours.values())
    old = [f"hour,platform,all,{first_ms - day * DAY_MS},,,{least // day}," for day in range(1, 6)]
    old.append(f"hour,platform,all,{first_ms},,,{hours[first_ms] + 1},")  # the log has it, but not whole
    for number in range(1, 6):
        end_ms = first_ms - number * HOUR_MS
        old.append(f"session,platform,,{end_ms - HOUR_MS},{end_ms},old-{number},{number * 100},{number * 90}")
    return old


async def told(settings: Settings) -> dict[str, Alert]:
    return await last_revisions(settings.kafka, Topics(settings.topic_prefix).alerts)


async def test_a_scope_with_an_imported_past_alerts_at_once_and_all_agrees(market: Evening, tmp_path: Path) -> None:
    settings, redis = market.settings, market.redis
    file = tmp_path / "old.csv"
    file.write_text("\n".join([HEAD, *past(market)]))
    done = await command(settings, "history", "import", str(file), "--author", "wu", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "file": "old.csv", "dry_run": False, "rows": 11, "added": 11, "known": 0, "repeated": 0,
    }  # fmt: skip
    worker = market.start_worker()
    await market.play()
    await until_settled(redis, settings, len(market.records), worker)
    await agrees(market)
    again = await command(settings, "history", "import", "-", given=file.read_text())
    assert (again.returncode, again.stdout) == (0, "0 of 11 rows imported, 11 were in already\n")
    await check_alerts(market)
    await check_a_lost_store(market, worker)
    await check_export(market, tmp_path)


async def agrees(market: Evening) -> None:
    report = await audit(market.settings, market.redis, lambda done, note: None)
    assert report.differences == []
    assert report.imported == 11
    assert report.rankings
    assert report.alerts


async def check_alerts(market: Evening) -> None:
    alerts = (await told(market.settings)).values()
    platform = [each for each in alerts if each.scope.dimension == "platform"]
    assert {each.rule for each in platform} >= {Rule.PEAK_HOUR, Rule.RECORD_SESSION}
    imported = [each for each in platform if not each.evidence]
    of_log = [each for each in platform if each.evidence]
    beat_imported = [each for each in of_log if each.previous and each.previous.holder.id.startswith("old-")]
    assert imported
    assert beat_imported
    found = await command(market.settings, "verify", imported[0].alert_id)
    assert found.returncode == 2
    assert "it names no records: its value is not from this log (imported history)" in found.stdout
    found = await command(market.settings, "verify", beat_imported[0].alert_id)
    assert found.returncode == 0


async def check_a_lost_store(market: Evening, worker: Process) -> None:
    """The same final set as before; what was provisional on the way depends on when a pass looked."""
    before = await told(market.settings)
    await market.redis.flushall()
    await until_settled(market.redis, market.settings, len(market.records), worker)
    await agrees(market)
    after = await told(market.settings)
    assert final(after) == final(before)
    # what was imported stands again before anything is judged or compared: not one revision more is told of it
    imported = {id: each for id, each in before.items() if not each.evidence}
    assert imported
    assert {id: after[id] for id in imported} == imported


def final(alerts: dict[str, Alert]) -> set[str]:
    return {id for id, each in alerts.items() if each.state in FINAL}


async def check_export(market: Evening, tmp_path: Path) -> None:
    """What one installation exports, another imports, and it would export the same."""
    first = await command(market.settings, "history", "export")
    lines = first.stdout.splitlines()
    assert (first.returncode, lines[0]) == (0, HEAD)
    truth = market.truth.tallies
    hours = {line for line in lines if line.startswith("hour,platform")}
    assert len(hours) >= 5 + 4
    some = next(line.split(",") for line in lines if line.startswith("hour,anchor"))
    assert truth[Tally("anchor", some[2], "hour", int(some[3]))]["gmv_fen"] == int(some[6])
    other = replace(
        market.settings, group=f"{market.settings.group}x", topic_prefix=f"{market.settings.topic_prefix}x-"
    )
    await ensure_topics(other, simulated_topics(other))
    done = await command(other, "history", "import", "-", given=first.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    second = await command(other, "history", "export")
    assert sorted(second.stdout.splitlines()) == sorted(lines)
    as_json = await command(other, "history", "export", "--json")
    assert len(as_json.stdout.splitlines()) == len(lines) - 1
    assert set(json.loads(as_json.stdout.splitlines()[0])) <= set(HEAD.split(","))


async def test_nothing_of_a_file_with_a_mistake_is_imported(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    good = "hour,anchor,a,2025-11-11T20:00,,,5,"
    file.write_text("\n".join([HEAD, good, good.replace("20:00", "20:01")]))
    refused = await command(settings, "history", "import", str(file))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(
        "hightide: nothing is imported, 1 lines are wrong\nold.csv:3: start='2025-11-11T20:01'"
    )
    file.write_text("\n".join([HEAD, good]))
    trial = await command(settings, "history", "import", str(file), "--dry-run")
    assert trial.stdout == "1 of 1 rows would be imported, 0 were in already\n"
    done = await command(settings, "history", "import", str(file))
    assert done.stdout == "1 of 1 rows imported, 0 were in already\n"
    other = await command(settings, "history", "import", "-", given="\n".join([HEAD, good.replace("5,", "6,")]))
    assert other.returncode == 1
    assert "standard input:2: gmv_fen=6: hour 2025-11-11T20 of anchor a stands at 5 already" in other.stderr
    missing = await command(settings, "history", "import", str(tmp_path / "none.csv"))
    assert missing.returncode == 1
    assert "can not be read" in missing.stderr
