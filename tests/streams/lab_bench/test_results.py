"""What the README shows of the bench was measured: table and plot are rendered from the result beside the code."""

from pathlib import Path

import pytest

from streams.lab.bench.plot import plot
from streams.lab.bench.render import table
from streams.lab.bench.report import Report
from streams.lab.bench.saved import read_report

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "streams/lab/bench/results"


@pytest.fixture(scope="module")
def report() -> Report:
    return read_report(RESULTS / "arms.json")


def test_the_table_in_the_readme_is_that_of_the_result(report: Report) -> None:
    shown = "\n".join(f"    {line}".rstrip() for line in table(report))
    assert shown in (ROOT / "README.md").read_text("utf-8")


def test_the_plot_in_the_readme_is_that_of_the_result(report: Report) -> None:
    assert (RESULTS / "arms.svg").read_text("utf-8") == plot(report)
    assert "(streams/lab/bench/results/arms.svg)" in (ROOT / "README.md").read_text("utf-8")


def test_its_last_run_was_audited(report: Report) -> None:
    ours = next(arm for arm in report.arms if arm.name == "hightide")
    assert ours.runs[-1].extra["audit"]["differences"] == 0
