"""A report that was saved is rendered as it was when it was measured: JSON, table and plot."""

import json
import re
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from streams.cli.main import main
from streams.errors import Expected
from streams.lab.bench.measured import Measured
from streams.lab.bench.plot import plot
from streams.lab.bench.profile import PROFILES
from streams.lab.bench.render import table
from streams.lab.bench.report import ArmResult, Report
from streams.lab.bench.saved import read_report

SVG = "{http://www.w3.org/2000/svg}"
OURS = {
    "rows_per_event": 1 / 3,
    "events_per_script": 1_234.5,
    "hincrby_per_event": 1.5,
    "pfadd_per_event": 0.5,
    "store_commands": {},
    "marks_left": 7,
    "tallies": "right",
    "steps_cpu_us_per_event": {"fetch": 1.5, "alerts": 0.0},
    "audit": {"tallies": 20_099, "consumed": 1_000, "rankings": 0, "differences": 0},
}


def runs(seconds: tuple[float, ...], cpu_us: float, extra: dict[str, object] | None = None) -> list[Measured]:
    cpu_s = {"worker": cpu_us * 1_000 / 1e6, "broker": 0.001}
    return [Measured(1_000, each, cpu_s, 100.25, extra or {}) for each in seconds]


@pytest.fixture
def report() -> Report:
    return Report(
        machine={"cpu": "A <fast> CPU", "cores": 2, "system": "Linux", "python": "CPython 3.11", "load_average": 0.1},
        measured_at="2026-01-01 00:00 UTC",
        profile=PROFILES["stated"].facts(),
        seed=1,
        events=1_000,
        event_bytes=435.1,
        partitions=4,
        chunk_records=5_000,
        arms=[
            ArmResult("hightide", runs((1 / 3, 1 / 7, 0.2), 44.0512, OURS)),
            ArmResult("plain faust", runs((0.5, 0.6, 0.7), 146.0)),
            ArmResult("raw aiokafka", runs((0.01, 0.01, 0.01), 0.0)),
        ],
    )


@pytest.fixture
def saved(report: Report, tmp_path: Path) -> Path:
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(report.as_json()))
    return path


def test_a_saved_report_is_the_same_report(report: Report, saved: Path) -> None:
    again = read_report(saved)
    assert again.as_json() == report.as_json()
    assert table(again) == table(report)
    assert plot(again) == plot(report)


def test_the_command_renders_without_measuring(
    report: Report, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = tmp_path / "bench.svg"
    assert main(["bench", "--from", str(saved), "--plot", str(drawn)]) == 0
    assert capsys.readouterr().out.splitlines() == table(report)
    assert drawn.read_text() == plot(report)
    assert main(["bench", "--from", str(saved), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == report.as_json()


@pytest.mark.parametrize(("content", "told"), [("[]", "is not what"), ("{", "is not what"), (None, "can not be read")])
def test_another_file_is_one_line(tmp_path: Path, content: str | None, told: str) -> None:
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Expected, match=told):
        read_report(path)


def test_a_plot_has_somewhere_to_go(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--from", str(saved), "--plot", str(tmp_path / "nowhere" / "a.svg")])
    assert "--plot: there is no folder" in capsys.readouterr().err


def test_the_table_says_what_was_audited_and_leaves_out_what_cost_nothing(report: Report) -> None:
    text = "\n".join(table(report))
    assert "tallies right in each run, 0 differences in the audit of 20,099 tallies" in text
    assert "0.33 Redis rows (1.50 HINCRBY, 0.50 PFADD) an event, 1,234 events a script" in text
    assert "hightide: CPU us/event by step: fetch 1.50\n" in text


# -- the plot ----------------------------------------------------------------------------------
@pytest.fixture
def svg(report: Report) -> Element:
    return fromstring(plot(report))


def dots(svg: Element) -> list[tuple[float, float]]:
    return [(float(each.attrib["cx"]), float(each.attrib["cy"])) for each in svg.iter(f"{SVG}circle")]


def test_it_names_every_arm_and_tells_their_medians(svg: Element) -> None:
    told = [each.text for each in svg.iter(f"{SVG}text")]
    assert told[:3] == ["hightide", "plain faust", "raw aiokafka"]
    assert {"5,000", "1,667", "100,000", "44.05", "146.00"} <= set(told)
    assert any("A <fast> CPU" in str(each) for each in told)


def test_dots_lie_in_the_order_of_their_values_inside_the_picture(svg: Element) -> None:
    width, height = (float(each) for each in svg.attrib["viewBox"].split()[2:])
    rates, cpu = dots(svg)[:3], dots(svg)[3:]
    assert rates[1][0] < rates[0][0] < rates[2][0]
    assert len(cpu) == 2 and cpu[0][0] < cpu[1][0]  # what has cost nothing has no place on the scale
    assert all(0 < x < width and 0 < y < height for x, y in dots(svg))


def test_ten_times_as_much_is_as_far_everywhere(svg: Element) -> None:
    middle = [each for each in svg.iter(f"{SVG}text") if "middle" in each.get("class", "")]
    ticks = {each.text: float(each.attrib["x"]) for each in reversed(middle)}  # the left axis comes first
    assert ticks["10,000"] - ticks["1,000"] == pytest.approx(ticks["100,000"] - ticks["10,000"], abs=0.2)


def test_it_is_small_and_follows_the_reader(report: Report) -> None:
    assert len(plot(report)) < 8_000
    assert "prefers-color-scheme: dark" in plot(report)
    used = {kind for each in re.findall(r'class="([^"]+)"', plot(report)) for kind in each.split()}
    assert {kind for kind in used if f".{kind} {{" not in plot(report)} == set()
