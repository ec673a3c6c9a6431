"""What a growth plan found as text for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streams.lab.bench.columns import aligned
from streams.lab.bench.growth.capacity import Needs
from streams.lab.bench.growth.report import GrowthReport, Memory, PointResult, slope_mb
from streams.lab.bench.growth.scale import Scale

_SERIES = ("anchors", "partitions", "workers")
_FAMILIES = 20


def table(report: GrowthReport, capacity: Needs | None, scale: Scale) -> list[str]:
    """The lines to print."""
    return [
        line
        for part in (
            *(_series(report.series(name)) for name in _SERIES),
            _memory(report.memory),
            _long(report),
            _capacity(capacity, scale),
            _notes(report),
        )
        for line in part
    ]


def _series(points: Sequence[PointResult]) -> list[str]:
    if not points:
        return []
    heads = [
        points[0].series,
        "events/s",
        "worker us/event",
        "with detection",
        "store",
        "broker",
        "peak MB",
        "store MB",
    ]
    return [*aligned([heads, *map(_cells, points)]), ""]


def _cells(point: PointResult) -> list[str]:
    settled, judged = point.cpu_us_per_event, point.judged_cpu_us_per_event
    return [
        f"{point.value:,}",
        f"{point.events_per_s:,.0f}",
        *(
            _us(each)
            for each in (settled.get("worker"), judged.get("worker"), judged.get("store"), judged.get("broker"))
        ),
        f"{point.peak_rss_mb:,.0f}",
        f"{point.store_mb:,.1f}",
    ]


def _us(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _memory(memory: Memory | None) -> Iterator[str]:
    if memory is None:
        return
    heads = ["in the store", "keys", "bytes each", "parts each", "MB"]
    rows = [
        [each.name, f"{each.keys:,}", f"{each.bytes:,.0f}", f"{each.parts:.1f}", f"{each.total_bytes / 1e6:,.1f}"]
        for each in memory.families[:_FAMILIES]
    ]
    yield from aligned([heads, *rows])
    yield ""
    yield (
        f"one anchor-hour: {memory.anchor_hour_bytes:,.0f} bytes (sums, minutes, buyers); all that came with it, "
        f"by the store's used memory: {memory.used_bytes_per_anchor_hour:,.0f} bytes "
        f"({memory.anchor_hours:,.0f} anchor-hours)"
    )
    yield ""


def _long(report: GrowthReport) -> Iterator[str]:
    if not report.samples:
        return
    heads = ["long run, events", "worker MB", "store MB"]
    rows = [[f"{each.events:,}", f"{each.rss_mb:,.1f}", f"{each.store_mb:,.1f}"] for each in report.samples]
    yield from aligned([heads, *rows])
    slope = slope_mb(report.samples)
    if slope is not None:
        yield f"worker, second half: {slope:+.2f} MB a million events"
    yield ""


def _capacity(needs: Needs | None, scale: Scale) -> Iterator[str]:
    if needs is None:
        return
    heads = ["the whole platform, in the store", "keys", "bytes each", "GB"]
    rows = [[part.name, f"{part.keys:,.0f}", f"{part.bytes:,.0f}", f"{part.gb:,.1f}"] for part in needs.parts]
    yield from aligned([heads, *rows, ["together", "", "", f"{needs.used_gb:,.1f}"]])
    yield ""
    cores = [[name, f"{needs.mean_cores[name]:,.1f}", f"{needs.peak_cores[name]:,.1f}"] for name in needs.mean_cores]
    yield from aligned([
        ["cores", f"mean, {needs.mean_events_per_s:,.0f}/s", f"peak, {needs.peak_events_per_s:,.0f}/s"], *cores,
    ])  # fmt: skip
    yield ""
    yield (
        f"Redis: {needs.store_gb:,.0f} GB of memory in at least {needs.shards:,} shards; Kafka: {needs.topic_gb:,.0f} "
        f"GB of disk; resend memory of all workers at the peak: {needs.resend_gb:,.1f} GB"
    )
    yield "computed from what was measured above, and:"
    yield from (f"  {line}" for line in scale.assumptions())
    yield ""


def _notes(report: GrowthReport) -> Iterator[str]:
    machine = report.machine
    yield (
        f"{report.events:,} events a point, order index {'on' if report.settings.order_index else 'off'}; CPU until "
        "all was settled, and until detection had seen everything; broker, store and workers share "
        f"{machine['cores']} cores"
    )
    yield (
        f"{machine['cpu']}, {machine['system']}, {machine['python']}, {report.measured_at}, load average before "
        f"{machine['load_average']}"
    )
