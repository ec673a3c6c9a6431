"""The percentiles of every rate as an SVG. Pure."""

from __future__ import annotations

from streams.lab.bench.latency.percentiles import CURVE, Spread
from streams.lab.bench.latency.report import GOALS_MS, LatencyReport
from streams.lab.bench.lines import Chart, Line, svg

#: the percentiles stand at even distances: what is of interest lies at the right
_TICKS = [(float(n), f"{percent:g}") for n, percent in enumerate(CURVE)]


def plot(report: LatencyReport) -> str:
    """Two panels, to the tally and to the alert: milliseconds by percentile, one line a rate, and the goal."""
    charts = [_chart(report, "tally"), _chart(report, "alert")]
    machine = report.machine
    return svg("Latency", charts, f"{machine['cpu']}, {machine['cores']} cores, {report.measured_at}")


def _chart(report: LatencyReport, what: str) -> Chart:
    lines = [
        Line(f"{rate.asked_per_s:,.0f}/s{'' if rate.kept_up else ' (did not keep up)'}", _points(getattr(rate, what)))
        for rate in report.rates
    ]
    return Chart(
        title=f"from the record to the {what}",
        x_label="percentile",
        y_label="ms",
        lines=lines,
        x_ticks=_TICKS,
        marks=[(GOALS_MS[what], f"goal for p99 at 5,000/s: {GOALS_MS[what]:.0f} ms")],
        log_y=True,
    )


def _points(of: Spread) -> list[tuple[float, float]]:
    values = [of.at(percent) for percent in CURVE]
    return [(float(n), max(value, 0.1)) for n, value in enumerate(values) if value is not None]
