"""Topics on a real broker, through the library and through the command."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from streams.errors import ServerMissing
from streams.settings import Settings
from streams.topic_admin import check_topics, ensure_topics, simulated_topics, wanted_topics


@pytest.fixture
def bare(settings: Settings) -> Settings:
    """Settings of topics that do not exist."""
    return replace(settings, topic_prefix=f"{settings.topic_prefix}bare-")


def hightide(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would, on the topics of `settings`."""
    environ = {**os.environ, "HIGHTIDE_KAFKA": settings.kafka, "HIGHTIDE_TOPIC_PREFIX": settings.topic_prefix}
    command = [sys.executable, "-m", "streams.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environ)


async def test_missing_topics_are_created_once(bare: Settings) -> None:
    names = tuple(topic.name for topic in wanted_topics(bare))
    assert await ensure_topics(bare) == names
    assert await ensure_topics(bare) == ()
    assert (await check_topics(bare)).differences == ()


async def test_only_what_is_missing_is_created(bare: Settings) -> None:
    orders, *others = wanted_topics(bare)
    assert await ensure_topics(bare, [orders]) == (orders.name,)
    assert await ensure_topics(bare) == tuple(topic.name for topic in others)


async def test_checking_does_not_create_what_it_asks_about(bare: Settings) -> None:
    for _ in range(2):
        check = await check_topics(bare)
        assert [it.topic for it in check.differences] == [topic.name for topic in wanted_topics(bare)]
        assert {it.found for it in check.differences} == {None}


async def test_an_existing_topic_stays_and_its_difference_is_found(bare: Settings) -> None:
    await ensure_topics(bare, simulated_topics(bare))
    wider = replace(bare, partitions=bare.partitions + 1)
    assert await ensure_topics(wider) == ()
    found = {(it.topic.removeprefix(bare.topic_prefix), it.what) for it in (await check_topics(wider)).differences}
    partitions = {(name, "partitions") for name in ("orders", "live-sessions", "tallies", "rejects")}
    simulated = {
        (name, what) for name in ("orders", "live-sessions") for what in ("message.timestamp.type", "retention.ms")
    }
    assert found == partitions | simulated


async def test_a_broker_that_is_gone_is_missing() -> None:
    with pytest.raises(ServerMissing, match=r"Kafka at 127\.0\.0\.1:1 "):
        await ensure_topics(Settings(kafka="127.0.0.1:1"))


def test_the_command_creates_and_then_finds_no_difference(bare: Settings) -> None:
    names = [topic.name for topic in wanted_topics(bare)]
    first = hightide(bare, "topics", "create")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines() == [f"created {name}" for name in names]
    again = hightide(bare, "topics", "create", "--json")
    assert json.loads(again.stdout) == {"created": [], "existed": names}
    check = hightide(bare, "topics", "check")
    assert (check.returncode, check.stdout.splitlines()[-1]) == (0, "0 differences")


def test_the_command_names_each_difference_and_exits_with_1(bare: Settings) -> None:
    check = hightide(bare, "topics", "check")
    names = [topic.name for topic in wanted_topics(bare)]
    assert check.returncode == 1
    assert check.stdout.splitlines() == [f"{name}: topic should be exists, is missing" for name in names] + [
        f"{len(names)} differences"
    ]
    as_json = hightide(bare, "topics", "check", "--json")
    assert as_json.returncode == 1
    assert [it["topic"] for it in json.loads(as_json.stdout)["differences"]] == names
