"""Minutes that a shard's passes have read are known, until something happened that they can not know of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from schemas.alerts import GROSS
from streams.keys import Keys, shard_keys
from streams.marks.detector import Detector
from streams.marks.minutes import MinuteMemory
from streams.marks.peaks import DayMark
from streams.marks.steps import Steps
from streams.tally.windows import SHANGHAI
from tests.streams.marks.test_any_order import copy_of, go_back

KEYS = [shard_keys("minutes", 0)]
DAY = 20_453
MARK = DayMark(DAY, "cluster", "c")
HOUR = dict.fromkeys(range(60), 1)


# -- the memory --------------------------------------------------------------------------------
def steps(name: str, found: str = "") -> Steps:
    return Steps(0, name, {KEYS[0].prefix: found})


def test_an_hour_is_known_once_it_was_read_and_changes_with_what_is_told() -> None:
    memory = MinuteMemory()
    memory.changed(MARK, {60: 7})
    assert memory.of(MARK, [1]) is None
    memory.read(MARK, 1, {5: 3})
    memory.changed(MARK, {61: 7, 130: 9})
    assert memory.of(MARK, [1]) == [0, 7, 0, 0, 0, 3, *([0] * 54)]
    assert memory.of(MARK, [1, 2]) is None
    assert memory.of(MARK._replace(id="d"), [1]) is None


def test_between_hours_that_are_asked_for_lie_zeros() -> None:
    memory = MinuteMemory()
    for hour in (1, 2, 3):
        memory.read(MARK, hour, HOUR)
    assert memory.of(MARK, [1, 3]) == [1] * 60 + [0] * 60 + [1] * 60


def test_the_oldest_hours_make_room() -> None:
    memory = MinuteMemory(hours=2)
    for hour in (3, 1, 2):
        memory.read(MARK, hour, HOUR)
    assert memory.of(MARK, [3]) is None
    assert memory.of(MARK, [1, 2]) == [1] * 120


@pytest.mark.parametrize(("stood", "known"), [("1/w/0", True), ("1/w/1", False), ("", False)])
def test_it_is_known_for_as_long_as_the_name_of_the_last_pass_stands(stood: str, known: bool) -> None:
    memory = MinuteMemory()
    memory.go_on(KEYS[0], "", steps("1/w", found="1/w/0"))
    memory.read(MARK, 1, HOUR)
    memory.go_on(KEYS[0], stood, steps("2/w", found="2/w/0"))
    assert (memory.of(MARK, [1]) is not None) == known


# -- passes ------------------------------------------------------------------------------------
@pytest.fixture
def detector(redis: Redis) -> Callable[..., Detector]:
    """Makes detectors; their clock goes on with each look."""
    ticks = iter(range(1_000, 100_000))

    def make(worker: str = "w1", marks_a_pass: int = 100) -> Detector:
        return Detector(
            redis, KEYS, SHANGHAI, 0, 1, 0, "orders", worker, lambda: next(ticks), marks_a_pass=marks_a_pass
        )  # fmt: skip

    return make


def minute(*of_day: int, value: int = 5) -> dict:
    """Arguments of a settle: these minutes of the day get so much more."""
    return {
        "sums": [(key_of(at), f"{at % 60:02d}g", value) for at in of_day],
        "peaks": [f"minute|{DAY * 1_440 + at}|cluster|c" for at in of_day],
    }


def key_of(of_day: int) -> str:
    return KEYS[0].minutes("cluster", DAY * 24 + of_day // 60, "c")


async def best(redis: Redis, keys: Keys = KEYS[0]) -> int:
    """The value of the best span of the day."""
    [(_, value)] = await redis.zrange(
        keys.ranking_open("peak.rolling", GROSS, "cluster", "c"), 0, -1, withscores=True
    )  # fmt: skip
    return int(value)


async def test_a_minute_is_added_to_those_that_are_known(redis: Redis, settle: Callable, detector: Callable) -> None:
    write, it = settle(KEYS), detector()
    for number, at in enumerate((605, 606, 659, 605), 1):
        await write(0, **minute(at))
        await it.peaks_pass(0)
        assert await best(redis) == 5 * number


async def test_what_is_known_is_not_read_again(redis: Redis, settle: Callable, detector: Callable) -> None:
    """A tally that changes without a mark, which no settle does, shows it."""
    write, it = settle(KEYS), detector()
    await write(0, **minute(605))
    await it.peaks_pass(0)
    await redis.hset(key_of(605), "05g", 1_000)
    await write(0, **minute(606))
    await it.peaks_pass(0)
    assert await best(redis) == 10


async def test_what_another_worker_has_read_is_read_anew(redis: Redis, settle: Callable, detector: Callable) -> None:
    write, it, other = settle(KEYS), detector(), detector("w2")
    for number, reader in enumerate((it, other, it), 1):
        await write(0, **minute(605))
        await reader.peaks_pass(0)
        await reader.release()
        assert await best(redis) == 5 * number
    await write(0, **minute(606))
    await it.peaks_pass(0)
    assert await best(redis) == 20


async def test_what_another_worker_took_away_is_not_missing(redis: Redis, settle: Callable, detector: Callable) -> None:
    write, it, other = settle(KEYS), detector(), detector("w2")
    await write(0, **minute(605))
    await it.peaks_pass(0)
    await it.release()
    await write(0, **minute(605))
    await other.peaks_pass(0)
    await other.release()
    await write(0, **minute(606))
    await it.peaks_pass(0)
    assert await best(redis) == 15


async def test_what_redis_lost_is_not_known_any_more(redis: Redis, settle: Callable, detector: Callable) -> None:
    write, it = settle(KEYS), detector()
    await write(0, **minute(605))
    await it.peaks_pass(0)
    before = await copy_of(redis, KEYS[0])
    await write(0, **minute(606, value=1_000))
    await it.peaks_pass(0)
    await go_back(redis, KEYS[0], before)
    await write(0, **minute(607))
    await it.peaks_pass(0)
    assert await best(redis) == 10


async def test_while_marks_wait_a_day_is_read_as_of_one_moment(
    redis: Redis, settle: Callable, detector: Callable
) -> None:
    """Evidence names the fences of that moment: what waits behind them must be in the value."""
    write, it = settle(KEYS), detector(marks_a_pass=1)
    await write(0, **minute(605))
    await it.peaks_pass(0)
    await write(0, **minute(605, 606))
    await it.peaks_pass(0)
    assert await best(redis) == 15
