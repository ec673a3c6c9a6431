"""`hightide simulate` on a real broker: what lies in the log is what was planned, and the truth is of exactly that."""

import argparse
import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from streams.cli import simulate_cmd
from streams.errors import ServerMissing
from streams.lab.audit.log import open_log
from streams.lab.servers import Broker
from streams.lab.simulator.clusters import Size, clusters
from streams.lab.simulator.pace import Pace
from streams.lab.simulator.partitions import place
from streams.lab.simulator.planned import ORDERS, SESSIONS
from streams.lab.simulator.play import Target, play
from streams.lab.simulator.run import TopicsUnfit
from streams.lab.truth import Record, Rules, compute_truth, read_truth
from streams.settings import Settings
from streams.topic_admin import ensure_topics, wanted_topics

SIZE = Size(rate=1.0, hours=1)
FOUR = {ORDERS: 4, SESSIONS: 4}


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of this module's own."""
    broker = Broker(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker.address
    broker.stop()


def command(monkeypatch: pytest.MonkeyPatch, kafka: str, prefix: str, *words: str) -> int:
    """Run the command as the program would."""
    monkeypatch.setenv("HIGHTIDE_KAFKA", kafka)
    monkeypatch.setenv("HIGHTIDE_TOPIC_PREFIX", prefix)
    parser = argparse.ArgumentParser()
    simulate_cmd.register(parser.add_subparsers())
    arguments = parser.parse_args(["simulate", *words])
    return int(arguments.run(arguments))


SMALL = ("clusters", "--rate", "1", "--hours", "1")


@pytest.mark.servers
def test_the_log_holds_what_was_planned_and_the_truth_is_of_that(
    monkeypatch: pytest.MonkeyPatch, kafka: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:

    file = tmp_path / "truth.jsonl"
    assert command(monkeypatch, kafka, "a-", *SMALL, "--truth", str(file), "--json") == 0
    planned = list(place(clusters(1, SIZE), FOUR))
    said = json.loads(capsys.readouterr().out)
    assert (said["records"], said["seed"], said["arguments"]) == (len(planned), 1, {"rate": 1.0, "hours": 1})

    ends = {(each.topic, each.partition): each.offset + 1 for each in planned}
    found = asyncio.run(everything(kafka, ends))
    assert sorted(each[:6] for each in found) == sorted((*each[:4], each.key.encode(), each.value) for each in planned)

    truth = read_truth(file)
    assert truth.meta["seed"] == 1
    assert truth.meta["rules"]["lateness_ms"] == 120_000
    assert truth == compute_truth(planned, Rules(), truth.meta, drive_again=True)


async def everything(kafka: str, ends: Mapping[tuple[str, int], int]) -> list[Record]:
    async with open_log(kafka, {f"a-{topic}": topic for topic in FOUR}) as log:
        return [
            record
            for (topic, partition), end in ends.items()
            async for batch in log.batches(f"a-{topic}", partition, 0, end)
            for record in batch
        ]


@pytest.mark.servers
def test_a_truth_of_topics_that_are_not_empty_is_refused(
    monkeypatch: pytest.MonkeyPatch, kafka: str, tmp_path: Path
) -> None:
    file = tmp_path / "truth.jsonl"
    assert command(monkeypatch, kafka, "b-", *SMALL) == 0
    with pytest.raises(TopicsUnfit, match="HIGHTIDE_TOPIC_PREFIX"):
        command(monkeypatch, kafka, "b-", *SMALL, "--truth", str(file))
    assert not file.exists()


@pytest.mark.servers
def test_topics_that_stamp_records_themselves_are_refused_if_the_broker_tells(
    monkeypatch: pytest.MonkeyPatch, kafka: str
) -> None:

    production = Settings(kafka=kafka, topic_prefix="c-")
    asyncio.run(ensure_topics(production, wanted_topics(production)))
    with pytest.raises(TopicsUnfit, match="LogAppendTime"):
        command(monkeypatch, kafka, "c-", *SMALL)


async def test_a_broker_that_is_not_there_is_named() -> None:
    with pytest.raises(ServerMissing, match=r"127\.0\.0\.1:1"):
        await play(clusters(1, SIZE), Target("127.0.0.1:1", "orders", "live-sessions"), Pace(None))


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nope"],
        ["chensmchen", "--speed", "0"],
        ["chensmchen", "--speed", "fast"],
        ["chensmchen", "--rate", "5"],
        ["clusters", "--hours", "25"],
        ["clusters", "--rate", "inf"],
        ["chensmchen", "--truth", "/nowhere/truth.jsonl"],
    ],
)
def test_wrong_usage_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        command(monkeypatch, "127.0.0.1:1", "", *words)
    assert stop.value.code == 2


def test_the_list_names_every_scenario(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(monkeypatch, "127.0.0.1:1", "", "--list", "--json") == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == ["chensmchen", "concetery", "clusters"]
