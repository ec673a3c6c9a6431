"""Sends what one target is owed, one message after the other. What it waits for, others do not."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter

from aiokafka.errors import KafkaError

from schemas.deliveries import Message
from streams.metrics import Metrics
from streams.notify.journal import Journal
from streams.notify.queue import Outgoing, Queue
from streams.notify.sender import Sender
from streams.notify.shapes import request_of
from streams.notify.targets import Target

_log = logging.getLogger(__name__)

#: a request begins only under a lease that still lasts this long: whoever slept must not tell what another told since
_LEASE_LEFT_S = 1.0
_PAUSE_S = 0.5
#: choosing a message is followed by so many times its own duration of rest
_REST = 9.0
#: the longest wait without a look; the clock may be set
_LOOK_S = 5.0


class Runner:
    """The loop of one target; `await run()` ends after `stop()`, when no request is under way any more."""

    def __init__(
        self,
        target: Target,
        queue: Queue,
        journal: Journal,
        left_s: Callable[[], float],
        metrics: Metrics,
        clock_ms: Callable[[], int],
    ) -> None:
        self._target = target
        self._queue = queue
        self._journal = journal
        self._left_s = left_s
        self._metrics = metrics
        self._clock_ms = clock_ms
        self._wake = asyncio.Event()
        self._stopping = False
        self._failing = False

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def stop(self) -> None:
        """End after the request that is under way."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Send until stopped."""
        sender = Sender(self._target)
        try:
            while not self._stopping:
                self._wake.clear()
                began_s = perf_counter()
                step = self._queue.next(self._clock_ms())
                # in a storm thousands wait: choosing among them must not keep the worker from settling
                await asyncio.sleep(_REST * (perf_counter() - began_s))
                if step.outgoing is None:
                    await self._wait(step.wake_ms)
                elif self._left_s() < _LEASE_LEFT_S or not await self._noted(step.outgoing.message):
                    await self._wait(self._clock_ms() + int(_PAUSE_S * 1000))
                else:
                    await self._send(sender, step.outgoing)
        finally:
            await sender.close()

    async def _wait(self, until_ms: int | None) -> None:
        pause_s = _LOOK_S if until_ms is None else min(_LOOK_S, max(0.0, (until_ms - self._clock_ms()) / 1000))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), pause_s)

    async def _noted(self, message: Message) -> bool:
        """Whether the ledger has the message, before anybody else has."""
        if message.failures:
            return True
        try:
            await self._journal.write(message)
        except KafkaError as error:
            _log.warning("a message to %s can not be noted (%s): it waits", self._target.name, error)
            return False
        return True

    async def _send(self, sender: Sender, outgoing: Outgoing) -> None:
        now_ms = self._clock_ms()
        outcome = await sender.send(request_of(self._target, outgoing, now_ms), now_ms)
        record = self._queue.settle(outcome, self._clock_ms(), random.random())
        self._say(record, outgoing.published_ms)
        await self._note(record)

    async def _note(self, record: Message) -> None:
        """What is known to the target must be known to the ledger: tried until it is."""
        while True:
            try:
                return await self._journal.write(record)
            except KafkaError as error:
                _log.warning("what %s answered can not be noted (%s): trying again", self._target.name, error)
                await asyncio.sleep(_PAUSE_S)

    def _say(self, record: Message, published_ms: int) -> None:
        name = self._target.name
        if record.state == "delivered":
            self._metrics.notify_delivered.labels(name).inc()
            self._metrics.notify_seconds.labels(name).observe(max(0, record.tried_ms[-1] - published_ms) / 1000)
        else:
            self._metrics.notify_failed.labels(name).inc()
        if record.state == "refused":
            _log.error("target %s refuses message %s (%s)", name, record.message_id, record.answer)
        elif (record.state == "sending") != self._failing:
            self._failing = not self._failing
            said = f"does not take messages ({record.answer}), they wait" if self._failing else "takes messages again"
            _log.warning("target %s %s", name, said)
