"""Which round is due, and what a sweep comes by."""

import pytest
from redis.asyncio import Redis

from streams.keys import shard_keys
from streams.retention.deeds import Deed, Remove
from streams.retention.policy import DAILY, Floors
from streams.retention.sweep import ROUNDS, Sweep, due_round

MINUTES, DAYS = ROUNDS
FLOORS = Floors(minutes=6_000, hours=24)


@pytest.mark.parametrize(
    ("floors", "swept", "expected"),
    [
        (Floors(), Floors(), None),
        (FLOORS, FLOORS, None),
        (FLOORS, Floors(), MINUTES),
        (FLOORS, Floors(minutes=5_940), MINUTES),
        (FLOORS, Floors(minutes=6_000), DAYS),
        (FLOORS, Floors(minutes=6_060, hours=48), None),
        (FLOORS._replace(days=1), FLOORS, DAYS),
    ],
)
def test_a_round_is_due_when_one_of_its_floors_has_risen(floors: Floors, swept: Floors, expected: object) -> None:
    assert due_round(floors, swept) == expected


def test_the_rounds_have_every_kind_once() -> None:
    assert sorted(kind for each in ROUNDS for kind in each.kinds) == sorted(Floors._fields)
    assert set(DAILY) == set(DAYS.kinds)


async def all_of(sweep: Sweep) -> dict[str, Deed]:
    found = {}
    while not sweep.ended:
        found.update(await sweep.next_batch())
    return found


@pytest.mark.parametrize("group", ["plain", "with.dots_and-dashes"])
async def test_a_sweep_finds_the_old_keys_of_its_shard_alone(redis: Redis, group: str) -> None:
    keys, others = shard_keys(group, 0), (shard_keys(group, 1), shard_keys(group + "x", 0))
    for number in range(300):
        for each in (keys, *others):
            await redis.hset(each.minutes("anchor", number, "a"), "00g", 1)
    sweep = Sweep(redis, keys, MINUTES, FLOORS)
    assert await all_of(sweep) == {keys.minutes("anchor", number, "a"): Remove("minutes") for number in range(100)}
    assert sweep.swept() == {"minutes": 6_000}


async def test_a_sweep_looks_at_few_keys_at_a_time(redis: Redis) -> None:
    keys = shard_keys("plain", 0)
    for number in range(3_000):
        await redis.hset(keys.minutes("anchor", number % 100, str(number)), "00g", 1)
    sweep = Sweep(redis, keys, MINUTES, FLOORS)
    batches = []
    while not sweep.ended:
        batches.append(len(await sweep.next_batch()))
    assert sum(batches) >= 3_000
    assert max(batches) < 1_000
