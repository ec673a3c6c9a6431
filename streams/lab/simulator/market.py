"""The market of the scenario `clusters`: six named industrial clusters, 200 made-up ones, their shops and anchors."""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, cycle
from random import Random
from typing import Final, NamedTuple

from streams.lab.simulator.dates import HOUR_MS
from streams.lab.simulator.places import PLACES

MADE_UP: Final = 200
#: exponent of Zipf's law for the sizes of clusters and for the fame of anchors
_ZIPF: Final = 1.05
_SHOPS: Final = 8
_ANCHORS: Final = 12
#: an anchor is on air for three hours out of eight
ON_AIR_MS: Final = 3 * HOUR_MS
ROUND_MS: Final = 8 * HOUR_MS

#: cluster, category, province, city, usual price in fen, anchors
_NAMED: Final = (
    ("shenzhen-phone-accessories", "phone-accessories", "Guangdong", "Shenzhen", 2_900, 40),
    ("haining-fur", "womens-wear", "Zhejiang", "Jiaxing", 89_900, 40),
    ("danyang-lenses", "eyewear", "Jiangsu", "Zhenjiang", 12_900, 40),
    ("baoding-tissue", "household-paper", "Hebei", "Baoding", 1_990, 40),
    ("humen-apparel", "womens-wear", "Guangdong", "Dongguan", 7_900, 40),
    ("shandong-phalaenopsis", "flowers", "Shandong", "Weifang", 5_900, 40),
)
_CATEGORIES: Final = (
    ("kitchenware", 4_900), ("toys", 3_900), ("shoes", 9_900), ("home-textiles", 12_900), ("tea", 8_900),
    ("snacks", 2_990), ("cosmetics", 6_900), ("hardware", 3_500), ("pet-supplies", 4_500), ("furniture", 29_900),
    ("jewelry", 19_900), ("bags", 14_900), ("sportswear", 10_900), ("stationery", 1_500),
)  # fmt: skip


class OnAir(NamedTuple):
    """One broadcast of an anchor."""

    anchor_id: str
    session_id: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Anchor:
    """An anchor with a fixed round of hours; `offset_ms` is where in the round the first broadcast begins."""

    anchor_id: str
    offset_ms: int

    def broadcast_at(self, time_ms: int) -> OnAir | None:
        """The broadcast that is on air at `time_ms`, if any."""
        number, into_ms = divmod(time_ms - self.offset_ms, ROUND_MS)
        return self.broadcast(number) if into_ms < ON_AIR_MS else None

    def broadcast(self, number: int) -> OnAir:
        """The broadcast of one round."""
        start_ms = self.offset_ms + number * ROUND_MS
        session_id = f"session-{self.anchor_id.removeprefix('anchor-')}-{number}"
        return OnAir(self.anchor_id, session_id, start_ms, start_ms + ON_AIR_MS)


@dataclass(frozen=True)
class Cluster:
    """One industrial cluster. `fame` is the running sum of its anchors' weights, the best known first."""

    cluster_id: str
    category: str
    province: str
    city: str
    price_fen: int
    merchants: tuple[str, ...]
    anchors: tuple[Anchor, ...]
    fame: tuple[float, ...]

    def on_air(self, time_ms: int, rnd: Random) -> OnAir | None:
        """Whose broadcast an order of this instant comes from: drawn by fame, the next one on air from there on."""
        first = bisect(self.fame, rnd.random() * self.fame[-1])
        for anchor in (*self.anchors[first:], *self.anchors[:first]):
            broadcast = anchor.broadcast_at(time_ms)
            if broadcast is not None:
                return broadcast
        return None


def build_market(rnd: Random) -> list[Cluster]:
    """All 206 clusters, the biggest ones first. Every one of the 130 cities has at least one."""
    named = [_cluster(number, row, rnd) for number, row in enumerate(_NAMED, start=1)]
    places = cycle((province, city) for province, cities in PLACES.items() for city in cities)
    made_up = []
    for number in range(len(_NAMED) + 1, len(_NAMED) + MADE_UP + 1):
        category, usual_fen = rnd.choice(_CATEGORIES)
        price_fen = round(usual_fen * rnd.uniform(0.5, 2.0))
        row = (f"cluster-{number:04d}", category, *next(places), price_fen, _ANCHORS)
        made_up.append(_cluster(number, row, rnd))
    return named + made_up


def zipf(count: int) -> list[float]:
    """The running sum of `count` weights by Zipf's law."""
    return list(accumulate(1 / rank**_ZIPF for rank in range(1, count + 1)))


def sizes(clusters: Sequence[Cluster]) -> list[float]:
    """The running sum of the clusters' shares of all orders."""
    return zipf(len(clusters))


def _cluster(number: int, row: tuple[str, str, str, str, int, int], rnd: Random) -> Cluster:
    cluster_id, category, province, city, price_fen, anchors = row
    return Cluster(
        cluster_id=cluster_id,
        category=category,
        province=province,
        city=city,
        price_fen=price_fen,
        merchants=tuple(f"merchant-{number:04d}-{shop}" for shop in range(1, _SHOPS + 1)),
        anchors=tuple(
            Anchor(f"anchor-{number:04d}-{rank:02d}", rnd.randrange(ROUND_MS)) for rank in range(1, anchors + 1)
        ),
        fame=tuple(zipf(anchors)),
    )
