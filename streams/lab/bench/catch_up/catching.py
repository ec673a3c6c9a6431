"""Waiting until a worker has caught up, while live traffic arrives."""

from __future__ import annotations

import asyncio
import time

from streams.errors import Expected
from streams.lab.bench.catch_up.lag import Arrived
from streams.lab.bench.catch_up.report import CaughtUp, LagSample
from streams.lab.bench.children import last_line
from streams.lab.bench.live.children import Child
from streams.lab.bench.live.stage import Stage
from streams.lab.bench.live.tasks import DONE, Sent
from streams.lab.bench.measured import WORKER
from streams.lab.bench.store import settled
from streams.lab.bench.usage import Span, peak_rss_mb
from streams.lab.processes import Process
from streams.lab.progress import Progress

_LOOK_EVERY_S = 0.1
_PATIENCE_S = 120.0
#: live traffic goes on for so long after the lag was zero
_GOES_ON_S = 2.0


class CatchingUp:
    """One worker, that starts with `before` records in the topic of orders."""

    def __init__(self, here: Stage, worker: Process, producer: Child, before: int) -> None:
        self._here = here
        self._worker = worker
        self._producer = producer
        self._arrived = Arrived(before)
        self._progress = Progress("catching up", before)

    async def run(self) -> tuple[CaughtUp, Sent]:
        """Until the lag was zero, and a little longer; then live traffic ends."""
        listening = asyncio.ensure_future(self._listen())
        try:
            done = await self._until_caught_up()
            await asyncio.sleep(_GOES_ON_S)
            self._producer.stop()
            await listening
        finally:
            listening.cancel()
        return done, await self._producer.answer(Sent)

    async def _listen(self) -> None:
        """Note what the producer says that it sent."""
        while (line := await self._producer.line()) != DONE:
            self._arrived.note(time.monotonic(), int(line.split()[1]))

    async def _until_caught_up(self) -> CaughtUp:
        start = time.monotonic()
        while (at_start := await self._settled()) is None:
            self._check_worker()
            await asyncio.sleep(_LOOK_EVERY_S)
        began, samples = time.monotonic(), list[LagSample]()
        span = Span({WORKER: self._worker.pid, **self._here.processes})
        moved_at, last = began, at_start
        while (lag := self._arrived.lag(done := await self._settled() or 0, now := time.monotonic())) > 0:
            samples.append(LagSample(now - began, lag))
            self._progress.at(done, f"{lag:,} behind")
            self._check_worker()
            if done != last:
                last, moved_at = done, now
            elif now - moved_at > _PATIENCE_S:
                raise Expected(f"the worker settled nothing for {_PATIENCE_S:.0f} s, and {lag:,} are left")
            await asyncio.sleep(_LOOK_EVERY_S)
        self._progress.finish(done)
        samples.append(LagSample(now - began, lag))
        return CaughtUp(
            started_s=began - start,
            seconds=now - began,
            settled=done - at_start,
            lag=samples,
            cpu_s=span.end().cpu_s,
            peak_rss_mb=peak_rss_mb(self._worker.pid),
        )

    async def _settled(self) -> int | None:
        return await settled(self._here.redis, self._here.settings, self._here.orders)

    def _check_worker(self) -> None:
        if self._worker.poll() is not None:
            text = self._here.log.read_text(errors="replace")
            raise Expected(f"the worker ended with exit code {self._worker.returncode}: {last_line(text)}")
