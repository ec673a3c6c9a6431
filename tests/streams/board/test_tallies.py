"""What is said of windows: null below the floors, final only if nothing came late, no more buyers than orders."""

import pytest
from redis.asyncio import Redis

from schemas.answers import Window
from streams.board.book import Book
from streams.board.tallies import Tallies
from streams.keys import shard_keys
from streams.settings import Settings
from streams.tally.index import late_field
from streams.tally.windows import HOUR_MS

KEYS = shard_keys("hightide", 0)
DAY = 20_453
HOUR = DAY * 24 + 20
END_MS = (HOUR + 1) * HOUR_MS - 8 * HOUR_MS
LATENESS_MS = 120_000


async def windows(
    redis: Redis,
    watermark_ms: int,
    grain: str = "hour",
    dimension: str = "platform",
    first: int = HOUR,
    stop: int = HOUR + 1,
) -> list[Window]:
    await redis.set(KEYS.watermark(), watermark_ms)
    book = Book(redis, Settings())
    return await Tallies(book).windows(dimension, "all", grain, first, stop, await book.moment())


async def sold(redis: Redis, dimension: str = "platform") -> None:
    await redis.hset(KEYS.hours(dimension, DAY, "all"), mapping={"20g": 500, "20p": 2, "20r": 100})
    await redis.hset(KEYS.minutes(dimension, HOUR, "all"), mapping={"07g": 500, "07p": 2})


@pytest.mark.parametrize(
    ("ahead_ms", "final"), [(LATENESS_MS - 1, False), (LATENESS_MS, True), (LATENESS_MS + 1, True)]
)
async def test_a_window_is_final_once_it_is_closed(redis: Redis, ahead_ms: int, final: bool) -> None:
    await sold(redis)
    (hour,) = await windows(redis, END_MS + ahead_ms)
    assert (hour.final, hour.counters.gmv_fen, hour.counters.net_gmv_fen) == (final, 500, 400)


@pytest.mark.parametrize(("came_ms", "final"), [(LATENESS_MS - 1, True), (LATENESS_MS, False)])
async def test_what_came_behind_the_lateness_undoes_final_and_what_came_within_does_not(
    redis: Redis, came_ms: int, final: bool
) -> None:
    await sold(redis)
    await redis.hset(KEYS.late("platform", DAY), mapping={late_field(HOUR, "all"): END_MS + came_ms})
    later = END_MS + 10 * HOUR_MS
    (hour,) = await windows(redis, later)
    (minute,) = await windows(redis, later, "minute", first=HOUR * 60 + 7, stop=HOUR * 60 + 8)
    (other,) = await windows(redis, later, first=HOUR - 1, stop=HOUR)
    assert (hour.final, minute.final, other.final) == (final, final, True)


async def test_a_minute_is_final_with_its_hour(redis: Redis) -> None:
    await sold(redis)
    (minute,) = await windows(redis, END_MS, "minute", first=HOUR * 60 + 7, stop=HOUR * 60 + 8)
    assert (minute.final, minute.counters.gmv_fen) == (False, 500)


async def test_a_day_is_not_undone_by_what_came_to_an_hour_while_the_day_was_open(redis: Redis) -> None:
    await sold(redis)
    day_end_ms = (DAY + 1) * 24 * HOUR_MS - 8 * HOUR_MS
    for came_ms, final in ((END_MS + HOUR_MS, True), (day_end_ms + LATENESS_MS, False)):
        await redis.hset(KEYS.late("platform", DAY), mapping={late_field(HOUR, "all"): came_ms})
        (day,) = await windows(redis, day_end_ms + HOUR_MS, "day", first=DAY, stop=DAY + 1)
        assert (day.final, day.counters.gmv_fen) == (final, 500)


async def test_below_a_floor_nothing_is_known_and_it_says_so(redis: Redis) -> None:
    await sold(redis, "anchor")
    await redis.hset(KEYS.floors(), mapping={"hours": HOUR + 1, "sketches": HOUR + 1})
    old, kept = await windows(redis, END_MS + HOUR_MS, dimension="anchor", stop=HOUR + 2)
    assert (old.counters.gmv_fen, old.counters.buyers, old.final) == (None, None, False)
    assert set(old.counters.reasons) == set(old.counters.__struct_fields__) - {"reasons"}
    assert (kept.counters.gmv_fen, kept.counters.buyers) == (0, 0)
    assert kept.counters.reasons["merchants"] == "no distinct merchants are kept of anchor"


async def test_hours_that_outlive_their_sketches_do_not_say_that_nobody_bought(redis: Redis) -> None:
    await sold(redis)
    await redis.hset(KEYS.floors(), mapping={"sketches": HOUR + 1})
    (hour,) = await windows(redis, END_MS + HOUR_MS)
    assert (hour.counters.gmv_fen, hour.counters.buyers) == (500, None)
    assert hour.counters.reasons["buyers"] == "older than what is kept"


async def test_no_more_buyers_than_orders_are_estimated(redis: Redis) -> None:
    await sold(redis)
    await redis.pfadd(KEYS.sketch("buyers", "platform", HOUR, "all"), "a", "b", "c")
    (hour,) = await windows(redis, END_MS)
    assert hour.counters.buyers == 2


async def test_reading_writes_nothing(redis: Redis) -> None:
    await sold(redis)
    key = KEYS.sketch("buyers", "platform", HOUR, "all")
    await redis.pfadd(key, "a", "b")
    before = await redis.dump(key)
    (hour,) = await windows(redis, END_MS)
    assert hour.counters.buyers == 2
    assert await redis.dump(key) == before


async def test_a_day_is_its_hours_and_what_was_rolled_up(redis: Redis) -> None:
    await sold(redis)
    await redis.hset(KEYS.days("platform", DAY, "all"), mapping={"g": 7, "p": 1})
    (day,) = await windows(redis, END_MS, "day", first=DAY, stop=DAY + 1)
    assert (day.counters.gmv_fen, day.counters.orders_paid) == (507, 3)
