"""Changed tallies read from a real store: all of them at one change version, none that is only a part."""

import pytest
from redis.asyncio import Redis

from schemas.tallies import TallyState, decode_tally
from streams.feed.reading import Record, TallyReader
from streams.feed.states import Terms
from streams.keys import shard_keys
from streams.retention.policy import Floors
from streams.tally.windows import DAY_MS, SHANGHAI

KEYS = shard_keys("test", 0)
DAY = 20_453
HOUR = DAY * 24 + 7
TERMS = Terms(SHANGHAI, 120_000, 30 * DAY_MS)
NOTHING_PURGED = Floors()


@pytest.fixture
async def reader(redis: Redis) -> TallyReader:
    await redis.set(KEYS.sequence(), 42)
    return TallyReader(redis, TERMS)


def states(records: list[Record]) -> dict[str, TallyState]:
    return {key.decode(): decode_tally(value) for key, value in records}


async def test_an_hour_of_every_kind_is_read_with_what_is_kept_of_its_distinct_ids(
    redis: Redis, reader: TallyReader
) -> None:
    await redis.hset(KEYS.hours("cluster", DAY, "c|x"), mapping={"07g": 5, "07p": 1, "08g": 9})
    await redis.hset(KEYS.hours("anchor", DAY, "(none)"), mapping={"07g": 6})
    await redis.hset(KEYS.session_hours("s"), mapping={f"{HOUR}g": 7, f"{HOUR + 1}g": 1})
    for of, members in (("buyers", ("a", "b")), ("merchants", ("m",))):
        await redis.pfadd(KEYS.sketch(of, "cluster", HOUR, "c|x"), *members)
    hours = [("cluster", "c|x", HOUR), ("anchor", "(none)", HOUR), ("session", "s", HOUR)]
    found = states(await reader.hours(KEYS, hours, NOTHING_PURGED, 99))
    start_ms = SHANGHAI.start_ms("hour", HOUR)
    assert [*found] == [f"hour|{start_ms}|{dimension}|{id}" for dimension, id, _ in hours]
    cluster, anchor, session = found.values()
    assert (cluster.gmv_fen, cluster.orders_paid) == (5, 1)
    assert (cluster.buyers, cluster.merchants, cluster.anchors) == (2, 1, 0)
    assert (anchor.gmv_fen, anchor.buyers, session.gmv_fen, session.buyers) == (6, None, 7, None)
    assert {each.version for each in found.values()} == {42}
    assert {each.as_of_ms for each in found.values()} == {99}


async def test_what_does_not_stand_there_is_not_told_as_zero(reader: TallyReader) -> None:
    assert await reader.hours(KEYS, [("cluster", "c", HOUR)], NOTHING_PURGED, 99) == []
    assert await reader.sessions(KEYS, ["s"], 99) == []


async def test_what_lies_below_a_floor_is_a_part_and_is_not_told(redis: Redis, reader: TallyReader) -> None:
    hours = [("cluster", "c", HOUR), ("anchor", "a", HOUR), ("session", "s", HOUR)]
    for dimension in ("cluster", "anchor"):
        await redis.hset(KEYS.hours(dimension, DAY, dimension[0]), mapping={"07g": 5})
    await redis.hset(KEYS.session_hours("s"), mapping={f"{HOUR}g": 7})

    async def told(**floors: int) -> set[str]:
        found = states(await reader.hours(KEYS, hours, Floors(**floors), 99))
        return {each.dimension for each in found.values()}

    assert await told(hours=HOUR, long_hours=HOUR) == {"cluster", "anchor", "session"}
    assert await told(hours=HOUR + 1) == {"cluster", "session"}
    assert await told(long_hours=HOUR + 1) == {"anchor", "session"}


async def test_distinct_ids_that_were_purged_are_unknown_not_none(redis: Redis, reader: TallyReader) -> None:
    await redis.hset(KEYS.hours("cluster", DAY, "c"), mapping={"07g": 5})
    await redis.pfadd(KEYS.sketch("buyers", "cluster", HOUR, "c"), "a", "b")
    for floor, counts in ((HOUR, (2, 0, 0)), (HOUR + 1, (None, None, None))):
        records = await reader.hours(KEYS, [("cluster", "c", HOUR)], Floors(sketches=floor), 99)
        (state,) = states(records).values()
        assert (state.buyers, state.merchants, state.anchors) == counts


async def test_reading_writes_nothing_not_even_what_a_sketch_counts(redis: Redis, reader: TallyReader) -> None:
    await redis.hset(KEYS.hours("cluster", DAY, "c"), mapping={"07g": 5})
    sketches = [KEYS.sketch("buyers", "cluster", HOUR, "c"), KEYS.session_buyers("s")]
    for key in sketches:
        await redis.pfadd(key, "a", "b")
    before = [await redis.dump(key) for key in sketches]
    await reader.hours(KEYS, [("cluster", "c", HOUR)], NOTHING_PURGED, 99)
    await reader.sessions(KEYS, ["s"], 99)
    assert [await redis.dump(key) for key in sketches] == before


async def test_a_session_is_read_whole(redis: Redis, reader: TallyReader) -> None:
    start_ms = SHANGHAI.start_ms("hour", HOUR)
    await redis.hset(KEYS.session_hours("s"), mapping={f"{HOUR}g": 7, f"{HOUR + 1}g": 1})
    await redis.hset(KEYS.session("s"), mapping={"started": f"{start_ms:015d}|e\0{{}}", "first_ms": 1, "last_ms": 2})
    await redis.hset(KEYS.session("t"), mapping={"ended": f"{start_ms:015d}|e\0", "first_ms": 1, "last_ms": 2})
    await redis.pfadd(KEYS.session_buyers("s"), "a")
    found = states(await reader.sessions(KEYS, ["s", "t"], None))
    assert [*found] == ["session|s", "session|t"]
    sold, silent = found.values()
    assert (sold.gmv_fen, sold.buyers, sold.start_ms, sold.end_ms) == (8, 1, start_ms, None)
    assert (silent.gmv_fen, silent.buyers, silent.start_ms, silent.end_ms) == (0, 0, None, start_ms)
