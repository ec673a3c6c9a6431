"""Latency: what is computed from what was sent, and what the watchers saw."""

import json
from xml.etree import ElementTree

import pytest

from streams.cli.main import main
from streams.lab.bench.latency.percentiles import spread
from streams.lab.bench.latency.plot import plot
from streams.lab.bench.latency.render import table
from streams.lab.bench.latency.report import LatencyReport, RateResult
from streams.lab.bench.latency.result import LatencyPlan, result
from streams.lab.bench.latency.settled import moves, settled_ms, tally_latencies
from streams.lab.bench.latency.stages import stage_spreads, ways
from streams.lab.bench.live import probes
from streams.lab.bench.live.tasks import Batch, SeenAlert, Sent, SentProbe, Step
from streams.lab.bench.profile import PROFILES
from streams.lab.bench.usage import Used
from streams.settings import Settings


# -- percentiles ---------------------------------------------------------------------------------
@pytest.mark.parametrize(("percent", "value"), [(0, 1.0), (50, 1.0), (50.1, 2.0), (99, 2.0), (99.1, 9.0), (100, 9.0)])
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(percent: float, value: float) -> None:
    assert spread([(9.0, 1), (1.0, 50), (2.0, 49)]).at(percent) == value


def test_no_samples_have_no_percentiles() -> None:
    assert spread([]).at(50) is None
    assert spread([]).as_json() == {"p50": None, "p90": None, "p99": None, "max": None, "samples": 0, "curve": []}


# -- when what was settled -----------------------------------------------------------------------
STEPS = [Step(0, 10, 1_000.0), Step(1, 5, 1_010.0), Step(0, 25, 1_050.0)]


@pytest.mark.parametrize(("offset", "seen_ms"), [(0, 1_000.0), (9, 1_000.0), (10, 1_050.0), (24, 1_050.0), (25, None)])
def test_a_record_is_settled_once_the_fence_stands_behind_it(offset: int, seen_ms: float | None) -> None:
    assert settled_ms(moves(STEPS), 0, offset) == seen_ms


def test_a_fence_that_went_back_settles_nothing_again() -> None:
    steps = [*STEPS, Step(0, 12, 1_060.0), Step(0, 30, 1_070.0)]
    assert [step.next for step in moves(steps)[0]] == [10, 25, 30]


def test_a_batch_is_cut_where_the_fence_stood_in_it() -> None:
    batches = [Batch(0, 5, 10, 990.0, 991.0), Batch(0, 15, 20, 1_000.0, 1_001.0), Batch(2, 0, 3, 1_000.0, 1_001.0)]
    samples, unsettled = tally_latencies(batches, moves(STEPS))
    assert samples == [(10.0, 5), (60.0, 5), (50.0, 10)]
    assert unsettled == 10 + 3


# -- the way of an alert -------------------------------------------------------------------------
def alert(rule: str, number: int, detected_ms: int, seen_ms: float, **other: str) -> SeenAlert:
    found = {"metric": probes.METRIC, "state": "provisional", "dimension": probes.DIMENSION, **other}
    return SeenAlert(
        rule, found["metric"], found["state"], found["dimension"], probes.anchor_of(number),
        1_000, detected_ms, detected_ms + 7, seen_ms,
    )  # fmt: skip


def test_the_stages_of_a_way_add_up_to_it() -> None:
    sent = [SentProbe(3, 0, 12, 1_000.0)]
    seen = [alert("peak.hour", 3, 1_060, 1_070.0), alert("peak.hour", 3, 1_900, 1_910.0), alert("peak.hour", 4, 1, 2.0)]
    (way,) = ways(sent, seen, moves(STEPS))
    assert (way.whole_ms, way.parts_ms) == (70.0, (50.0, 10.0, 7.0, 3.0))
    assert {name: each.at(50) for name, each in stage_spreads([way]).items()} == {
        "settle": 50.0, "detect": 10.0, "hand over": 7.0, "arrive": 3.0,
    }  # fmt: skip


def test_alerts_of_other_scopes_and_metrics_are_not_the_probes() -> None:
    seen = [
        alert("peak.hour", 3, 1_060, 1_070.0, dimension="cluster"),
        alert("record.session", 3, 1_060, 1_070.0, metric="gmv.paid.net.v1"),
    ]
    assert ways([SentProbe(3, 0, 12, 1_000.0)], seen, moves(STEPS)) == []


def test_an_alert_of_what_was_never_settled_has_no_way() -> None:
    assert ways([SentProbe(3, 0, 99, 1_000.0)], [alert("peak.hour", 3, 1_060, 1_070.0)], moves(STEPS)) == []


# -- a rate --------------------------------------------------------------------------------------
PLAN = LatencyPlan(PROFILES["stated"], 1, [100.0], seconds=1.0, warm_up_s=1.0, probes_a_second=1.0)


def one_rate(asked_per_s: float = 10.0) -> RateResult:
    """Ten events in the warm-up, ten after it, and one probe with both of its alerts."""
    batches = [Batch(0, 0, 10, 0.0, 1.0), Batch(0, 10, 5, 1_500.0, 1_501.0), Batch(0, 15, 5, 2_000.0, 2_003.0)]
    steps = [Step(0, 10, 900.0), Step(0, 15, 1_540.0), Step(0, 20, 2_060.0)]
    seen = [alert(rule, 0, 2_100, 2_200.0) for rule in probes.RULES]
    sent = Sent(batches, [SentProbe(0, 0, 19, 2_000.0)], 4.0)
    return result(asked_per_s, PLAN, sent, steps, seen, Used(2.0, {"worker": 0.002, "broker": 0.001}))


def test_the_warm_up_does_not_count() -> None:
    rate = one_rate()
    assert (rate.events, rate.sent_per_s, rate.unsettled) == (10, 10.0, 0)
    assert (rate.tally.at(50), rate.tally.at(100), rate.acked.at(100)) == (40.0, 60.0, 3.0)
    assert (rate.alert.samples, rate.alerts_due, rate.alert.at(99)) == (2, 2, 200.0)
    assert rate.cpu_us_per_event == {"worker": 100.0, "broker": 50.0}


@pytest.mark.parametrize(("asked_per_s", "kept_up"), [(10.0, True), (10.2, True), (10.3, False)])
def test_a_rate_that_was_not_sent_was_not_kept(asked_per_s: float, kept_up: bool) -> None:
    assert one_rate(asked_per_s).kept_up == kept_up


def report(asked_per_s: float = 5_000.0) -> LatencyReport:
    machine = {"cpu": "Some <CPU>", "cores": 2, "system": "Linux", "python": "CPython 3.11", "load_average": 0.1}
    facts = PROFILES["stated"].facts()
    return LatencyReport(machine, "2026-01-01 00:00 UTC", facts, Settings(), [one_rate(asked_per_s)])


def test_goals_are_of_one_rate() -> None:
    assert report().goals() == {"tally": True, "alert": True}
    assert report(500.0).goals() == {"tally": None, "alert": None}


def test_the_json_has_every_figure_by_name() -> None:
    document = json.loads(json.dumps(report().as_json()))
    assert document["goals"]["met"] == {"tally": True, "alert": True}
    rate = document["rates"][0]
    assert (rate["tally_ms"]["p50"], rate["tally_ms"]["p99"], rate["alert_ms"]["max"]) == (40.0, 60.0, 200.0)
    assert rate["alert_stages_ms"].keys() == {"settle", "detect", "hand over", "arrive"}
    assert rate["tally_ms"]["curve"][-1] == [100, 60.0] and not rate["kept_up"]


def test_the_table_is_for_people() -> None:
    lines = table(report())
    assert lines[1].split()[:9] == ["5,000", "10", "40", "60", "60", "200", "200", "200", "2"]
    text = "\n".join(lines)
    assert "p99 below 100 ms to the tally: met; p99 below 250 ms to the alert: met" in text
    assert "no (0 left)" in text and "not run" in "\n".join(table(report(500.0)))


def test_the_plot_is_an_svg_with_a_line_a_rate_in_either_panel() -> None:
    root = ElementTree.fromstring(plot(report()))
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2 and len(lines[0].attrib["points"].split()) == 13
    assert "Some <CPU>" in "".join(root.itertext()) and "goal for p99" in "".join(root.itertext())


# -- the command ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--rates", "500,no"], "'no' is not a number above 0"),
        (["--rates", "0"], "'0' is not a number above 0"),
        (["--seconds", "-1"], "'-1' is not a number above 0"),
        (["--servers", "mine"], "invalid choice: 'mine'"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "latency", *arguments])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.servers
def test_a_short_measurement(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    plotted = f"{tmp_path}/latency.svg"
    arguments = ["--rates", "200", "--seconds", "1.5", "--warm-up", "0.5", "--alerts", "4", "--plot", plotted, "--json"]
    code = main(["bench", "latency", *arguments])
    out, err = capsys.readouterr()
    assert code == 0, err
    (rate,) = json.loads(out)["rates"]
    assert rate["unsettled"] == 0 and rate["alerts_due"] == 12 == rate["alert_ms"]["samples"]
    assert 0 < rate["tally_ms"]["p50"] <= rate["tally_ms"]["p99"] <= rate["tally_ms"]["max"]
    assert rate["alert_ms"]["p50"] > rate["acknowledged_ms"]["p50"] > 0
    assert rate["core_wait_share"].keys() == {"worker", "broker", "store"}
    assert ElementTree.parse(plotted).getroot().tag.endswith("svg")
