"""What a bench found: medians over the runs of each arm, and what they are to those of the other arms. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from streams.lab.bench.measured import WORKER, Measured

#: the arms that the others are compared with
YARDSTICKS: Final = ("plain faust", "raw aiokafka")

#: the figures of an arm: name in the JSON -> of one run; None where it was not measured
FIGURES: Final[Mapping[str, Callable[[Measured], float | None]]] = {
    "events_per_s": lambda run: run.events_per_s,
    "cpu_us_per_event": lambda run: run.cpu_us_per_event(WORKER),
    "broker_cpu_us_per_event": lambda run: run.cpu_us_per_event("broker"),
    "store_cpu_us_per_event": lambda run: run.cpu_us_per_event("store"),
    "peak_rss_mb": lambda run: run.peak_rss_mb,
    "rows_per_event": lambda run: run.extra.get("rows_per_event"),
}


@dataclass(frozen=True, slots=True)
class ArmResult:
    """The counted runs of one arm, at least one."""

    name: str
    runs: Sequence[Measured]

    def values(self, figure: str) -> list[float]:
        """One of `FIGURES` of every run; empty if it was not measured."""
        return [value for run in self.runs if (value := FIGURES[figure](run)) is not None]

    def median(self, figure: str) -> float | None:
        """The median over the runs; None if it was not measured."""
        values = self.values(figure)
        return median(values) if values else None

    @property
    def events_per_s(self) -> float:
        """The median rate."""
        return median(self.values("events_per_s"))


@dataclass(frozen=True, slots=True)
class Report:
    """A whole bench: `events` lie in the topic, `event_bytes` is the mean size of a value."""

    machine: Mapping[str, Any]
    measured_at: str
    profile: Mapping[str, Any]
    seed: int
    events: int
    event_bytes: float
    partitions: int
    chunk_records: int
    arms: Sequence[ArmResult]

    def ratios(self, arm: ArmResult) -> dict[str, float]:
        """How many times as fast `arm` is as each yardstick that took part."""
        return {other.name: arm.events_per_s / other.events_per_s for other in self.arms if other.name in YARDSTICKS}

    def as_json(self) -> dict[str, Any]:
        """The shape of the contract ("Commands", `bench`), with more beside it."""
        return {
            "machine": dict(self.machine),
            "measured_at": self.measured_at,
            "profile": {**self.profile, "seed": self.seed, "event_bytes": round(self.event_bytes, 1)},
            "partitions": self.partitions,
            "chunk_records": self.chunk_records,
            "events": self.events,
            "arms": [self._arm(arm) for arm in self.arms],
            "redis": _redis(self.arms),
        }

    def _arm(self, arm: ArmResult) -> dict[str, Any]:
        spread = {figure: arm.values(figure) for figure in FIGURES if arm.values(figure)}
        return {
            "name": arm.name,
            "events": arm.runs[0].events,
            **{figure: _rounded(arm.median(figure)) for figure in FIGURES},
            "range": {figure: [_rounded(min(values)), _rounded(max(values))] for figure, values in spread.items()},
            "ratios": {name: round(ratio, 3) for name, ratio in self.ratios(arm).items()},
            "runs": [_run(run) for run in arm.runs],
        }


def _run(run: Measured) -> dict[str, Any]:
    figures = {figure: _rounded(of(run)) for figure, of in FIGURES.items()}
    return {**figures, **run.extra, "events": run.events, "seconds": run.seconds, "cpu_s": run.cpu_s}


def _redis(arms: Iterable[ArmResult]) -> dict[str, Any] | None:
    """What the arm that writes to Redis costs there; None if it took no part."""
    for arm in arms:
        if arm.name == "hightide":
            return {
                **{
                    name: _rounded(median(run.extra[name] for run in arm.runs))
                    for name in ("rows_per_event", "events_per_script", "hincrby_per_event", "pfadd_per_event")
                },
                "cpu_us_per_event": _rounded(arm.median("store_cpu_us_per_event")),
                "commands": arm.runs[-1].extra["store_commands"],
            }
    return None


def _rounded(value: float | None) -> float | None:
    """Three digits behind the point are more than the measurement has."""
    return None if value is None else round(value, 3)
