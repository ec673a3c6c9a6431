"""Delivers alerts to people, one worker at a time: from the topic `alerts`, with the topic `deliveries` as ledger."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.alerts import Alert, decode_alert
from streams.marks.lease import Held, Lease
from streams.metrics import Metrics
from streams.notify.deciding import Deciding
from streams.notify.journal import Journal, is_at_end, records_of
from streams.notify.ledger import Ledger
from streams.notify.runner import Runner
from streams.notify.targets import Targets
from streams.outbox.published import EmptyAnswers

_log = logging.getLogger(__name__)

_LOOK_MS = 200
_LOOKS = 10
#: how long a broker holds a fetch that finds nothing. Kafka ends it with the first record, some others do not
_FETCH_MS = 50
_ASK_AGAIN_S = 1.0
#: how often what waits is written down
_WAITING_EVERY_MS = 10_000
#: a request that is under way at the end gets this long
_END_WITHIN_S = 6.0


class Delivering:
    """The duty under `lease`. One `work` at a time; `targets` may be replaced at any moment.

    `chosen` is as in `Deciding`.
    """

    def __init__(
        self,
        lease: Lease,
        bootstrap_servers: str,
        alerts: str,
        journal: Journal,
        metrics: Metrics,
        offset_ms: int,
        clock_ms: Callable[[], int],
        targets: Targets,
        chosen: Callable[[Alert], bool] = lambda alert: True,
    ) -> None:
        self._lease = lease
        self._servers = bootstrap_servers
        self._alerts = TopicPartition(alerts, 0)
        self._journal = journal
        self._metrics = metrics
        self._offset_ms = offset_ms
        self._clock_ms = clock_ms
        self.targets = targets
        self._chosen = chosen
        self._begun_with = targets
        self._consumer: AIOKafkaConsumer | None = None
        self._deciding = Deciding(Targets(), Ledger(), 0, lambda: None)
        self._runners: dict[asyncio.Task[None], Runner] = {}
        self._empty = EmptyAnswers()
        self._written_ms = 0

    async def work(self) -> None:
        """Some looks in a row if it is ours to do, else a rest.

        Raises `redis.RedisError` or `KafkaError`: nothing is lost, call again.
        """
        for _ in range(_LOOKS):
            held = await self._lease.hold() if self.targets.targets else Held.NOT
            if held is Held.NOT:
                await self._leave()
                return await asyncio.sleep(_ASK_AGAIN_S)
            if held is Held.TAKEN or self._consumer is None or self._begun_with is not self.targets:
                await self._take_over()
            else:
                await self._look(self._consumer)
        return None

    async def close(self) -> None:
        """End what is under way, note what waits, give the lease back."""
        await self._leave()
        await self._lease.release()

    async def _take_over(self) -> None:
        await self._leave()
        self._begun_with = self.targets
        ledger, position = await self._journal.read()
        self._deciding = Deciding(self.targets, ledger, self._offset_ms, self._metrics.notify_old.inc, self._chosen)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_FETCH_MS,
        )
        try:
            await consumer.start()
            consumer.assign([self._alerts, self._journal.place])
            consumer.seek(self._alerts, self._deciding.begins_at)
            consumer.seek(self._journal.place, position)
        except BaseException:
            await consumer.stop()
            raise
        self._consumer = consumer
        _log.info("telling %s from alert %d on", _names(self.targets), self._deciding.begins_at)

    # -- looking -------------------------------------------------------------------------------
    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        found = await consumer.getmany(timeout_ms=_LOOK_MS)
        now_ms = self._clock_ms()
        for record in found.get(self._alerts, []):
            if (alert := _alert(record)) is not None:
                self._deciding.alert(record.offset, alert, now_ms, record.timestamp)
        if not self._runners and await is_at_end(consumer, self._alerts, self._empty):
            self._begin(now_ms)
        for note in records_of(found.get(self._journal.place, [])):
            self._deciding.record(note, now_ms)
        self._check()
        if self._runners and now_ms >= self._written_ms + _WAITING_EVERY_MS:
            await self._write_waiting(now_ms)

    def _begin(self, now_ms: int) -> None:
        """The past is read: what was under way goes on, and who is owed gets it."""
        self._deciding.is_read(now_ms)
        for desk in self._deciding.desks:
            left_s = lambda: self._lease.left_s  # noqa: E731
            runner = Runner(desk.target, desk.queue, self._journal, left_s, self._metrics, self._clock_ms)
            self._runners[asyncio.create_task(runner.run())] = runner

    def _check(self) -> None:
        """Wake the runners; the error of one that ended is ours."""
        for task, runner in self._runners.items():
            if task.done():
                task.result()
            runner.wake()
        for desk in self._deciding.desks:
            self._metrics.notify_waiting.labels(desk.target.name).set(desk.queue.owes)

    async def _write_waiting(self, now_ms: int) -> None:
        self._written_ms = now_ms
        for each in self._deciding.waiting(now_ms):
            await self._journal.write(each)

    async def _leave(self) -> None:
        """End the runners after what they send just now, and leave Kafka."""
        if self._consumer is None:
            return
        consumer, self._consumer = self._consumer, None
        runners, self._runners = self._runners, {}
        try:
            for runner in runners.values():
                runner.stop()
            if runners:
                await asyncio.wait(runners, timeout=_END_WITHIN_S)
                for task in runners:
                    task.cancel()
                if self._lease.left_s > 0:  # else another knows it better by now
                    await self._write_waiting(self._clock_ms())
        finally:
            await consumer.stop()


def _alert(record: ConsumerRecord) -> Alert | None:
    try:
        return decode_alert(record.value or b"")
    except msgspec.MsgspecError:
        return None


def _names(targets: Targets) -> str:
    return ", ".join(each.name for each in targets.targets)
