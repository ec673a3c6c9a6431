"""Ids ranked in windows, from a real store: which ids there are, what is read once, what is too much."""

import pytest
from redis.asyncio import Redis

from streams.board import leaders
from streams.board.book import Book
from streams.board.leaders import Leaders, Sum
from streams.board.problems import Refused
from streams.board.windows import Ranked
from streams.keys import shard_keys, shard_of
from streams.settings import Settings
from streams.tally.index import late_field
from streams.tally.windows import DAY_MS, HOUR_MS

SHARDS = [shard_keys("hightide", shard) for shard in range(2)]
DAY = 20_453
HOUR = Ranked("hour", "hour", DAY * 24 + 20, DAY * 24 + 21)
START_OF_DAY_MS = DAY * DAY_MS - 8 * HOUR_MS


async def sold(redis: Redis, id: str, day: int, gmv_fen: int) -> None:
    keys = SHARDS[shard_of("cluster", id, 2)]
    await redis.hset(keys.hours("cluster", day, id), mapping={"20g": gmv_fen, "20p": 1})
    await redis.hset(keys.ids("cluster", day), id, "")


@pytest.fixture
def reader(redis: Redis) -> Leaders:
    return Leaders(Book(redis, Settings(shards=2)))


async def test_every_id_of_every_shard_is_there_and_only_of_its_hour(redis: Redis, reader: Leaders) -> None:
    for number in range(20):
        await sold(redis, f"中:{number}|\n", DAY, 100 + number)
    await sold(redis, "another day", DAY + 1, 5)
    values = await reader.values("cluster", HOUR)
    assert values.sums == {f"中:{number}|\n": Sum(100 + number, 1) for number in range(20)}
    assert (await reader.values("cluster", HOUR._replace(first=HOUR.first + 1, stop=HOUR.stop + 1))).sums == {}


async def test_days_that_take_no_more_orders_are_read_once(redis: Redis, reader: Leaders) -> None:
    await redis.set(SHARDS[0].watermark(), START_OF_DAY_MS)
    old, young = DAY - 60, DAY - 5
    await sold(redis, "a", old, 1_000)
    await sold(redis, "a", young, 10)
    year = Ranked("year", "day", DAY - 100, DAY + 1)
    assert (await reader._read("cluster", year, "")).sums == {"a": Sum(1_010, 2)}
    await sold(redis, "a", old, 7)  # no settle does that; it shows what is read
    await sold(redis, "a", young, 20)
    assert (await reader._read("cluster", year, "")).sums == {"a": Sum(1_020, 2)}


async def test_those_who_ask_the_same_at_once_cost_one_reading(redis: Redis, reader: Leaders) -> None:
    await sold(redis, "a", DAY, 1)
    first = await reader.values("cluster", HOUR)
    await sold(redis, "a", DAY, 2)
    assert await reader.values("cluster", HOUR) is first


async def test_what_would_be_too_much_is_refused(
    redis: Redis, reader: Leaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaders, "MOST_READS", 1)
    await sold(redis, "a", DAY, 1)
    await reader.values("cluster", HOUR)
    await sold(redis, "b", DAY, 1)
    with pytest.raises(Refused) as refused:
        await reader._read("cluster", HOUR, "")
    assert (refused.value.status, refused.value.kind) == (422, "too-much")


@pytest.mark.parametrize(("late_ms", "final"), [(119_999, True), (120_000, False)])
async def test_a_ranking_is_final_if_nothing_came_to_its_closed_hour(
    redis: Redis, reader: Leaders, late_ms: int, final: bool
) -> None:
    end_ms = START_OF_DAY_MS + 21 * HOUR_MS
    await redis.set(SHARDS[0].watermark(), end_ms + HOUR_MS)
    moment = await Book(redis, Settings(shards=2)).moment()
    assert await reader.final("cluster", HOUR, moment)
    await redis.hset(SHARDS[1].late("cluster", DAY), mapping={late_field(HOUR.first, "x"): end_ms + late_ms})
    await redis.hset(SHARDS[1].late("cluster", DAY), mapping={late_field(HOUR.first - 1, "x"): end_ms + HOUR_MS})
    assert await reader.final("cluster", HOUR, moment) is final
    assert not await reader.final("cluster", HOUR._replace(first=HOUR.first + 1, stop=HOUR.stop + 1), moment)
