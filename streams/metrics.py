"""The metrics: one closed table of what is measured, what it means and what to do about it.

Counters end in `_total`, everything else in its unit. A label has few values (topics, partitions, reasons, rules):
never an id from an event.
"""

from dataclasses import dataclass
from math import nan
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

Kind = Literal["counter", "gauge", "histogram"]

_PARTITION = ("topic", "partition")
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_RECORDS = (1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0)


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric: its name with the unit, kind, labels, what it means and what to do when it looks wrong."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    remedy: str
    buckets: tuple[float, ...] = ()


VOCABULARY: tuple[Definition, ...] = (
    Definition(
        "hightide_events_consumed_total",
        "counter",
        _PARTITION,
        "Records settled, whatever became of them.",
        "Flat while hightide_lag_records grows: look at hightide_redis_retries_total and the worker's log.",
    ),
    Definition(
        "hightide_events_counted_total",
        "counter",
        _PARTITION,
        "Events that went into the tallies.",
        "Far below consumed: see which of resent and rejected makes up the difference.",
    ),
    Definition(
        "hightide_events_resent_total",
        "counter",
        _PARTITION,
        "Copies of an event that came again within the dedupe horizon, not counted twice.",
        "Many: a producer repeats itself, look at its retries and acknowledgements.",
    ),
    Definition(
        "hightide_events_rejected_total",
        "counter",
        (*_PARTITION, "reason"),
        "Records that are no valid event, kept in the rejects topic with their reason.",
        "See `hightide rejects list`, mend the producer, then `hightide rejects redrive`.",
    ),
    Definition(
        "hightide_events_late_total",
        "counter",
        _PARTITION,
        "Order events counted into an hour that the watermark had closed a second ago: they restate it and its alerts.",
        "Many: a producer sends long after the fact, or HIGHTIDE_LATENESS_S is shorter than its usual delay.",
    ),
    Definition(
        "hightide_events_untrusted_total",
        "counter",
        _PARTITION,
        "Events stamped more than 5 minutes ahead of their arrival: counted, but they can not move the watermark.",
        "A producer's clock runs ahead, hightide_producer_delay_seconds may name it; beyond 24 hours it is a reject.",
    ),
    Definition(
        "hightide_producer_delay_seconds",
        "gauge",
        ("producer",),
        "Arrival less event time of the promptest event in the last chunk, by the record header `hightide-producer`.",
        "Below 0: that producer's clock runs ahead. Large for one alone: its clock is behind, or its queue is long.",
    ),
    Definition(
        "hightide_trusted_ms",
        "gauge",
        _PARTITION,
        "Largest trusted event time read, in epoch milliseconds; the smallest of those not idle is the watermark.",
        "The smallest one holds the watermark: see whether that partition lags, is stopped, or its producer is slow.",
    ),
    Definition(
        "hightide_arrival_ms",
        "gauge",
        _PARTITION,
        "Largest arrival read, in epoch milliseconds; 60 s behind the newest and without lag: it is not waited for.",
        "Standing still on one partition alone: its producers are silent, or do not key by order.",
    ),
    Definition(
        "hightide_partition_stopped",
        "gauge",
        _PARTITION,
        "1 while a partition is stopped because too many of its records are rejects; the watermark waits for it.",
        "See `hightide rejects list --topic T --partition N`, mend the producer, start the worker that has it again.",
    ),
    Definition(
        "hightide_remembered_records",
        "gauge",
        _PARTITION,
        "Events whose ids are remembered to know a resend, over one to two dedupe horizons.",
        "Growing with the rate is normal; see hightide_remembered_bytes.",
    ),
    Definition(
        "hightide_remembered_bytes",
        "gauge",
        _PARTITION,
        "Memory of the remembered events, at 192 bytes each (measured with ids of 36 characters).",
        "Near what the process may have: set a shorter HIGHTIDE_DEDUPE_S, start more workers, or give it more.",
    ),
    Definition(
        "hightide_reject_publishes_total",
        "counter",
        (),
        "Records acknowledged by the rejects topic; a replay publishes again under the same key.",
        "Above the rejected events without restarts: the worker replays, look at the fence mismatches.",
    ),
    Definition(
        "hightide_redriven_total",
        "counter",
        (),
        "Refunds that came before their order and were driven again once it was paid.",
        "Growing with the orders: a producer sends refunds and orders over different ways, or keys them differently.",
    ),
    Definition(
        "hightide_conservation_gap_records",
        "gauge",
        _PARTITION,
        "Consumed less counted, resent and rejected, by the figures beside the fence of the worst shard. Always 0.",
        "Not 0: stop the workers and run `hightide audit`; this is a fault of ours, report it.",
    ),
    Definition(
        "hightide_conservation_dimension_gap_fen",
        "gauge",
        (),
        "Largest difference between what was settled of a dimension and of the platform, in money or orders. Always 0.",
        "Not 0: stop the workers and run `hightide audit`; this is a fault of ours, report it.",
    ),
    Definition(
        "hightide_fence_offset",
        "gauge",
        _PARTITION,
        "The fence: next offset that the tallies expect (the least over the shards).",
        "Standing still while lag grows: nothing settles, look at hightide_settle_seconds and the log.",
    ),
    Definition(
        "hightide_lag_records",
        "gauge",
        _PARTITION,
        "End of the partition less the fence: records not yet in the tallies.",
        "Growing: start another worker, up to one a partition.",
    ),
    Definition(
        "hightide_fence_mismatches_total",
        "counter",
        ("kind",),
        "Chunks that did not start at the fence, by kind; nothing of them was counted, Kafka is read from the fence.",
        "A few around restarts and rebalances are normal. Steady: two workers fight, or Redis keeps going back.",
    ),
    Definition(
        "hightide_seeks_total",
        "counter",
        _PARTITION,
        "Times that reading was moved to a fence.",
        "Steady outside of restarts: see hightide_fence_mismatches_total.",
    ),
    Definition(
        "hightide_rebalances_total",
        "counter",
        (),
        "Times that Kafka gave this worker a new set of partitions.",
        "Frequent: workers crash or stall, look at their restarts and at the session timeout.",
    ),
    Definition(
        "hightide_chunk_records",
        "histogram",
        (),
        "Records in one chunk, the unit that is settled at once.",
        "Small chunks at high lag: the fetch sizes of the consumer are too small, settling costs too much an event.",
        _RECORDS,
    ),
    Definition(
        "hightide_settle_seconds",
        "histogram",
        (),
        "Time to settle one chunk in Redis, retries included.",
        "Above 0.1 s: Redis is slow or far away, look at its SLOWLOG and at the network.",
        _SECONDS,
    ),
    Definition(
        "hightide_settle_rows",
        "histogram",
        (),
        "Rows (tally, window) that one settle adds to.",
        "Near the records of a chunk: the events hardly share tallies, larger chunks will not help.",
        _RECORDS,
    ),
    Definition(
        "hightide_redis_retries_total",
        "counter",
        (),
        "Settles tried again because Redis did not answer or was not ready.",
        "Growing: Redis is down, failing over, loading or out of memory; nothing is lost meanwhile.",
    ),
    Definition(
        "hightide_watermark_ms",
        "gauge",
        (),
        "The watermark: event time, in epoch milliseconds, up to which everything is read.",
        "Standing still under load: one partition is behind, or one producer's clock; see hightide_lag_records.",
    ),
    Definition(
        "hightide_detection_seconds",
        "histogram",
        ("rule",),
        "Time from a settle to the alert revisions that follow from it standing in the outbox.",
        "Above 1 s: too many changed tallies for one detector, add shards.",
        _SECONDS,
    ),
    Definition(
        "hightide_alerts_total",
        "counter",
        ("rule", "state"),
        "Alert revisions acknowledged by the alerts topic.",
        "Many retracted or superseded: refunds or late events rewrite the past, look at the producers' delays.",
    ),
    Definition(
        "hightide_outbox_pending_alerts",
        "gauge",
        ("shard",),
        "Alert revisions in the outbox that the alerts topic has not acknowledged.",
        "Not back to 0 within seconds: Kafka does not take them, look at the log of the worker with the lease.",
    ),
    Definition(
        "hightide_feed_tallies_total",
        "counter",
        (),
        "Records acknowledged by the tallies topic, about one a second for each tally that changes.",
        "Flat on every worker while events are counted: the log of the worker with the lease says what it waits for.",
    ),
    Definition(
        "hightide_feed_seconds",
        "histogram",
        (),
        "Time of one pass of the feed: reads what changed in a shard and publishes it, and rests three times as long.",
        "Above 0.25 s: tallies are told less often than once a second; add shards, or set HIGHTIDE_FEED=off.",
        _SECONDS,
    ),
    Definition(
        "hightide_notify_delivered_total",
        "counter",
        ("target",),
        "Messages that a target took.",
        "Flat while hightide_notify_waiting_alerts grows: see hightide_notify_failed_total and the log.",
    ),
    Definition(
        "hightide_notify_failed_total",
        "counter",
        ("target",),
        "Attempts that failed: the target was away, slow, too busy, or refused. The message waits, but for a refusal.",
        "See `hightide alerts show`: mend address, secret or target, then `hightide alerts resend` what it refused.",
    ),
    Definition(
        "hightide_notify_waiting_alerts",
        "gauge",
        ("target",),
        "Alerts that a target is owed: silenced, in quiet hours, above its rate, or the target is away.",
        "Growing without a silence: the target is away, or takes fewer messages than it is told.",
    ),
    Definition(
        "hightide_notify_seconds",
        "histogram",
        ("target",),
        "Time from an alert in its topic to the answer of the target that took it; grouping takes up to 0.3 s.",
        "Above 0.5 s without silences: the target is slow, or it is above its rate; see its waiting alerts.",
        _SECONDS,
    ),
    Definition(
        "hightide_notify_old_total",
        "counter",
        (),
        "Alerts that a target was not told because they were older than `old_after_min` when they were first seen.",
        "A replay of the past: as it should be. Live: the watermark is behind, see hightide_watermark_ms.",
    ),
    Definition(
        "hightide_floor_ms",
        "gauge",
        ("shard", "kind"),
        "The floor of a kind of data: instant, in epoch milliseconds, from which on it is kept.",
        "Days behind the watermark less what is kept: a partition lags, or the detectors have old marks to read.",
    ),
    Definition(
        "hightide_purged_keys_total",
        "counter",
        ("kind",),
        "Keys, or hours of a key that has them all, that were removed or rolled up because their time was past.",
        "Flat while the floor moves: the worker with the lease can not purge, its log says why.",
    ),
    Definition(
        "hightide_purge_seconds",
        "histogram",
        (),
        "Time of one small step of a purge, after which it rests; several calls of Redis, none of them long.",
        "Above 0.1 s: Redis is slow or far away, look at its SLOWLOG and at the network.",
        _SECONDS,
    ),
    Definition(
        "hightide_watermark_lag_seconds",
        "gauge",
        (),
        "The clock less the watermark, as every worker reads it in Redis; NaN while there is none, or no Redis.",
        "Growing under load: the worst partition lags, or a producer's clock is behind; see hightide_trusted_ms.",
    ),
    Definition(
        "hightide_hour_gmv_fen",
        "gauge",
        (),
        "GMV of the whole platform in the hour of the watermark so far; NaN while it is not known, never 0 for that.",
        "Flat while orders come: see hightide_watermark_lag_seconds, what is shown is as old as that.",
    ),
    Definition(
        "hightide_hour_paid_orders",
        "gauge",
        (),
        "Paid orders of the whole platform in the hour of the watermark so far; NaN while they are not known.",
        "As hightide_hour_gmv_fen; GMV without orders can not be, report it.",
    ),
    Definition(
        "hightide_hour_channel_gmv_fen",
        "gauge",
        ("channel",),
        "GMV of the hour of the watermark so far by channel: live, shelf and short_video, no others.",
        "Their sum is hightide_hour_gmv_fen but for paid orders between two looks of a second; else report it.",
    ),
    Definition(
        "hightide_day_gmv_fen",
        "gauge",
        (),
        "GMV of the whole platform on the day of the watermark so far, days as HIGHTIDE_TIMEZONE has them.",
        "Falls to the first orders of the new day at midnight; at any other time it never falls, report it.",
    ),
    Definition(
        "hightide_best_hour_gmv_fen",
        "gauge",
        (),
        "GMV of the best hour of the whole platform that has closed, the mark to beat; NaN while none has.",
        "Below what you remember: hours from before Hightide counts are not known to it.",
    ),
    Definition(
        "hightide_open_sessions",
        "gauge",
        (),
        "Sessions that have sold something and have not closed yet.",
        "Growing without end: no `session.ended` comes, and each closes 6 hours after its last sign of life.",
    ),
    Definition(
        "hightide_board_requests_total",
        "counter",
        ("path", "status"),
        "Requests that the board answered, by the path of its table and the status.",
        "Many 5xx: Redis does not answer the board. Many 401 or 403: somebody's token is old or of the wrong role.",
    ),
    Definition(
        "hightide_board_request_seconds",
        "histogram",
        ("path",),
        "Time that an answer of the board took, but for the stream.",
        "Above 1 s for rankings: there are too many ids for a window; ask shorter windows, or seldomer.",
        _SECONDS,
    ),
    Definition(
        "hightide_board_listeners_total",
        "counter",
        (),
        "Listeners that joined the stream, those that came back included.",
        "Growing fast with a steady number of readers: they are cut, look at their network or their proxy.",
    ),
    Definition(
        "hightide_board_poll_seconds",
        "histogram",
        (),
        "Time that one reading of what is streamed took.",
        "Above 0.5 s: the stream is slower than twice a second; Redis is busy, or there are many ids and sessions.",
        _SECONDS,
    ),
    Definition(
        "hightide_worker_up",
        "gauge",
        (),
        "1 while this worker runs and has passed its start-up checks.",
        "0 or absent: read its log, the last line says what it waits for.",
    ),
)


class Metrics:
    """The metrics of one process in a registry of their own: two workers in one test do not share counts."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        make = _Maker(self.registry)
        self.consumed = make.counter("hightide_events_consumed_total")
        self.counted = make.counter("hightide_events_counted_total")
        self.resent = make.counter("hightide_events_resent_total")
        self.rejected = make.counter("hightide_events_rejected_total")
        self.late = make.counter("hightide_events_late_total")
        self.untrusted = make.counter("hightide_events_untrusted_total")
        self.producer_delay = make.gauge("hightide_producer_delay_seconds")
        self.trusted = make.gauge("hightide_trusted_ms")
        self.arrived = make.gauge("hightide_arrival_ms")
        self.stopped = make.gauge("hightide_partition_stopped")
        self.remembered = make.gauge("hightide_remembered_records")
        self.remembered_bytes = make.gauge("hightide_remembered_bytes")
        self.reject_publishes = make.counter("hightide_reject_publishes_total")
        self.redriven = make.counter("hightide_redriven_total")
        self.conservation_gap = make.gauge("hightide_conservation_gap_records")
        self.dimension_gap = make.gauge("hightide_conservation_dimension_gap_fen")
        self.fence = make.gauge("hightide_fence_offset")
        self.lag = make.gauge("hightide_lag_records")
        self.fence_mismatches = make.counter("hightide_fence_mismatches_total")
        self.seeks = make.counter("hightide_seeks_total")
        self.rebalances = make.counter("hightide_rebalances_total")
        self.chunk_records = make.histogram("hightide_chunk_records")
        self.settle_seconds = make.histogram("hightide_settle_seconds")
        self.settle_rows = make.histogram("hightide_settle_rows")
        self.redis_retries = make.counter("hightide_redis_retries_total")
        self.watermark = make.gauge("hightide_watermark_ms")
        self.detection_seconds = make.histogram("hightide_detection_seconds")
        self.alerts = make.counter("hightide_alerts_total")
        self.outbox_pending = make.gauge("hightide_outbox_pending_alerts")
        self.feed_tallies = make.counter("hightide_feed_tallies_total")
        self.feed_seconds = make.histogram("hightide_feed_seconds")
        self.notify_delivered = make.counter("hightide_notify_delivered_total")
        self.notify_failed = make.counter("hightide_notify_failed_total")
        self.notify_waiting = make.gauge("hightide_notify_waiting_alerts")
        self.notify_seconds = make.histogram("hightide_notify_seconds")
        self.notify_old = make.counter("hightide_notify_old_total")
        self.floor = make.gauge("hightide_floor_ms")
        self.purged_keys = make.counter("hightide_purged_keys_total")
        self.purge_seconds = make.histogram("hightide_purge_seconds")
        self.watermark_lag = make.gauge("hightide_watermark_lag_seconds")
        self.hour_gmv = make.gauge("hightide_hour_gmv_fen")
        self.hour_orders = make.gauge("hightide_hour_paid_orders")
        self.hour_channel_gmv = make.gauge("hightide_hour_channel_gmv_fen")
        self.day_gmv = make.gauge("hightide_day_gmv_fen")
        self.best_hour_gmv = make.gauge("hightide_best_hour_gmv_fen")
        self.open_sessions = make.gauge("hightide_open_sessions")
        self.business_is_unknown()
        self.board_requests = make.counter("hightide_board_requests_total")
        self.board_seconds = make.histogram("hightide_board_request_seconds")
        self.board_listeners = make.counter("hightide_board_listeners_total")
        self.board_poll_seconds = make.histogram("hightide_board_poll_seconds")
        self.worker_up = make.gauge("hightide_worker_up")

    def business_is_unknown(self) -> None:
        """What is sold is not known (yet, or any more): people must not take that for 0."""
        for each in (
            self.watermark_lag, self.hour_gmv, self.hour_orders, self.day_gmv, self.best_hour_gmv, self.open_sessions
        ):  # fmt: skip
            each.set(nan)
        self.hour_channel_gmv.clear()

    def of_partitions(self) -> list[Gauge]:
        """The gauges that a worker tells of its own partitions, and of no other's."""
        return [each for each in vars(self).values() if isinstance(each, Gauge) and each._labelnames == _PARTITION]


class _Maker:
    """Makes each metric of the vocabulary, of the kind that the vocabulary says."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._definitions = {definition.name: definition for definition in VOCABULARY}

    def counter(self, name: str) -> Counter:
        it = self._of_kind("counter", name)
        return Counter(name, it.meaning, it.labels, registry=self._registry)

    def gauge(self, name: str) -> Gauge:
        it = self._of_kind("gauge", name)
        return Gauge(name, it.meaning, it.labels, registry=self._registry)

    def histogram(self, name: str) -> Histogram:
        it = self._of_kind("histogram", name)
        return Histogram(name, it.meaning, it.labels, registry=self._registry, buckets=it.buckets)

    def _of_kind(self, kind: Kind, name: str) -> Definition:
        definition = self._definitions[name]
        if definition.kind != kind:
            raise ValueError(f"{name} is a {definition.kind}, not a {kind}")
        return definition
