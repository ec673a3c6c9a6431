"""Growth as an SVG: CPU an event by what was grown, and the memory of a long run. Pure."""

from __future__ import annotations

from streams.lab.bench.growth.report import GrowthReport, PointResult
from streams.lab.bench.lines import Chart, Line, svg

_SERIES = ("anchors", "partitions", "workers")


def plot(report: GrowthReport) -> str:
    """A panel for each series that was run, and one for the long run."""
    charts = [_series(name, points) for name in _SERIES if (points := report.series(name))]
    if report.samples:
        charts.append(_long(report))
    return svg("Growth", charts, f"{report.machine['cpu']}, {report.machine['cores']} cores, {report.measured_at}")


def _series(name: str, points: list[PointResult]) -> Chart:
    names = sorted({process for point in points for process in point.judged_cpu_us_per_event})
    lines = [
        Line(process, [(float(each.value), each.judged_cpu_us_per_event[process]) for each in points])
        for process in names
    ]
    ticks = [(float(each.value), f"{each.value:,}") for each in points]
    return Chart(f"CPU by {name}", name, "us an event, detection included", lines, ticks, log_x=True)


def _long(report: GrowthReport) -> Chart:
    lines = [
        Line("worker", [(float(each.events), each.rss_mb) for each in report.samples]),
        Line("store", [(float(each.events), each.store_mb) for each in report.samples]),
    ]
    return Chart("memory over a long run", "events", "MB", lines)
