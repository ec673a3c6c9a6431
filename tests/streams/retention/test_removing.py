"""The scripts on a real store: a roll-up is a move, exact, repeatable, whole; nothing goes above a floor."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from streams.keys import HISTORY, shard_keys
from streams.retention.deeds import Deed, Merge, Remove, RollUp, Trim
from streams.retention.floors import FloorRaiser, WentBack, read_floors, read_swept
from streams.retention.policy import Floors
from streams.retention.removing import Remover
from streams.tally.windows import SHANGHAI

KEYS = shard_keys("test", 0)
DAY = 20_000
FLOORS = Floors(minutes=6_000, hours=DAY * 24 + 24, sketches=DAY * 24 + 24, sessions=5, first_offsets=48)
HOURS, DAYS = KEYS.hours("anchor", DAY, "a"), KEYS.days("anchor", DAY, "a")
ROLL_UP = {HOURS: RollUp("anchor", DAY, "a")}


@pytest.fixture
async def remover(redis: Redis) -> Remover:
    """With the floors raised."""
    await FloorRaiser(redis).raise_floors(KEYS, FLOORS, 0)
    return Remover(redis, [KEYS], SHANGHAI)


async def dump(redis: Redis) -> dict[bytes, bytes | None]:
    return {key: await redis.dump(key) for key in await redis.keys()}


def sketch(hour: int, of: str = "buyers", dimension: str = "anchor", id: str = "a") -> str:
    return KEYS.sketch(of, dimension, DAY * 24 + hour, id)


# -- floors ------------------------------------------------------------------------------------
async def test_floors_never_fall(redis: Redis) -> None:
    raiser = FloorRaiser(redis)
    await raiser.raise_floors(KEYS, Floors(minutes=60, days=7), 0)
    await raiser.raise_floors(KEYS, Floors(minutes=120, days=6, hours=24), 0)
    assert await read_floors(redis, KEYS) == Floors(minutes=120, days=7, hours=24)


async def test_what_was_swept_stands_beside(redis: Redis) -> None:
    assert await read_swept(redis, KEYS) == Floors()
    await FloorRaiser(redis).note_swept(KEYS, {"minutes": 60}, 0)
    assert await read_swept(redis, KEYS) == Floors(minutes=60)
    assert await read_floors(redis, KEYS) == Floors()


@pytest.mark.parametrize("went_back_to", [8, HISTORY + 9])
async def test_floors_are_not_raised_in_a_redis_that_went_back(redis: Redis, went_back_to: int) -> None:
    """To a lower change version, or to one of another history, whatever has been settled since."""
    raiser = FloorRaiser(redis)
    await redis.set(KEYS.sequence(), 9)
    await raiser.raise_floors(KEYS, Floors(minutes=60), await raiser.version(KEYS))
    await redis.set(KEYS.sequence(), went_back_to)
    with pytest.raises(WentBack):
        await raiser.raise_floors(KEYS, Floors(minutes=120), 9)
    assert await read_floors(redis, KEYS) == Floors(minutes=60)


# -- the sums of a day -------------------------------------------------------------------------
async def test_hours_become_their_day(redis: Redis, remover: Remover) -> None:
    await redis.hset(HOURS, mapping={"00g": 5, "23g": 7, "23p": 1, "09o": 2})
    assert (await remover.do(0, ROLL_UP, FLOORS))["hours"] == 1
    assert await redis.hgetall(DAYS) == {b"g": b"12", b"p": b"1", b"o": b"2"}
    assert not await redis.exists(HOURS)


async def test_a_roll_up_may_be_repeated(redis: Redis, remover: Remover) -> None:
    await redis.hset(HOURS, mapping={"00g": 5, "23g": 7})
    await redis.pfadd(sketch(3), "b1")
    await remover.do(0, ROLL_UP, FLOORS)
    before = await dump(redis)
    assert sum((await remover.do(0, ROLL_UP, FLOORS)).values()) == 0
    assert await dump(redis) == before


async def test_hours_that_come_after_it_are_added(redis: Redis, remover: Remover) -> None:
    for fen in (5, 7):
        await redis.hset(HOURS, mapping={"00g": fen, "01b": 1})
        await redis.pfadd(sketch(1), f"buyer-{fen}")
        await remover.do(0, ROLL_UP, FLOORS)
    assert await redis.hgetall(DAYS) == {b"g": b"12", b"b": b"2"}
    assert await redis.pfcount(KEYS.day_sketch("buyers", "anchor", DAY, "a")) == 2


@pytest.mark.parametrize(
    "values",
    [
        [0, 0],
        [10**9 - 1, 1],
        [10**9, 10**9],
        [2**53, 1, 1],
        [5_000 * 10**12 - 1] * 24,
        [4 * 10**18, 4 * 10**18 + 999_999_999, 1],
        [1_000_000_001, 9, 999_999_990],
    ],
)
async def test_sums_are_exact_however_large(redis: Redis, remover: Remover, values: list[int]) -> None:
    await redis.hset(DAYS, "g", values[0])
    await redis.hset(HOURS, mapping={f"{hour:02d}g": value for hour, value in enumerate(values[1:])})
    await remover.do(0, ROLL_UP, FLOORS)
    assert await redis.hget(DAYS, "g") == str(sum(values)).encode()


@pytest.mark.parametrize("broken", ["days", "day sketch", "sketch", "text"])
async def test_a_roll_up_that_fails_takes_nothing(redis: Redis, remover: Remover, broken: str) -> None:
    await redis.hset(HOURS, mapping={"00g": 5})
    await redis.pfadd(sketch(1), "b1")
    if broken == "text":
        await redis.hset(HOURS, "01g", "no number")
    else:
        await redis.delete(sketch(2))
        key = {"days": DAYS, "day sketch": KEYS.day_sketch("buyers", "anchor", DAY, "a"), "sketch": sketch(2)}[broken]
        await redis.set(key, "of another type")
    before = await dump(redis)
    with pytest.raises(ResponseError):
        await remover.do(0, ROLL_UP, FLOORS)
    assert await dump(redis) == before


# -- sketches ----------------------------------------------------------------------------------
async def test_the_hours_of_an_anchor_go_with_their_sketches(redis: Redis, remover: Remover) -> None:
    await redis.hset(HOURS, "00g", 5)
    for hour in range(24):
        await redis.pfadd(sketch(hour), *(f"buyer-{hour * 50 + number}" for number in range(100)))
    union = await redis.pfcount(*(sketch(hour) for hour in range(24)))
    assert (await remover.do(0, ROLL_UP, FLOORS))["hours"] == 25
    assert await redis.pfcount(KEYS.day_sketch("buyers", "anchor", DAY, "a")) == union
    assert set(await redis.keys("test:{0}:*uyers*")) == {KEYS.day_sketch("buyers", "anchor", DAY, "a").encode()}


async def test_sketches_of_long_kept_hours_go_without_them(redis: Redis, remover: Remover) -> None:
    hours = KEYS.hours("cluster", DAY, "c")
    await redis.hset(hours, "00g", 5)
    first, second = sketch(0, "anchors", "cluster", "c"), sketch(1, "anchors", "cluster", "c")
    await redis.pfadd(first, "x", "y")
    await redis.pfadd(second, "y", "z")
    merge = Merge("anchors", "cluster", DAY, "c")
    assert (await remover.do(0, {first: merge, second: merge}, FLOORS))["sketches"] == 2
    assert await redis.pfcount(KEYS.day_sketch("anchors", "cluster", DAY, "c")) == 3
    assert await redis.hgetall(hours) == {b"00g": b"5"}
    assert not await redis.exists(first, second, KEYS.days("cluster", DAY, "c"))


async def test_a_day_without_sketches_gets_none(redis: Redis, remover: Remover) -> None:
    await redis.hset(HOURS, "00g", 5)
    await remover.do(0, ROLL_UP, FLOORS)
    assert not await redis.exists(KEYS.day_sketch("buyers", "anchor", DAY, "a"))


# -- removing and trimming ---------------------------------------------------------------------
async def test_keys_are_removed(redis: Redis, remover: Remover) -> None:
    names = [f"test:{{0}}:minutes:anchor:{number}:a" for number in range(900)]
    for name in names:
        await redis.hset(name, "00g", 1)
    deeds: dict[str, Deed] = dict.fromkeys([*names, "test:{0}:minutes:anchor:1:not-there"], Remove("minutes"))
    assert (await remover.do(0, deeds, FLOORS))["minutes"] == 900
    assert set(await redis.keys()) == {KEYS.floors().encode()}


async def test_fields_are_trimmed_by_their_hour(redis: Redis, remover: Remover) -> None:
    firsts, sessions = KEYS.first_offsets("orders", 0), KEYS.session_hours("(none)")
    await redis.hset(firsts, mapping={hour: hour for hour in range(1_300)})
    await redis.hset(sessions, mapping={"119g": 1, "119b": 1, "120g": 1, "1190g": 1})
    deeds: dict[str, Deed] = {firsts: Trim("first_offsets", 0), sessions: Trim("sessions", 1)}
    gone = await remover.do(0, deeds, FLOORS)
    assert gone == {"first_offsets": 48, "sessions": 2}
    assert {int(hour) for hour in await redis.hkeys(firsts)} == set(range(48, 1_300))
    assert set(await redis.hkeys(sessions)) == {b"120g", b"1190g"}


@pytest.mark.parametrize(
    ("key", "deed"),
    [
        (KEYS.minutes("anchor", 1, "a"), Remove("minutes")),
        (HOURS, RollUp("anchor", DAY, "a")),
        (sketch(0), Merge("buyers", "anchor", DAY, "a")),
        (KEYS.first_offsets("orders", 0), Trim("first_offsets", 0)),
    ],
)
async def test_nothing_is_done_where_the_floor_stands_lower(redis: Redis, key: str, deed: Deed) -> None:
    await FloorRaiser(redis).raise_floors(KEYS, Floors(*(floor - 1 for floor in FLOORS)), 0)
    if isinstance(deed, Merge):
        await redis.pfadd(key, "b")
    else:
        await redis.hset(key, "00", 1)
    before = await dump(redis)
    with pytest.raises(WentBack):
        await Remover(redis, [KEYS], SHANGHAI).do(0, {key: deed}, FLOORS)
    assert await dump(redis) == before
