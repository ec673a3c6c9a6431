"""The demo: embedded servers, a worker process and the simulator in one terminal, then the audit against the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from redis.asyncio import Redis

from schemas.alerts import GROSS, Alert, Rule, State, decode_alert
from streams.connect import redis_client
from streams.lab.audit.audit import audit
from streams.lab.audit.report import Report
from streams.lab.processes import board_process, until_settled, worker_process
from streams.lab.progress import Progress
from streams.lab.simulator.catalogue import SCENARIOS
from streams.lab.simulator.pace import Pace
from streams.lab.simulator.play import partition_counts
from streams.lab.simulator.run import Run, simulate, target_of, truth_of
from streams.lab.truth import Truth
from streams.settings import Settings
from streams.topics import Topics

#: scopes whose alerts the demo prints; the others are in the topic
_SHOWN = frozenset({"platform", "category", "session"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo ended in: the audit's report, and the alerts that are confirmed."""

    report: Report
    alerts: list[Alert]


async def demo(settings: Settings, seed: int, pace: Pace, directory: Path, say: Callable[[str], None]) -> Outcome:
    """Play the evening of `chensmchen` through a worker. `settings` point to running servers with its topics made.

    The logs of worker and board go to `directory`. `say` prints a line. Raises `Expected` if one of them ends, or the
    worker falls silent.
    """
    redis = redis_client(settings)
    plan = Run(SCENARIOS["chensmchen"], seed, None, directory / "truth.jsonl")
    progress = Progress("orders and sessions sent", plan.expected())

    def say_above_the_bar(line: str) -> None:
        progress.clear()
        say(line)

    watcher = _Watcher(settings, say_above_the_bar)
    try:
        async with (
            worker_process(settings, directory / "worker.log") as worker,
            board_process(settings, directory / "board.log") as board,
            watcher.running(),
        ):
            say(f"board at {board}")
            records = await simulate(
                plan, settings, pace, lambda played: progress.at(played.records, f"alerts {watcher.revisions}")
            )
            progress.finish(len(records))
            truth = await asyncio.to_thread(
                truth_of, records, await partition_counts(target_of(settings)), settings, plan.meta()
            )
            await until_settled(redis, settings, len(records), worker)
            report = await _audited(settings, redis, truth)
            return Outcome(report, list(watcher.final.values()))
    finally:
        await redis.aclose()


async def _audited(settings: Settings, redis: Redis, truth: Truth) -> Report:
    checking = Progress("audit")
    try:
        return await audit(settings, redis, checking.at, truth)
    finally:
        checking.clear()


# -- the alerts ----------------------------------------------------------------------------------
class _Watcher:
    """Reads the topic `alerts` and says what a live-ops lead would want to hear."""

    def __init__(self, settings: Settings, say: Callable[[str], object]) -> None:
        self.revisions = 0
        self.final: dict[str, Alert] = {}
        self._settings = settings
        self._say = say

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch for as long as the context lasts."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        consumer = AIOKafkaConsumer(
            Topics(self._settings.topic_prefix).alerts,
            bootstrap_servers=self._settings.kafka,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
        )
        await consumer.start()
        try:
            async for record in consumer:
                self._take(decode_alert(record.value))
        finally:
            await consumer.stop()

    def _take(self, alert: Alert) -> None:
        self.revisions += 1
        self.final.pop(alert.alert_id, None)
        if alert.state in (State.CONFIRMED, State.REINSTATED):
            self.final[alert.alert_id] = alert
        if alert.state is State.CONFIRMED and alert.metric == GROSS and alert.scope.dimension in _SHOWN:
            self._say(f"  {alert.text}")


def headline(outcome: Outcome) -> list[str]:
    """The last lines: the record, its peak hour, the accounts and the audit."""
    record = max(
        (each for each in outcome.alerts if each.rule is Rule.RECORD_SESSION and _of_the_category(each)),
        key=lambda each: each.value_fen,
        default=None,
    )
    if record is None:
        return ["no record session was confirmed"]
    peak = max(
        (
            each
            for each in outcome.alerts
            if each.rule is Rule.PEAK_HOUR and each.scope.dimension == "session" and each.scope.id == record.holder.id
        ),
        key=lambda each: each.value_fen,
        default=None,
    )
    return [record.text, "no peak hour of its session was confirmed" if peak is None else peak.text]


def _of_the_category(alert: Alert) -> bool:
    return alert.metric == GROSS and alert.scope.dimension == "category"
