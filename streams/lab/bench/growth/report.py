"""What a growth plan found. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from streams.lab.bench.growth.families import Family
from streams.lab.bench.growth.long import DEDUPE_S, EVENTS_A_SECOND, Sample
from streams.lab.bench.growth.shapes import Shapes
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class PointResult:
    """One run. CPU by process, all workers together: until all was settled, and until detection had seen it too.

    `store_mb` is what the store used more after it than before, `peak_rss_mb` that of the largest worker.
    """

    series: str
    value: int
    profile: Mapping[str, Any]
    partitions: int
    workers: int
    events: int
    event_bytes: float
    events_per_s: float
    cpu_us_per_event: Mapping[str, float]
    judged_cpu_us_per_event: Mapping[str, float]
    peak_rss_mb: float
    store_mb: float

    def as_json(self) -> dict[str, Any]:
        """By names with units."""
        return {
            **asdict(self),
            "cpu_us_per_event": _rounded_all(self.cpu_us_per_event),
            "judged_cpu_us_per_event": _rounded_all(self.judged_cpu_us_per_event),
            "events_per_s": round(self.events_per_s, 1),
            "event_bytes": round(self.event_bytes, 1),
            "peak_rss_mb": round(self.peak_rss_mb, 1),
            "store_mb": round(self.store_mb, 2),
        }


@dataclass(frozen=True, slots=True)
class Memory:
    """What lay in the store after a run: by family, and the whole difference that it made; orders that were paid."""

    families: Sequence[Family]
    used_bytes: int
    orders_paid: int

    def family(self, name: str) -> Family:
        """One of them; without keys if it is not there."""
        return next((each for each in self.families if each.name == name), Family(name, 0, 0.0, 0.0, 0.0))

    @property
    def anchor_hours(self) -> float:
        """Hours of anchors that have sums."""
        hours = self.family("hours anchor")
        return hours.keys * hours.windows

    @property
    def anchor_hour_bytes(self) -> float:
        """One of them: its sums, its minutes, its sketch of buyers; 0 if there is none."""
        total = sum(self.family(f"{kind} anchor").total_bytes for kind in ("hours", "minutes", "buyers"))
        return total / self.anchor_hours if self.anchor_hours else 0.0

    @property
    def used_bytes_per_anchor_hour(self) -> float:
        """Everything that the run left in the store, by its anchor-hours."""
        return self.used_bytes / self.anchor_hours if self.anchor_hours else 0.0

    @property
    def told_share(self) -> float:
        """How much of the difference the families account for."""
        return sum(each.total_bytes for each in self.families) / max(1, self.used_bytes)

    def as_json(self) -> dict[str, Any]:
        """By names with units."""
        return {
            "anchor_hours": round(self.anchor_hours),
            "bytes_per_anchor_hour": round(self.anchor_hour_bytes),
            "used_bytes_per_anchor_hour": round(self.used_bytes_per_anchor_hour),
            "used_bytes": self.used_bytes,
            "share_of_used_by_families": round(self.told_share, 3),
            "families": [
                {"name": each.name, "keys": each.keys, "bytes": round(each.bytes, 1), "parts": round(each.parts, 2),
                 "windows": round(each.windows, 2)}
                for each in self.families
            ],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class GrowthReport:
    """All points, what lay in the store after the one with the most anchor-hours, and the samples of the long run."""

    machine: Mapping[str, Any]
    measured_at: str
    events: int
    settings: Settings
    points: Sequence[PointResult]
    memory: Memory | None
    shapes: Shapes | None
    samples: Sequence[Sample]

    def series(self, name: str) -> list[PointResult]:
        """The points of one series."""
        return [point for point in self.points if point.series == name]

    def as_json(self) -> dict[str, Any]:
        """One JSON object; the capacity is beside it, as it has assumptions of its own."""
        return {
            "machine": dict(self.machine),
            "measured_at": self.measured_at,
            "events_per_point": self.events,
            "order_index": self.settings.order_index,
            "points": [point.as_json() for point in self.points],
            "memory": self.memory.as_json() if self.memory else None,
            "shapes": asdict(self.shapes) if self.shapes else None,
            "long_run": {
                "events_a_second": EVENTS_A_SECOND,
                "dedupe_s": DEDUPE_S,
                "samples": [sample._asdict() for sample in self.samples],
                "worker_mb_per_million_events": _rounded(slope_mb(self.samples)),
            },
        }


def slope_mb(samples: Sequence[Sample]) -> float | None:
    """Megabytes that the worker grew by per million events, over the second half of a run: least squares.

    None if there are too few samples. The first half is its filling up.
    """
    late = samples[len(samples) // 2 :]
    if len(late) < 2:
        return None
    xs, ys = [each.events / 1e6 for each in late], [each.rss_mb for each in late]
    x_mean, y_mean = fmean(xs), fmean(ys)
    spread = sum((x - x_mean) ** 2 for x in xs)
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / spread


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _rounded_all(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in values.items()}
