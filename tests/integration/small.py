"""A small market, some thousand records with nearly two hundred alerts, for tests that do something to a worker."""

from __future__ import annotations

from functools import cache

from streams.lab.simulator.clusters import Size, clusters
from streams.lab.simulator.pace import Pace
from streams.lab.simulator.planned import Planned
from streams.lab.simulator.play import play
from streams.lab.simulator.run import target_of, truth_of
from streams.lab.truth import Truth
from streams.settings import Settings
from tests.integration.scenario import Evening


@cache
def small_market() -> tuple[list[Planned], Truth]:
    """Five hours before midnight, and what they must end in on four partitions a topic."""
    records = list(clusters(5, Size(rate=0.1, hours=5)))
    return records, truth_of(records, {"orders": 4, "live-sessions": 4}, Settings(), {})


async def play_share(evening: Evening, begin: float, end: float) -> None:
    """Send the records from one share of all to another, as fast as the broker takes them."""
    first, last = (round(share * len(evening.records)) for share in (begin, end))
    await play(evening.records[first:last], target_of(evening.settings), Pace(None))
