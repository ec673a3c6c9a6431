"""An evening through real worker processes, with something done to them on the way, compared with its truth."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from redis.asyncio import Redis

from streams.lab.audit.alerts import all_revisions
from streams.lab.audit.audit import audit
from streams.lab.audit.report import Report
from streams.lab.processes import Process, end_worker, settled_records, start_worker, until_settled
from streams.lab.simulator.pace import Pace
from streams.lab.simulator.planned import Planned
from streams.lab.simulator.play import play
from streams.lab.simulator.run import target_of
from streams.lab.truth import Truth
from streams.settings import Settings
from streams.topics import Topics


class Evening:
    """Plays `records` into Kafka and keeps worker processes; `finish` compares the end with `truth`."""

    def __init__(self, settings: Settings, redis: Redis, records: list[Planned], truth: Truth, folder: Path) -> None:
        self.settings = settings
        self.redis = redis
        self.records = records
        self.truth = truth
        self._folder = folder
        self._workers: list[Process] = []

    def start_worker(self) -> Process:
        """One more worker."""
        worker = start_worker(self.settings, self._folder / f"worker-{len(self._workers)}.log")
        self._workers.append(worker)
        return worker

    async def play(self) -> None:
        """Send everything, as fast as the broker takes it."""
        await play(self.records, target_of(self.settings), Pace(None))

    async def until(self, share: float) -> None:
        """Wait until this share of the records is settled."""
        async with asyncio.timeout(90):
            # what is waited for is in another process
            while await settled_records(self.redis, self.settings) < round(share * len(self.records)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def finish(self, worker: Process) -> Report:
        """Wait for the end and audit it against the truth.

        The end has more records than were sent: refunds that overtook their order are driven again through the log.
        """
        await until_settled(self.redis, self.settings, self.truth.totals()["consumed"], worker)
        return await audit(self.settings, self.redis, lambda done, note: None, self.truth)

    async def check_revisions(self) -> None:
        """Every revision stands in the alerts topic once, and those of an alert are 1, 2, 3, … in order."""
        revisions: dict[str, list[int]] = {}
        for alert in await all_revisions(self.settings.kafka, Topics(self.settings.topic_prefix).alerts):
            revisions.setdefault(alert.alert_id, []).append(alert.revision)
        assert revisions
        assert all(each == list(range(1, len(each) + 1)) for each in revisions.values()), revisions

    async def end(self) -> None:
        """End every worker that still runs."""
        for worker in self._workers:
            await end_worker(worker)

    def log(self, number: int) -> str:
        """What the worker started as `number` (from 0) logged."""
        return (self._folder / f"worker-{number}.log").read_text("utf-8")


Deed = Callable[[Evening], Awaitable[Process]]
