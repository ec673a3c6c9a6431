"""Puts the parts of a worker together: who knows whom, in one place."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import time

import faust
from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from schemas.alerts import Alert
from streams.app import OwnChannel, create_app
from streams.errors import Expected
from streams.feed.business import Business
from streams.feed.feed import TalliesFeed
from streams.feed.feeding import Feeding
from streams.feed.states import Terms
from streams.feed.topic import TalliesTopic
from streams.history.keeper import HistoryKeeper
from streams.intake.admission import admit_order, admit_session
from streams.intake.fitting import Fitting
from streams.intake.heartbeat import Heartbeat
from streams.intake.intake import WorkerIntake
from streams.intake.measure import Meter
from streams.intake.opening import Opener
from streams.intake.order_store import OrderRules
from streams.intake.path import Path
from streams.intake.redriver import Redriver
from streams.intake.rejects import RejectsTopic
from streams.intake.store_calls import Patience
from streams.keys import Keys, shard_keys
from streams.marking import Marking
from streams.marks import acts
from streams.marks.detector import Detector
from streams.marks.lease import Lease
from streams.memory import allowed_bytes
from streams.metrics import Metrics
from streams.notify.delivering import Delivering
from streams.notify.journal import Journal
from streams.notify.notifying import Notifying
from streams.notify.target_file import read_targets
from streams.notify.telling import Telling
from streams.outbox.publisher import Publisher
from streams.parts import Parts
from streams.retention.partitions import InputPartitions
from streams.retention.purger import Purger
from streams.rules.live import LiveRules
from streams.rules.milestones import MilestoneKeeper
from streams.settings import Settings
from streams.startup import claim_again
from streams.tally.conservation import Conservation
from streams.tally.sessions import TAIL_DAYS
from streams.tally.windows import DAY_MS
from streams.topics import Topics

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assembly:
    """A worker's parts, connected but not started."""

    app: faust.App
    parts: Parts
    heartbeat: Heartbeat
    detector: Detector
    publisher: Publisher
    feed: TalliesFeed
    purger: Purger
    redriver: Redriver
    conservation: Conservation
    business: Business
    history: HistoryKeeper
    milestones: MilestoneKeeper


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the parts are given from outside. `end(error)` asks the worker to end."""

    settings: Settings
    redis: Redis
    producer: AIOKafkaProducer
    worker_id: str
    metrics: Metrics
    end: Callable[[Expected], None]
    rules: LiveRules

    @property
    def topics(self) -> Topics:
        """The names of the topics."""
        return Topics(self.settings.topic_prefix)

    @property
    def keys(self) -> list[Keys]:
        """The Redis keys of every shard."""
        return [shard_keys(self.settings.group, shard) for shard in range(self.settings.shards)]


def assemble(around: Surroundings) -> Assembly:
    """Connect the parts of a worker, in the order of the path."""
    patience = Patience(around.metrics.redis_retries.inc)
    meter = Meter(around.metrics, around.settings.zone, around.settings.lateness_s * 1000)
    intake = _intake(around, patience, meter)
    app = create_app(around.settings, intake)
    orders, sessions, peaks, records, alerts, notify, tallies = (OwnChannel(app) for _ in range(7))
    topics = around.topics
    intake.put = {topics.orders: orders.put, topics.live_sessions: sessions.put}

    def settled() -> None:
        peaks.nudge()
        records.nudge()

    intake.settled = settled
    history = _history(around)
    milestones = MilestoneKeeper(around.redis, around.keys, around.rules.milestones_fen)
    detector, publisher = _detector(around), _publisher(around, history)
    shards, fatal = around.settings.shards, around.end
    marking = Marking(
        detector, publisher, shards, around.metrics, intake.behind, alerts.nudge, fatal, lambda: history.ready
    )
    feed = _feed(around, detector)
    feeding = Feeding(feed, around.settings.shards, around.metrics, intake.behind, around.end)
    duties = _notifying(around), feeding if around.settings.feed else None
    parts = Parts(intake, marking, *duties, orders, sessions, peaks, records, alerts, notify, tallies)
    heartbeat = Heartbeat(around.redis, around.keys, intake, patience, meter)
    conservation = Conservation(around.redis, around.keys, around.metrics, _tell_gap)
    business = Business(around.redis, around.keys, around.settings.zone, around.metrics, _clock_ms)
    beside = _purger(around), _redriver(around), conservation, business, history, milestones
    return Assembly(app, parts, heartbeat, detector, publisher, feed, *beside)


def _intake(around: Surroundings, patience: Patience, meter: Meter) -> WorkerIntake:
    settings, topics = around.settings, around.topics
    path = Path(
        around.redis,
        around.keys,
        _order_rules(settings),
        {topics.orders: admit_order, topics.live_sessions: admit_session},
        RejectsTopic(around.producer, topics.rejects),
        patience,
        meter,
        settings.feed,
    )
    claim = partial(claim_again, around.redis, settings)
    fits = Fitting(settings.dedupe_s, allowed_bytes(settings.memory_mb)).check
    opener = Opener(around.redis, around.keys, settings.dedupe_s * 1000, claim, _clock_ms, fits)
    limits = settings.reject_limit, around.end, settings.reject_share
    return WorkerIntake(opener, path, patience, meter, *limits, settings.chunk_records)


def _detector(around: Surroundings) -> Detector:
    settings = around.settings
    return Detector(
        around.redis,
        around.keys,
        settings.zone,
        lateness_ms=settings.lateness_s * 1000,
        min_history=settings.min_history,
        idle_ms=settings.idle_s * 1000,
        orders_topic=around.topics.orders,
        worker_id=around.worker_id,
        clock_ms=_clock_ms,
        milestones_fen=around.rules.milestones_fen,
    )


def _history(around: Surroundings) -> HistoryKeeper:
    settings = around.settings
    terms = acts.Terms(settings.lateness_s * 1000, settings.min_history)
    topic, worker_id = around.topics.history, around.worker_id
    return HistoryKeeper(around.redis, around.keys, terms, settings.kafka, topic, worker_id, _clock_ms)


def _publisher(around: Surroundings, history: HistoryKeeper) -> Publisher:
    def published(alert: Alert) -> None:
        around.metrics.alerts.labels(alert.rule.value, alert.state.value).inc()

    return Publisher(
        around.redis,
        around.keys,
        around.settings.kafka,
        around.topics.alerts,
        around.worker_id,
        around.settings.zone,
        published,
        _clock_ms,
        history.has_all,
    )


def _feed(around: Surroundings, detector: Detector) -> TalliesFeed:
    settings = around.settings
    return TalliesFeed(
        around.redis,
        around.keys,
        Terms(settings.zone, settings.lateness_s * 1000, TAIL_DAYS * DAY_MS),
        TalliesTopic(settings.kafka, around.topics.tallies, _clock_ms),
        detector.watermark_ms,
        around.worker_id,
    )


def _notifying(around: Surroundings) -> Notifying:
    settings, topics, keys = around.settings, around.topics, around.keys[0]
    telling = Telling(around.redis, keys, settings.kafka, topics.alerts, around.worker_id)
    delivering = Delivering(
        Lease(around.redis, keys.lease("deliver"), around.worker_id),
        settings.kafka,
        topics.alerts,
        Journal(settings.kafka, topics.deliveries, around.producer),
        around.metrics,
        settings.zone.offset_ms,
        _clock_ms,
        read_targets(settings.notify, os.environ),
        around.rules.tell,
    )
    return Notifying(telling, delivering, around.end)


def _purger(around: Surroundings) -> Purger:
    settings = around.settings
    return Purger(
        around.redis,
        around.keys,
        settings.zone,
        tail_ms=TAIL_DAYS * DAY_MS,
        orders_ms=_order_rules(settings).kept_ms,
        worker_id=around.worker_id,
        metrics=around.metrics,
        all_partitions=InputPartitions(around.producer, around.topics.inputs).all,
    )


def _redriver(around: Surroundings) -> Redriver:
    return Redriver(
        around.redis,
        around.keys,
        around.settings.kafka,
        around.producer,
        around.topics.orders,
        around.worker_id,
        around.metrics.redriven.inc,
    )


def _order_rules(settings: Settings) -> OrderRules:
    return OrderRules(settings.zone, settings.refund_days * DAY_MS, settings.order_index)


def _tell_gap(gap: int) -> None:
    _log.error(
        "a dimension differs from the platform by %d: run `hightide audit` and report what it says, this is our fault",
        gap,
    )


def _clock_ms() -> int:
    return int(time() * 1000)
