"""Makes the Faust app: its settings, its transport and the channels that chunks and nudges travel on."""

from __future__ import annotations

import logging
from typing import Any

import faust
from mode.utils.queues import FlowControlEvent, ThrowableQueue

from streams.intake.transport import ChunkTransport, Intake
from streams.settings import Settings
from streams.topics import Topics

#: chunks of one topic that may wait for their agent: enough to fetch while settling, few enough to bound memory
CHUNKS_WAITING = 2
#: what a nudge says; not None, which Faust's compiled stream would skip
NUDGE = "look"


class OwnChannel(faust.Channel[Any]):
    """A channel whose queue Faust does not clear at a rebalance.

    Clearing cancels whoever waits in `put`, which would crash Faust's fetcher. Chunks of an older assignment are told
    by their epoch instead, and dropped by the intake.
    """

    @property
    def queue(self) -> ThrowableQueue[Any]:
        """The queue behind this channel."""
        queue: ThrowableQueue[Any] | None = getattr(self, "_queue", None)
        if queue is None:
            always_open = FlowControlEvent(initially_suspended=False)
            queue = ThrowableQueue(maxsize=self.maxsize or CHUNKS_WAITING, flow_control=always_open)
            self._queue = queue
        return queue

    def nudge(self) -> None:
        """Say that there may be work; a second nudge before the first is taken says nothing new."""
        for subscriber in (self._root or self)._subscribers:
            if subscriber.queue.empty():
                subscriber.queue.put_nowait(NUDGE)


class TablelessApp(faust.App):
    """A Faust app without tables, so without the data directory that Faust would make in the current one."""

    logger = logging.getLogger("faust.app")

    async def on_first_start(self) -> None:
        """Nothing to create."""


def create_app(settings: Settings, intake: Intake) -> faust.App:
    """A Faust app that reads the input topics in chunks and hands them to `intake`.

    At-least-once, no tables, no web server, no leader topic: everything that must be exact is in the fences.
    """
    app = TablelessApp(
        settings.group,
        broker=[f"kafka://{server}" for server in settings.kafka.split(",")],
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,
        stream_wait_empty=False,
        worker_redirect_stdouts=False,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=8 << 20,
        # The group only decides who reads what; who counts is decided by the fences. So: fail over quickly, and never
        # take a worker out of the group because Redis is away.
        broker_session_timeout=float(settings.session_s),
        broker_heartbeat_interval=settings.session_s / 3,
        broker_rebalance_timeout=10.0,
        broker_request_timeout=40.0,
        broker_max_poll_interval=86_400.0,
        # A topic may get more partitions: until the group hears of them nobody reads them, nor waits for them.
        consumer_metadata_max_age_ms=30_000,
    )
    transport = ChunkTransport(app.conf.broker_consumer, app)
    transport.intake = intake
    app.transport = transport
    for name in Topics(settings.topic_prefix).inputs:
        app.topics.add(app.topic(name, value_type=bytes, acks=False))
    return app
