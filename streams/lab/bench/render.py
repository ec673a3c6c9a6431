"""A bench's report as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from streams.lab.bench.report import YARDSTICKS, ArmResult, Report

_HEADS: Final = ("arm", "events/s", "(range)", "CPU us/event", "broker", "store", "peak MB")


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
        *(_figure(arm, name, 2) for name in ("cpu_us_per_event", "broker_cpu_us_per_event", "store_cpu_us_per_event")),
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
    machine, profile = report.machine, report.profile
    notes = [
        f"{report.events:,} events of {report.event_bytes:,.0f} bytes in {report.partitions} partitions, profile "
        f"{profile['name']}, seed {report.seed}, chunks of {report.chunk_records:,}; medians of {_runs(report)}",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, {machine['python']}, {report.measured_at}, "
        f"load average before {machine['load_average']}",
    ]
    for arm in report.arms:
        notes += _arm_notes(report, arm)
    return notes


def _runs(report: Report) -> str:
    runs = len(report.arms[0].runs)
    return f"{runs} runs" if runs > 1 else "1 run"


def _arm_notes(report: Report, arm: ArmResult) -> list[str]:
    last, notes = arm.runs[-1].extra, []
    if arm.runs[0].events != report.events:
        notes.append(f"{arm.name}: read {arm.runs[0].events:,} of the events")
    if "steps_cpu_us_per_event" in last:
        steps = [(name, median(run.extra["steps_cpu_us_per_event"][name] for run in arm.runs))
                 for name in last["steps_cpu_us_per_event"]]  # fmt: skip
        notes.append(f"{arm.name}: CPU us/event by step: " + ", ".join(f"{name} {us:.2f}" for name, us in steps))
    if "index_bytes_per_order" in last:
        each = median(run.extra["index_bytes_per_order"] for run in arm.runs)
        notes.append(f"{arm.name}: {each:.0f} bytes of the store an order")
    if "store_commands" in last:
        hincrby, pfadd, left = (
            median(run.extra[name] for run in arm.runs)
            for name in ("hincrby_per_event", "pfadd_per_event", "marks_left")
        )
        notes.append(
            f"{arm.name}: {hincrby:.2f} HINCRBY and {pfadd:.2f} PFADD an event; {left:,.0f} changed tallies waited for "
            f"detection at the end; tallies {last['tallies']} in each run"
        )
    return notes
