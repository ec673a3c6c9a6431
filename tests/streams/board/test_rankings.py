"""Rankings as they are answered, from a real store: growth of whole windows, clusters past a sum, what is refused."""

from typing import Any

import pytest
from redis.asyncio import Redis

from streams.board import asking
from streams.board.book import Book
from streams.board.leaders import Leaders
from streams.board.problems import Refused
from streams.board.rankings import Rankings
from streams.board.routes import ROUTES
from streams.keys import shard_keys
from streams.settings import Settings
from streams.tally.windows import DAY_MS, HOUR_MS

KEYS = shard_keys("hightide", 0)
PARAMETERS = next(route.parameters for route in ROUTES if route.name == "ranking")
#: 2025-12-31
DAY = 20_453
START_MS = DAY * DAY_MS - 8 * HOUR_MS
NOON_MS = START_MS + 12 * HOUR_MS


async def sold(redis: Redis, id: str, day: int, gmv_fen: int, hour: int = 9) -> None:
    await redis.hset(KEYS.hours("cluster", day, id), mapping={f"{hour:02d}g": gmv_fen, f"{hour:02d}p": 1})
    await redis.hset(KEYS.ids("cluster", day), id, "")


async def ranking(redis: Redis, name: str = "clusters", watermark_ms: int = NOON_MS, **query: object) -> Any:
    await redis.set(KEYS.watermark(), watermark_ms)
    book = Book(redis, Settings())
    asked = asking.read(PARAMETERS, {"ranking": name}, [(key, str(value)) for key, value in query.items()])
    return await Rankings(book, Leaders(book)).ranking(asked)


async def refused(redis: Redis, **query: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        await ranking(redis, **query)
    return caught.value.status, caught.value.kind


async def test_an_hour_grows_over_the_same_hour_of_the_day_before(redis: Redis) -> None:
    await sold(redis, "a", DAY, 150)
    await sold(redis, "a", DAY - 1, 100)
    await sold(redis, "new", DAY, 5)
    answer = await ranking(redis, by="growth", at_ms=START_MS + 9 * HOUR_MS)
    assert [(row.id, row.value, row.before) for row in answer.rows] == [("a", 50.0, 100), ("new", None, 0)]
    assert answer.final


async def test_what_is_still_open_has_no_growth(redis: Redis) -> None:
    at_ms = START_MS + 9 * HOUR_MS
    closes_ms = at_ms + HOUR_MS + 120_000
    assert await refused(redis, by="growth", at_ms=at_ms, watermark_ms=closes_ms - 1) == (409, "still-open")
    assert (await ranking(redis, by="growth", at_ms=at_ms, watermark_ms=closes_ms)).rows == []
    assert await refused(redis, by="growth", window="day") == (409, "still-open")


async def test_a_year_to_date_has_today_and_grows_without_it(redis: Redis) -> None:
    for day, gmv_fen in ((DAY, 1_000), (DAY - 1, 60), (DAY - 366, 40)):
        await sold(redis, "a", day, gmv_fen)
    (row,) = (await ranking(redis, window="year")).rows
    assert row.value == 1_060
    (row,) = (await ranking(redis, window="year", by="growth")).rows
    assert (row.gmv_fen, row.before, row.value) == (60, 40, 50.0)


async def test_a_year_whose_days_are_purged_has_no_growth_and_says_so(redis: Redis) -> None:
    await sold(redis, "a", DAY - 1, 60)
    await redis.hset(KEYS.floors(), "days", DAY - 365)
    (row,) = (await ranking(redis, window="year", by="growth")).rows
    assert (row.value, row.before, sorted(row.reasons)) == (None, None, ["before", "value"])


async def test_clusters_past_a_sum_are_those_strictly_above_it_this_year(redis: Redis) -> None:
    yi_fen = 10_000_000_000
    await sold(redis, "at it", DAY, yi_fen)
    await sold(redis, "above", DAY, yi_fen - 5)
    await sold(redis, "above", DAY - 100, 6)
    await sold(redis, "last year", DAY - 365, 2 * yi_fen)
    answer = await ranking(redis, "passed")
    assert (answer.year, answer.count, [row.id for row in answer.rows]) == (2025, 1, ["above"])
    assert (await ranking(redis, "passed", above_fen=yi_fen - 1)).count == 2


async def test_what_can_not_be_ranked_is_refused_by_name(redis: Redis) -> None:
    assert await refused(redis, by="net") == (400, "invalid-parameter")
    assert await refused(redis, name="hours", by="orders") == (400, "invalid-parameter")
    assert await refused(redis, name="merchants", by="buyers") == (400, "no-sketch")
    assert await refused(redis, scope="cluster:a") == (400, "no-scope")
    assert await refused(redis, name="sessions", scope="city:a") == (400, "no-scope")
    await redis.hset(KEYS.floors(), "long_hours", DAY * 24)
    assert await refused(redis, at_ms=START_MS - 1) == (404, "not-kept")


async def test_before_the_first_event_an_instant_must_be_said(redis: Redis) -> None:
    book = Book(redis, Settings())
    asked = asking.read(PARAMETERS, {"ranking": "clusters"}, [])
    with pytest.raises(Refused, match="say at_ms"):
        await Rankings(book, Leaders(book)).ranking(asked)
