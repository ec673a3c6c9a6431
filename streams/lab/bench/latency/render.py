"""A measurement of latency as text for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from streams.lab.bench.columns import aligned
from streams.lab.bench.latency.percentiles import Spread
from streams.lab.bench.latency.report import GOAL_EVENTS_PER_S, GOALS_MS, LatencyReport, RateResult
from streams.lab.bench.latency.stages import STAGES

_TOLD = (50, 99, 100)


def table(report: LatencyReport) -> list[str]:
    """The lines to print."""
    heads = ["events/s", "sent/s", *_heads("tally"), *_heads("alert"), "alerts", "worker us/event", "kept up"]
    stages = [["where the ms go", *(f"{name} {stage}" for stage in map(_name, STAGES) for name in ("p50", "p99"))]]
    return [
        *aligned([heads, *map(_cells, report.rates)]),
        "",
        *aligned([*stages, *map(_stage_cells, report.rates)]),
        "",
        *(f"{stage.name}: {stage.about}" for stage in STAGES),
        *(_core_wait(rate) for rate in report.rates if rate.core_wait),
        *_notes(report),
    ]


def _name(stage: object) -> str:
    return str(getattr(stage, "name", stage))


def _heads(what: str) -> list[str]:
    return [f"{what} p50 ms", "p99", "max"]


def _cells(rate: RateResult) -> list[str]:
    worker = rate.cpu_us_per_event.get("worker")
    return [
        f"{rate.asked_per_s:,.0f}",
        f"{rate.sent_per_s:,.0f}",
        *_figures(rate.tally),
        *_figures(rate.alert),
        f"{rate.alert.samples:,} of {rate.alerts_due:,}",
        "-" if worker is None else f"{worker:.1f}",
        "yes" if rate.kept_up else f"no ({rate.unsettled:,} left)",
    ]


def _figures(of: Spread) -> list[str]:
    return [_ms(of.at(percent)) for percent in _TOLD]


def _stage_cells(rate: RateResult) -> list[str]:
    spreads = [rate.stages[stage.name] for stage in STAGES]
    return [f"{rate.asked_per_s:,.0f}", *(_ms(each.at(percent)) for each in spreads for percent in (50, 99))]


def _core_wait(rate: RateResult) -> str:
    """How much of all this is the machine's."""
    shares = ", ".join(f"{name} {share:.0%}" for name, share in rate.core_wait.items())
    return f"at {rate.asked_per_s:,.0f}/s ready to run, but without a core, for this part of the time: {shares}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _notes(report: LatencyReport) -> Sequence[str]:
    met = report.goals()
    goals = [f"p99 below {goal_ms:.0f} ms to the {name}: {_verdict(met[name])}" for name, goal_ms in GOALS_MS.items()]
    machine = report.machine
    return [
        "",
        f"goals at {GOAL_EVENTS_PER_S:,}/s: {'; '.join(goals)}",
        "from the stamp of a record, set right before it is sent, until its fence was seen behind it (looked at every "
        "3 ms), or its alert was read",
        f"{report.settings.partitions} partitions, profile {report.profile['name']}, order index "
        f"{'on' if report.settings.order_index else 'off'}; producer, watchers, broker, store and worker share "
        f"{machine['cores']} cores",
        f"{machine['cpu']}, {machine['system']}, {machine['python']}, {report.measured_at}, load average before "
        f"{machine['load_average']}",
    ]


def _verdict(met: bool | None) -> str:
    return "not run" if met is None else "met" if met else "MISSED"
