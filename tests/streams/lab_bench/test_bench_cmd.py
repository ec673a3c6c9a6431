"""`hightide bench`: its options, and one small run of everything."""

import json
import signal
from pathlib import Path

import pytest

from streams.cli import bench_cmd
from streams.cli.main import main, parser
from streams.lab.bench.table import ARMS, chosen


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--events", "0"], "'0' is not a whole number above 0"),
        (["--events", "many"], "'many' is not a whole number"),
        (["--chunk-records", "0"], "'0' is not a whole number from 1 to"),
        (["--arms", "flink"], "flink: the arms are hightide, order index, peers job, plain faust, raw aiokafka, "),
        (["--profile", "easy"], "'easy' is none of stated, hard"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", *arguments])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_dash_in_an_arm_stands_for_a_space() -> None:
    assert bench_cmd.names("plain-faust, raw aiokafka,") == ["plain faust", "raw aiokafka"]


def test_arms_run_in_the_order_of_the_table_and_once() -> None:
    assert [arm.name for arm in chosen(["pure core", "hightide", "pure core"])] == ["hightide", "pure core"]


def test_the_help_names_every_arm(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["bench", "--help"])
    told = "".join(capsys.readouterr().out.split())  # lines are broken at dashes, too
    for name in ARMS:
        assert name.replace(" ", "-") in told


@pytest.mark.servers
def test_a_small_bench_of_all_arms(capsys: pytest.CaptureFixture[str]) -> None:
    here, on_sigterm = set(Path.cwd().iterdir()), signal.getsignal(signal.SIGTERM)
    code = main(["bench", "--events", "3000", "--runs", "1", "--warm-ups", "0", "--chunk-records", "500", "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    document = json.loads(out)
    assert document["events"] == 3_000 and document["chunk_records"] == 500
    assert [arm["name"] for arm in document["arms"]] == list(ARMS)
    for arm in document["arms"]:
        assert arm["events"] == 3_000 and len(arm["runs"]) == 1
        assert arm["events_per_s"] > 0 and arm["peak_rss_mb"] > 10
        assert arm["ratios"].keys() == {"plain faust", "raw aiokafka"}
    ours = document["arms"][0]
    assert document["arms"][2]["runs"][0]["sums"] == "right"
    assert 20 < document["arms"][1]["runs"][0]["index_bytes_per_order"] < 1_000
    memory = document["arms"][-1]["runs"][0]
    assert (memory["remembered_events"], memory["id_characters"]) == (3_000, 20)
    assert 0 < memory["resident_bytes_per_event"] < 2_000
    assert ours["runs"][0]["tallies"] == "right" and ours["store_cpu_us_per_event"] > 0
    assert ours["runs"][0]["audit"]["differences"] == 0 and ours["runs"][0]["audit"]["consumed"] == 3_000
    assert document["redis"]["hincrby_per_event"] > 0.1 and 0.1 < document["redis"]["rows_per_event"] < 20
    steps = ours["runs"][0]["steps_cpu_us_per_event"]
    assert all(steps[step] > 0 for step in ("fetch", "fold", "settle"))
    assert sum(steps.values()) == pytest.approx(ours["cpu_us_per_event"], rel=0.2)
    assert (set(Path.cwd().iterdir()), signal.getsignal(signal.SIGTERM)) == (here, on_sigterm)
