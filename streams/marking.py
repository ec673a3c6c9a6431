"""Steps 5 to 7 as the agents call them: pass after pass while there is work, with rests while records lie unread.

Whatever fails here is tried again at the next nudge: marks and outbox entries stay until they are dealt with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter

from streams.errors import Expected
from streams.guard import Guard
from streams.marks.detector import Detector, PassResult
from streams.metrics import Metrics
from streams.outbox.publisher import Publisher

#: shortest time between two passes of one kind over a shard
LEAST_PAUSE_S = 0.05
#: while records lie unread, a pass is followed by this many times its own duration of rest: settling goes first, and
#: what changes again and again is looked at once. Both kinds together take at most an eighth of the time of a core,
#: shared by worker and store
REST_WHILE_BEHIND = 15.0
#: but never by more: a pass may have waited for a Redis that paused, or in a process that was stopped
MOST_REST_S = 10.0


class Marking:
    """Runs the passes of detector and publisher over all shards. One call of a kind at a time (its agent's).

    `may_detect` says whether rankings have what was imported: without it they would tell what is none.
    """

    def __init__(
        self,
        detector: Detector,
        publisher: Publisher,
        shards: int,
        metrics: Metrics,
        behind: Callable[[], bool],
        alerts_pending: Callable[[], None],
        fatal: Callable[[Expected], None],
        may_detect: Callable[[], bool] = lambda: True,
    ) -> None:
        self._detector = detector
        self._publisher = publisher
        self._shards = shards
        self._metrics = metrics
        self._behind = behind
        self._alerts_pending = alerts_pending
        self._guarded = Guard(fatal)
        self._may_detect = may_detect

    async def peaks(self) -> None:
        """One pass over the changed hours and minutes of every shard, and more while marks are left."""
        await self._passes("peaks", self._detector.peaks_pass)

    async def records(self) -> None:
        """The same for changed sessions."""
        await self._passes("records", self._detector.records_pass)

    async def _passes(self, reader: str, one_pass: Callable[[int], Awaitable[PassResult]]) -> None:
        for shard in range(self._shards):
            more = self._may_detect()
            while more:
                began = perf_counter()
                result = await self._guarded(f"detecting {reader}", partial(one_pass, shard))
                took_s = perf_counter() - began
                more = result is not None and result.more
                if result is not None:
                    self._note(reader, result, took_s)
                await asyncio.sleep(0.0 if more else LEAST_PAUSE_S)
                await self._let_settle(min(REST_WHILE_BEHIND * took_s, MOST_REST_S) - LEAST_PAUSE_S)

    async def _let_settle(self, rest_s: float) -> None:
        """Rest for this long, or until all is read: from then on what changes is told at once."""
        until_s = perf_counter() + rest_s
        while self._behind() and (left_s := until_s - perf_counter()) > 0:  # noqa: ASYNC110 - no event says it
            await asyncio.sleep(min(left_s, LEAST_PAUSE_S))

    def _note(self, reader: str, result: PassResult, took_s: float) -> None:
        if result.watermark_ms:
            self._metrics.watermark.set(result.watermark_ms)
        if result.did_work:
            self._metrics.detection_seconds.labels(reader).observe(took_s)
        if result.alerts:
            self._alerts_pending()

    async def publish(self) -> None:
        """Empty the outbox of every shard into the topic `alerts`."""
        for shard in range(self._shards):
            await self._guarded("publishing alerts", partial(self._publisher.publish_pass, shard))
            await self._guarded("comparing alerts", partial(self._publisher.compare_pass, shard))
            pending = await self._guarded("looking into the outbox", partial(self._publisher.pending, shard))
            if pending is not None:
                self._metrics.outbox_pending.labels(str(shard)).set(pending)
