"""The scenarios by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from streams.lab.simulator.chensmchen import chensmchen
from streams.lab.simulator.clusters import Size, clusters
from streams.lab.simulator.concetery import concetery
from streams.lab.simulator.planned import Planned


@dataclass(frozen=True)
class Scenario:
    """One scenario. `default_size` is None if its size is fixed; `records` estimates how many records a size has."""

    name: str
    about: str
    default_size: Size | None
    plan: Callable[[int, Size | None], Iterator[Planned]]
    records: Callable[[Size | None], int]


def _plan_clusters(seed: int, size: Size | None) -> Iterator[Planned]:
    return clusters(seed, size or Size())


def _clusters_records(size: Size | None) -> int:
    rate, hours = size or Size()
    return int(rate * hours * 3_600 * 2.06)


SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "chensmchen",
            "a record evening in women's wear: a fur session of 8 hours, 35,000 orders and 107.5 million yuan",
            None,
            lambda seed, size: chensmchen(seed),
            lambda size: 138_000,
        ),
        Scenario(
            "concetery",
            "a night of 42 anchors in six rooms of one merchant, over a million yuan, and the three shows before it",
            None,
            lambda seed, size: concetery(seed),
            lambda size: 38_000,
        ),
        Scenario(
            "clusters",
            "206 industrial clusters in 27 provinces and 130 cities, 63 % of sales live; --rate and --hours",
            Size(),
            _plan_clusters,
            _clusters_records,
        ),
    )
}
