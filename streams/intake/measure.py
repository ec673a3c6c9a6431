"""What a settled chunk says to the metrics."""

from __future__ import annotations

from faust.types import TP

from streams.intake.fitting import BYTES_PER_EVENT
from streams.intake.judge import Judged
from streams.intake.punctuality import Producers, late_orders
from streams.metrics import Metrics
from streams.tally.fence import Fence
from streams.tally.windows import SHANGHAI, Zone


class Meter:
    """Writes the metrics of steps 1 to 4."""

    def __init__(self, metrics: Metrics, zone: Zone = SHANGHAI, lateness_ms: int = 120_000) -> None:
        self._metrics = metrics
        self._zone = zone
        self._lateness_ms = lateness_ms
        self._closed_before_ms = 0
        self._producers = Producers()
        self._owned: set[TP] = set()

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
        self._times(judged, counted_from)

    def _times(self, judged: Judged, counted_from: int) -> None:
        chunk, metrics = judged.chunk, self._metrics
        labels = (chunk.tp.topic, str(chunk.tp.partition))
        counted = judged.counted_in(counted_from, chunk.end)
        metrics.late.labels(*labels).inc(late_orders(counted, self._closed_before_ms))
        metrics.untrusted.labels(*labels).inc(judged.untrusted_from(counted_from))
        for producer, delay_ms in self._producers.least_delays_ms(chunk.records, counted).items():
            metrics.producer_delay.labels(producer).set(delay_ms / 1000)

    def watermark(self, watermark_ms: int) -> None:
        """The watermark as Redis has it: what is settled from now on for an hour that it has closed is late."""
        self._closed_before_ms = self._zone.start_ms("hour", self._zone.hour(watermark_ms - self._lateness_ms))

    def assigned(self, tps: set[TP]) -> None:
        """Kafka gave this worker a set of partitions; what it told of others is another worker's to tell."""
        self._metrics.rebalances.inc()
        for tp in self._owned - tps:
            for gauge in self._metrics.of_partitions():
                gauge.remove(tp.topic, str(tp.partition))
        self._owned = set(tps)
        for tp in tps:
            self.running(tp)

    def running(self, tp: TP) -> None:
        """A partition was opened: if it was stopped, it is not any more."""
        self._metrics.stopped.labels(tp.topic, str(tp.partition)).set(0)

    def stopped(self, tp: TP) -> None:
        """Too many rejects: nothing more is taken from a partition."""
        self._metrics.stopped.labels(tp.topic, str(tp.partition)).set(1)

    def remembered(self, tp: TP, events: int) -> None:
        """How many events the resend memory of a partition holds."""
        labels = (tp.topic, str(tp.partition))
        self._metrics.remembered.labels(*labels).set(events)
        self._metrics.remembered_bytes.labels(*labels).set(events * BYTES_PER_EVENT)

    def read_until(self, tp: TP, fence: Fence) -> None:
        """How far a partition is read in time; one of them holds the watermark."""
        labels = (tp.topic, str(tp.partition))
        self._metrics.trusted.labels(*labels).set(fence.trusted_ms)
        self._metrics.arrived.labels(*labels).set(fence.arrival_ms)

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
