"""Medians, ratios, the JSON of the contract and the table for people."""

import json

import pytest

from streams.lab.bench.measured import Measured
from streams.lab.bench.profile import PROFILES
from streams.lab.bench.render import table
from streams.lab.bench.report import ArmResult, Report

STORE = {
    "rows_per_event": 0.75,
    "events_per_script": 500.0,
    "hincrby_per_event": 1.5,
    "pfadd_per_event": 0.5,
    "store_commands": {"hincrby": {"calls_per_event": 1.5, "us_per_event": 2.0}},
    "marks_left": 7,
    "tallies": "right",
}


def run(events: int, seconds: float, cpu_s: dict[str, float], extra: dict[str, object] | None = None) -> Measured:
    return Measured(events, seconds, cpu_s, 100.0, extra or {})


def report() -> Report:
    ours = [run(1_000, seconds, {"worker": 0.02, "broker": 0.01, "store": 0.005}, STORE) for seconds in (0.5, 0.1, 0.2)]
    plain = [run(100, 0.1, {"worker": 0.1, "broker": 0.0})]
    steps = {"steps_cpu_us_per_event": {"admit": 1.0, "fold": 4.0}, "rows_per_event": 0.4}
    core = [run(1_000, 0.05, {"worker": 0.05}, steps)]
    remembered = {"remembered_events": 1_000, "resident_bytes_per_event": 171.4, "id_characters": 20.0}
    memory = [run(1_000, 0.001, {"worker": 0.001}, remembered)]
    return Report(
        machine={"cpu": "Some CPU", "cores": 2, "system": "Linux", "python": "CPython 3.11", "load_average": 0.1},
        measured_at="2026-01-01 00:00 UTC",
        profile=PROFILES["stated"].facts(),
        seed=1,
        events=1_000,
        event_bytes=400.0,
        partitions=4,
        chunk_records=5_000,
        arms=[
            ArmResult("hightide", ours),
            ArmResult("plain faust", plain),
            ArmResult("pure core", core),
            ArmResult("resend memory", memory),
        ],
    )


def test_the_json_has_the_shape_of_the_contract() -> None:
    document = json.loads(json.dumps(report().as_json()))
    assert document["machine"]["cores"] == 2 and document["events"] == 1_000
    assert [arm["name"] for arm in document["arms"]] == ["hightide", "plain faust", "pure core", "resend memory"]
    ours = document["arms"][0]
    assert (ours["events_per_s"], ours["cpu_us_per_event"], ours["peak_rss_mb"]) == (5_000, 20, 100)
    assert [each["events_per_s"] for each in ours["runs"]] == [2_000, 10_000, 5_000]
    assert ours["range"]["events_per_s"] == [2_000, 10_000]
    assert document["profile"]["type_shares"]["order.paid"] == 0.6
    assert ours["rows_per_event"] == 0.75
    assert document["redis"] == {
        "rows_per_event": 0.75,
        "events_per_script": 500.0,
        "hincrby_per_event": 1.5,
        "pfadd_per_event": 0.5,
        "cpu_us_per_event": 5.0,
        "commands": STORE["store_commands"],
    }


def test_a_figure_that_was_not_measured_is_null() -> None:
    arms = {arm["name"]: arm for arm in report().as_json()["arms"]}
    assert arms["plain faust"]["store_cpu_us_per_event"] is None
    assert "store_cpu_us_per_event" not in arms["plain faust"]["range"]
    assert arms["pure core"]["broker_cpu_us_per_event"] is None


def test_ratios_are_to_the_yardsticks_that_took_part() -> None:
    arms = {arm["name"]: arm for arm in report().as_json()["arms"]}
    assert arms["hightide"]["ratios"] == {"plain faust": 5.0}
    assert arms["plain faust"]["ratios"] == {"plain faust": 1.0}


def test_without_our_arm_there_is_nothing_to_say_of_redis() -> None:
    whole = report()
    part = Report(**{name: getattr(whole, name) for name in Report.__slots__} | {"arms": whole.arms[1:]})
    assert part.as_json()["redis"] is None


def test_the_table_is_for_people() -> None:
    lines = table(report())
    assert " ".join(lines[0].split()) == "arm events/s (range) CPU us/event broker store rows peak MB x plain faust"
    assert lines[1].split() == ["hightide", "5,000", "(2,000-10,000)", "20.00", "10.00", "5.00", "0.75", "100", "5.00"]
    assert lines[2].split()[-2:] == ["100", "1.00"] and "-" in lines[2].split()
    assert len({len(line) for line in lines[:4]}) == 1
    text = "\n".join(lines)
    assert "plain faust: read 100 of the events" in text
    assert "admit 1.00, fold 4.00" in text
    assert (
        "0.75 Redis rows (1.50 HINCRBY, 0.50 PFADD) an event, 500 events a script; 7 changed tallies" in text
        and "tallies right" in text
    )
    assert "resend memory: 171 resident bytes an event with ids of 20 characters" in text
    assert "medians of 3 runs" in text


@pytest.mark.parametrize(("seconds", "rate"), [(0.5, 2_000), (2.0, 500)])
def test_the_rate_of_a_run(seconds: float, rate: float) -> None:
    assert run(1_000, seconds, {}).events_per_s == rate
