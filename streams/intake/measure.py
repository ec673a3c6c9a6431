"""What a settled chunk says to the metrics."""

from __future__ import annotations

from faust.types import TP

from streams.intake.judge import Judged
from streams.metrics import Metrics


class Meter:
    """Writes the metrics of steps 1 to 4."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def settled(self, judged: Judged, counted_from: int, fence: int, took_s: float) -> None:
        """A chunk is settled; what lies below `counted_from` was only read again, to remember resends."""
        chunk, metrics = judged.chunk, self._metrics
        labels = (chunk.tp.topic, str(chunk.tp.partition))
        progress = judged.progress(counted_from, chunk.end)
        metrics.consumed.labels(*labels).inc(progress.counted + progress.resends + progress.rejected)
        metrics.counted.labels(*labels).inc(progress.counted)
        metrics.resent.labels(*labels).inc(progress.resends)
        for reject in judged.rejects_from(counted_from):
            metrics.rejected.labels(*labels, reject.reason.value).inc()
        metrics.reject_publishes.inc(progress.rejected)
        metrics.chunk_records.observe(len(chunk.records))
        metrics.settle_seconds.observe(took_s)
        self.position(chunk.tp, fence, chunk.highwater)

    def assigned(self) -> None:
        """Kafka gave this worker a set of partitions."""
        self._metrics.rebalances.inc()

    def rows(self, count: int) -> None:
        """One script of that many rows was run."""
        self._metrics.settle_rows.observe(count)

    def position(self, tp: TP, fence: int, highwater: int) -> None:
        """Where a partition stands."""
        labels = (tp.topic, str(tp.partition))
        self._metrics.fence.labels(*labels).set(fence)
        self._metrics.lag.labels(*labels).set(max(0, highwater - fence))

    def conservation(self, tp: TP, gap: int) -> None:
        """consumed - counted - resends - rejected of a partition, by the figures beside the fence."""
        self._metrics.conservation_gap.labels(tp.topic, str(tp.partition)).set(gap)

    def reseek(self, tp: TP, kind: str) -> None:
        """A fence stood elsewhere than expected, and the partition is read again from it."""
        self._metrics.fence_mismatches.labels(kind).inc()
        self._metrics.seeks.labels(tp.topic, str(tp.partition)).inc()
