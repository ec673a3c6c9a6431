"""Every dimension adds up to the same: at settled moments alone, and seen when it is not so."""

from __future__ import annotations

import pytest
from faust.types import TP
from redis.asyncio import Redis

from streams.metrics import Metrics
from streams.tally.conservation import Conservation, Totals, dimension_gap, read_totals, summed
from streams.tally.counters import DIMENSIONS
from tests.streams.intake.counting import Reader
from tests.streams.intake.making import DEDUPE_MS, ORDERS, paid, records, refund, sample

ORDERS_1 = TP("orders", 1)
EVEN = {f"{dimension}:g": 100 for dimension in DIMENSIONS}
AT_5 = {("orders", 0): 5}


@pytest.mark.parametrize(("fen", "gap"), [(99, 1), (100, 0), (101, 1), (0, 100)])
def test_a_dimension_below_equal_and_above_the_platform(fen: int, gap: int) -> None:
    assert dimension_gap([Totals(AT_5, {**EVEN, "city:g": fen})]) == gap


def test_a_platform_that_differs_from_all_is_seen_as_well() -> None:
    assert dimension_gap([Totals(AT_5, {**EVEN, "platform:g": 90})]) == 10


def test_shards_are_added_up() -> None:
    halves = [Totals(AT_5, {"platform:r": 7}), Totals(AT_5, {f"{each}:r": 7 for each in DIMENSIONS[1:]})]
    assert dimension_gap(halves) == 0
    assert dimension_gap([*halves, Totals(AT_5, {"channel:r": 2})]) == 2


@pytest.mark.parametrize("other", [{("orders", 0): 6}, {}, {("orders", 0): 5, ("orders", 1): 0}])
def test_shards_that_stand_apart_are_not_compared(other: dict[tuple[str, int], int]) -> None:
    assert dimension_gap([Totals(AT_5, EVEN), Totals(other, {})]) is None


# -- on a store --------------------------------------------------------------------------------
LOG = records(
    [paid(f"p-{at}", 1 + at, anchor_id=f"anchor-{at % 5}", session_id=f"s-{at % 3}") for at in range(10)]
    + [refund("r-1", 2, "order-p-3", 4), paid("p-1", 2), b"no json", refund("r-2", 9, "order-p-4", 5)]
)


class Looking:
    """A store that holds what `Reader` counted, and what is measured of it."""

    def __init__(self, redis: Redis, reader: Reader) -> None:
        self.redis, self.reader = redis, reader
        self.metrics = Metrics()
        self.told: list[int] = []
        self._conservation = Conservation(redis, reader.keys, self.metrics, self.told.append)

    async def gap(self) -> float | None:
        await self._conservation.look()
        return sample(self.metrics, "hightide_conservation_dimension_gap_fen")


@pytest.fixture(params=[1, 3])
async def looking(redis: Redis, request: pytest.FixtureRequest) -> Looking:
    reader = Reader(redis, {ORDERS: LOG, ORDERS_1: LOG}, request.param, DEDUPE_MS)
    await reader.open()
    await reader.read_all()
    return Looking(redis, reader)


async def test_what_was_settled_adds_up_to_the_same_in_every_dimension(looking: Looking) -> None:
    assert await looking.gap() == 0
    totals = summed([await read_totals(looking.redis, keys) for keys in looking.reader.keys])
    assert {code: {totals[f"{each}:{code}"] for each in DIMENSIONS} for code in "gprb"} == {
        "g": {110}, "p": {20}, "r": {4}, "b": {4},
    }  # fmt: skip


@pytest.mark.parametrize("fen", [-3, 3])
async def test_a_tally_that_was_tampered_with_is_seen_and_told_once(looking: Looking, fen: int) -> None:
    await looking.redis.hincrby(looking.reader.keys[-1].totals(), "anchor:g", fen)
    assert [await looking.gap(), await looking.gap()] == [3, 3]
    assert looking.told == [3]
    await looking.redis.hincrby(looking.reader.keys[-1].totals(), "anchor:g", -fen)
    assert await looking.gap() == 0


@pytest.mark.parametrize("looking", [3], indirect=True)
async def test_amid_settling_the_last_measure_stays(looking: Looking) -> None:
    assert await looking.gap() == 0
    await looking.redis.hset(looking.reader.keys[1].fence(*ORDERS), "next", 3)
    await looking.redis.hincrby(looking.reader.keys[1].totals(), "anchor:g", 3)
    assert await looking.gap() == 0
    assert looking.told == []
