"""How often the feed makes its passes, on a clock of the test's."""

from __future__ import annotations

from typing import Any

import pytest

from streams.feed.feeding import EVERY_S, MOST_REST_S, REST, REST_WHILE_BEHIND, Feeding
from streams.metrics import Metrics


class Feed:
    """Passes that take as long as they are told, and note when they began."""

    def __init__(self, took_s: float) -> None:
        self.now_s, self._took_s = 100.0, took_s
        self.began_s: list[float] = []

    async def publish_pass(self, shard: int) -> int:
        self.began_s.append(self.now_s)
        self.now_s += self._took_s
        return 3


@pytest.mark.parametrize(
    ("took_s", "behind", "every_s"),
    [
        (0.001, False, 0.001 + EVERY_S),
        (0.25, False, 0.25 + EVERY_S),
        (0.5, False, 0.5 + 0.5 * REST),
        (0.001, True, 0.001 + EVERY_S),
        (0.1, True, 0.1 + 0.1 * REST_WHILE_BEHIND),
        # Redis paused, or the process was stopped, in the middle of it
        (30.0, True, 30.0 + MOST_REST_S),
    ],
)
async def test_passes_are_a_second_apart_and_further_where_they_take_long(
    took_s: float, behind: bool, every_s: float
) -> None:
    feed, metrics = Feed(took_s), Metrics()
    nobody: Any = None
    it: Any = Feeding(feed, 1, metrics, lambda: behind, nobody, lambda: feed.now_s)  # type: ignore[arg-type]
    while len(feed.began_s) < 3:
        await it.tallies()
        feed.now_s += 0.01
    gaps = [later - at for at, later in zip(feed.began_s, feed.began_s[1:], strict=False)]
    assert gaps == pytest.approx([every_s] * 2, abs=0.011)
    assert metrics.registry.get_sample_value("hightide_feed_tallies_total") == 9.0
