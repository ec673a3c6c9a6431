"""What trials are played with: small markets that differ by their seed."""

from __future__ import annotations

from functools import lru_cache
from random import Random

from streams.lab.simulator.clusters import Size, clusters
from streams.lab.simulator.planned import Planned

#: a few thousand records, some tens of alerts: made and judged in half a second
SIZE = Size(rate=0.12, hours=4)
SEEDS = 20


@lru_cache(maxsize=4)
def market(seed: int) -> tuple[Planned, ...]:
    """Four hours before midnight, in the order of arrival."""
    return tuple(clusters(seed, SIZE))


def some_market(chance: Random) -> tuple[Planned, ...]:
    """One of `SEEDS` markets."""
    return market(chance.randrange(SEEDS))
