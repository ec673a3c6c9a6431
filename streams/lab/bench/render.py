"""A bench's report as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from streams.lab.bench.report import YARDSTICKS, ArmResult, Report

_HEADS: Final = ("arm", "events/s", "(range)", "CPU us/event", "broker", "store", "rows", "peak MB")

_CPU_AND_ROWS: Final = (
    "cpu_us_per_event", "broker_cpu_us_per_event", "store_cpu_us_per_event", "rows_per_event",
)  # fmt: skip


def table(report: Report) -> list[str]:
    """The lines to print: one an arm, then what they rest on."""
    yardsticks = [arm.name for arm in report.arms if arm.name in YARDSTICKS]
    heads = [*_HEADS, *(f"x {name}" for name in yardsticks)]
    rows = [_cells(report, arm, yardsticks) for arm in report.arms]
    return [*_aligned([heads, *rows]), "", *_notes(report)]


def _cells(report: Report, arm: ArmResult, yardsticks: Sequence[str]) -> list[str]:
    rates, ratios = arm.values("events_per_s"), report.ratios(arm)
    return [
        arm.name,
        f"{arm.events_per_s:,.0f}",
        f"({min(rates):,.0f}-{max(rates):,.0f})",
        *(_figure(arm, name, 2) for name in _CPU_AND_ROWS),
        _figure(arm, "peak_rss_mb", 0),
        *(f"{ratios[name]:.2f}" for name in yardsticks),
    ]


def _figure(arm: ArmResult, name: str, digits: int) -> str:
    value = arm.median(name)
    return "-" if value is None else f"{value:,.{digits}f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns wide enough for their cells: the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _notes(report: Report) -> list[str]:
    notes = [topic_line(report), machine_line(report)]
    for arm in report.arms:
        notes += _arm_notes(report, arm)
    return notes


def topic_line(report: Report) -> str:
    """What lay in the topic, and what is shown of the runs."""
    return (
        f"{report.events:,} events of {report.event_bytes:,.0f} bytes in {report.partitions} partitions, profile "
        f"{report.profile['name']}, seed {report.seed}, chunks of {report.chunk_records:,}; medians of {_runs(report)}"
    )


def machine_line(report: Report) -> str:
    """Where and when it was measured."""
    machine = report.machine
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, {machine['python']}, {report.measured_at}, "
        f"load average before {machine['load_average']}"
    )


def _runs(report: Report) -> str:
    runs = len(report.arms[0].runs)
    return f"{runs} runs" if runs > 1 else "1 run"


def _arm_notes(report: Report, arm: ArmResult) -> list[str]:
    last, notes = arm.runs[-1].extra, []
    if arm.runs[0].events != report.events:
        notes.append(f"read {arm.runs[0].events:,} of the events")
    for name, what in (
        ("steps_cpu_us_per_event", "CPU us/event by step"),
        ("rows_per_event_by_kind", "Redis rows an event by kind"),
    ):
        if name in last:
            notes.append(f"{what}: " + ", ".join(f"{part} {value:.2f}" for part, value in _parts(arm, name)))
    if "index_bytes_per_order" in last:
        notes.append(f"{_median(arm, 'index_bytes_per_order'):.0f} bytes of the store an order")
    if "resident_bytes_per_event" in last:
        each = _median(arm, "resident_bytes_per_event")
        notes.append(f"{each:.0f} resident bytes an event with ids of {last['id_characters']:g} characters")
    if "store_commands" in last:
        notes.append(_store_note(arm))
    return [f"{arm.name}: {note}" for note in notes]


def _parts(arm: ArmResult, name: str) -> list[tuple[str, float]]:
    """Medians of a figure that has parts, without those that are next to nothing."""
    parts = ((part, median(run.extra[name][part] for run in arm.runs)) for part in arm.runs[-1].extra[name])
    return [(part, value) for part, value in parts if value >= 0.005]


def _median(arm: ArmResult, name: str) -> float:
    return float(median(run.extra[name] for run in arm.runs))


def _store_note(arm: ArmResult) -> str:
    last = arm.runs[-1].extra
    audit = last.get("audit")
    return (
        f"{_median(arm, 'rows_per_event'):.2f} Redis rows ({_median(arm, 'hincrby_per_event'):.2f} HINCRBY, "
        f"{_median(arm, 'pfadd_per_event'):.2f} PFADD) an event, {_median(arm, 'events_per_script'):,.0f} events a "
        f"script; {_median(arm, 'marks_left'):,.0f} changed tallies waited for detection at the end; "
        f"tallies {last['tallies']} in each run"
        + (f", {audit['differences']} differences in the audit of {audit['tallies']:,} tallies" if audit else "")
    )
