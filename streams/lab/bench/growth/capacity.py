"""What a platform needs in Redis, Kafka and cores: measured figures times a scale. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from streams.intake.fitting import BYTES_PER_EVENT, GENERATIONS
from streams.lab.bench.growth.scale import Scale
from streams.lab.bench.growth.store_parts import Figures, Part, store_parts

_GB = 1e9


@dataclass(frozen=True, slots=True)
class Needs:
    """What it takes. Cores are at `core_use` of each, `store_gb` includes the room that `store_use` asks for."""

    parts: list[Part]
    used_gb: float
    store_gb: float
    topic_gb: float
    mean_events_per_s: float
    peak_events_per_s: float
    mean_cores: dict[str, float]
    peak_cores: dict[str, float]
    resend_gb: float
    shards: int

    def as_json(self) -> dict[str, Any]:
        """By names with units."""
        return {
            "store_parts": [
                {"name": part.name, "keys": round(part.keys), "bytes": round(part.bytes, 1), "gb": round(part.gb, 2)}
                for part in self.parts
            ],
            "store_used_gb": round(self.used_gb, 1),
            "store_gb": round(self.store_gb, 1),
            "store_shards_at_peak": self.shards,
            "topic_gb": round(self.topic_gb, 1),
            "resend_memory_gb_at_peak": round(self.resend_gb, 2),
            "events_per_s": {"mean": round(self.mean_events_per_s), "peak": round(self.peak_events_per_s)},
            "cores": {"mean": _rounded(self.mean_cores), "peak": _rounded(self.peak_cores)},
        }


def needs(figures: Figures, scale: Scale) -> Needs:
    """What `scale` needs, if everything costs there what it cost here."""
    parts = store_parts(figures, scale)
    used_gb = sum(part.gb for part in parts)
    mean, peak = scale.events_per_s, scale.events_per_s * scale.peak_factor
    peak_cores = _cores(figures, scale, peak)
    return Needs(
        parts=parts,
        used_gb=used_gb,
        store_gb=used_gb / scale.store_use,
        topic_gb=mean * 86_400 * scale.topic_days * scale.replicas * figures.event_bytes / _GB,
        mean_events_per_s=mean,
        peak_events_per_s=peak,
        mean_cores=_cores(figures, scale, mean),
        peak_cores=peak_cores,
        resend_gb=peak * scale.dedupe_s * GENERATIONS * BYTES_PER_EVENT / _GB,
        # a store works on one core: as many of them as it takes to settle the peak
        shards=ceil(peak_cores.get("store", 0.0)) or 1,
    )


def _cores(figures: Figures, scale: Scale, events_per_s: float) -> dict[str, float]:
    return {name: events_per_s * us / 1e6 / scale.core_use for name, us in figures.cpu_us.items()}


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in values.items()}
