"""The feed as its agent calls it: a pass over every shard once a second, with rests while records lie unread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter

from streams.errors import Expected
from streams.feed.feed import TalliesFeed
from streams.guard import Guard
from streams.metrics import Metrics

#: shortest time from the end of a pass over a shard to the next: how often a tally is told that changes all the time
EVERY_S = 1.0
#: a pass is followed by at least this many times its own duration of rest: the feed takes a quarter of the time at most
REST = 3.0
#: and while records lie unread by this many, because settling goes first: some 3 % of the time of a core
REST_WHILE_BEHIND = 31.0
#: but never by more
MOST_REST_S = 10.0


class Feeding:
    """Runs the passes of the feed. One call at a time (its agent's). `behind` tells whether records lie unread."""

    def __init__(
        self,
        feed: TalliesFeed,
        shards: int,
        metrics: Metrics,
        behind: Callable[[], bool],
        fatal: Callable[[Expected], None],
        clock_s: Callable[[], float] = perf_counter,
    ) -> None:
        self._feed = feed
        self._metrics = metrics
        self._behind = behind
        self._guarded = Guard(fatal)
        self._clock_s = clock_s
        #: when the last pass over a shard began, and how long it took
        self._last = [(float("-inf"), 0.0)] * shards

    async def tallies(self) -> None:
        """A pass over each shard that is due; called as often as there may be something to tell."""
        for shard, (began_s, took_s) in enumerate(self._last):
            if self._clock_s() >= began_s + self._pause_s(took_s):
                await self._pass(shard)

    def _pause_s(self, took_s: float) -> float:
        rest = REST_WHILE_BEHIND if self._behind() else REST
        return took_s + max(EVERY_S, min(rest * took_s, MOST_REST_S))

    async def _pass(self, shard: int) -> None:
        began_s = self._clock_s()
        told = await self._guarded("publishing tallies", partial(self._feed.publish_pass, shard))
        took_s = self._clock_s() - began_s
        self._last[shard] = began_s, took_s
        if told:
            self._metrics.feed_tallies.inc(told)
            self._metrics.feed_seconds.observe(took_s)
