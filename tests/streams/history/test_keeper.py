"""Imported rows in the rankings of a real store, from a topic of a real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import msgspec
import pytest
from redis.asyncio import Redis

from schemas.alerts import GROSS, NET, Scope
from schemas.history import Imported, Provenance
from streams.errors import LogReplaced
from streams.history.keeper import HistoryKeeper
from streams.history.topic import NotHistory, add_history, read_history
from streams.keys import shard_keys, shard_of
from streams.lab.audit.rankings import Stairs, read_stairs
from streams.lab.servers import Broker
from streams.lab.truth import Ranking
from streams.marks.acts import PEAKS, RECORDS, Holder, Raise, Terms
from streams.marks.acts import Ranking as ActRanking
from streams.marks.names import hour_id
from streams.marks.raising import Raiser
from streams.settings import Settings
from streams.tally.windows import HOUR_MS, SHANGHAI
from streams.topic_admin import ensure_topics
from streams.topics import Topics
from tests.integration.by_hand import send

KEYS = [shard_keys("test", shard) for shard in range(3)]
EIGHT_MS = 1_762_862_400_000
ORIGIN = Provenance("old.csv", "ab" * 32, 2, "wu", EIGHT_MS)
#: a watermark that has passed everything
LATER_MS = EIGHT_MS + 1_000 * HOUR_MS
HOURS = Ranking("peak.hour", GROSS, "anchor", "a")


def hour(number: int, gmv_fen: int, anchor: str = "a") -> Imported:
    start_ms = EIGHT_MS + number * HOUR_MS
    return Imported(
        kind="hour", scope=Scope("anchor", anchor), id=hour_id(SHANGHAI.hour(start_ms)), start_ms=start_ms,
        end_ms=start_ms + HOUR_MS, gmv_fen=gmv_fen, origin=ORIGIN,
    )  # fmt: skip


def session(id: str, end: int, gmv_fen: int, net_fen: int | None) -> Imported:
    end_ms = EIGHT_MS + end * HOUR_MS
    return Imported(
        kind="session", scope=Scope("category", "fur"), id=id, start_ms=EIGHT_MS, end_ms=end_ms, gmv_fen=gmv_fen,
        net_fen=net_fen, origin=ORIGIN,
    )  # fmt: skip


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker's process, ended with the run."""
    server = Broker(tmp_path_factory.mktemp("broker"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def settings(broker: Broker, store: object) -> Settings:
    """Topics of the test's own."""
    settings = Settings(kafka=broker.address, topic_prefix=f"t{uuid4().hex[:12]}-")
    await ensure_topics(settings)
    return settings


@pytest.fixture
def topic(settings: Settings) -> str:
    """The topic of history."""
    return Topics(settings.topic_prefix).history


@pytest.fixture
async def keeper(redis: Redis, settings: Settings, topic: str) -> AsyncIterator[Callable[[str], HistoryKeeper]]:
    """Makes keepers, closed in the end."""
    made: list[HistoryKeeper] = []

    def make(worker: str = "w1") -> HistoryKeeper:
        made.append(HistoryKeeper(redis, KEYS, Terms(0, 0), settings.kafka, topic, worker, lambda: EIGHT_MS))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def passed(redis: Redis) -> None:
    """The watermark has passed everything."""
    for keys in KEYS:
        for reader in (PEAKS, RECORDS):
            await redis.set(keys.judged(reader), LATER_MS)


async def stairs(redis: Redis, ranking: Ranking) -> Stairs:
    [found] = await read_stairs(redis, KEYS, [ranking])
    return found


async def test_rows_become_closed_holders_in_the_shards_of_their_scopes(
    redis: Redis, settings: Settings, topic: str, keeper: Callable
) -> None:
    await passed(redis)
    fur = [session("s1", 3, 9, 5), session("s2", 4, 8, 8), session("s3", 5, 20, None)]
    await add_history(settings.kafka, topic, [hour(1, 7), hour(0, 5), hour(2, 6), *fur, hour(0, 3, "b")])
    it = keeper()
    assert not it.ready
    await it.work()
    assert it.ready
    assert await stairs(redis, HOURS) == [(hour(0, 0).id, 5), (hour(1, 0).id, 7)]
    assert await stairs(redis, HOURS._replace(id="b")) == [(hour(0, 0).id, 3)]
    assert await stairs(redis, Ranking("record.session", GROSS, "category", "fur")) == [("s1", 9), ("s3", 20)]
    assert await stairs(redis, Ranking("record.session", NET, "category", "fur")) == [("s1", 5), ("s2", 8)]
    assert [int(await redis.get(keys.history())) for keys in KEYS] == [7, 7, 7]


async def test_what_comes_later_is_raised_at_the_next_look_and_repeating_tells_nothing(
    redis: Redis, settings: Settings, topic: str, keeper: Callable
) -> None:
    await passed(redis)
    it = keeper()
    await it.work()
    assert it.ready
    await add_history(settings.kafka, topic, [hour(0, 5)])
    await it.work()
    assert await stairs(redis, HOURS) == [(hour(0, 0).id, 5)]
    outbox = KEYS[shard_of("anchor", "a", 3)].outbox()
    assert await redis.xlen(outbox) == 1
    await add_history(settings.kafka, topic, [hour(0, 5)])
    await it.work()
    assert await redis.xlen(outbox) == 1


async def test_a_shard_that_went_back_gets_its_rows_again_and_nothing_is_judged_until_then(
    redis: Redis, settings: Settings, topic: str, keeper: Callable
) -> None:
    await add_history(settings.kafka, topic, [hour(0, 5), hour(0, 3, "b")])
    it = keeper()
    await it.work()
    await redis.flushall()
    await passed(redis)
    seen: list[bool] = []
    await it._some()
    seen.append(it.ready)
    await it.work()
    assert [*seen, it.ready] == [False, True]
    assert await stairs(redis, HOURS) == [(hour(0, 0).id, 5)]
    assert await it.has_all(0)


async def test_who_has_no_lease_waits_for_who_has_it(
    redis: Redis, settings: Settings, topic: str, keeper: Callable
) -> None:
    await add_history(settings.kafka, topic, [hour(0, 5)])
    for keys in KEYS:
        await redis.set(keys.lease("history"), "another")
    other = keeper("w2")
    await other.work()
    assert not other.ready
    assert await redis.get(KEYS[0].history()) is None
    for keys in KEYS:
        await redis.delete(keys.lease("history"))
    await keeper("w1").work()
    await other.work()
    assert other.ready


@pytest.mark.parametrize(("of_log", "stands"), [(4, 5), (6, 6)])
@pytest.mark.parametrize("log_first", [True, False])
async def test_of_an_hour_that_the_log_has_as_well_the_larger_counts(
    redis: Redis, settings: Settings, topic: str, keeper: Callable, of_log: int, stands: int, log_first: bool
) -> None:
    await passed(redis)
    row = hour(0, 5)
    holder = Holder(row.id, row.start_ms, row.start_ms, row.end_ms, row.end_ms)
    act = Raise(ActRanking(*HOURS, "hour"), holder, of_log, '{"orders":[[0,0,1]]}', version=9)  # type: ignore[arg-type]
    raiser, keys = Raiser(redis, Terms(0, 0)), KEYS[shard_of("anchor", "a", 3)]
    await add_history(settings.kafka, topic, [row])
    if log_first:
        await raiser.apply(keys, PEAKS, [act], 0, 0)
    await keeper().work()
    if not log_first:
        await raiser.apply(keys, PEAKS, [act], 0, 0)
    assert await stairs(redis, HOURS) == [(row.id, stands)]


@pytest.mark.parametrize("log_first", [True, False])
async def test_of_a_session_that_the_log_has_as_well_the_log_counts(
    redis: Redis, settings: Settings, topic: str, keeper: Callable, log_first: bool
) -> None:
    await passed(redis)
    row = session("s1", 3, 9, 5)
    ranking = Ranking("record.session", GROSS, "category", "fur")
    holder = Holder("s1", row.end_ms, row.start_ms, row.end_ms, row.end_ms)
    act = Raise(ActRanking(*ranking, "session"), holder, 4, "{}", version=9)  # type: ignore[arg-type]
    raiser, keys = Raiser(redis, Terms(0, 0)), KEYS[shard_of("category", "fur", 3)]
    await add_history(settings.kafka, topic, [row])
    if log_first:
        await raiser.apply(keys, RECORDS, [act], 0, 0)
    await keeper().work()
    if not log_first:
        await raiser.apply(keys, RECORDS, [act], 0, 0)
    assert await stairs(redis, ranking) == [("s1", 4)]


async def test_a_topic_that_lost_rows_stops_the_worker(
    redis: Redis, settings: Settings, topic: str, keeper: Callable
) -> None:
    await add_history(settings.kafka, topic, [hour(0, 5)])
    await redis.set(KEYS[1].history(), 3)
    with pytest.raises(LogReplaced, match="ends at offset 1, but rows up to 3 stand in the rankings"):
        await keeper().work()


async def test_what_is_no_row_is_said(redis: Redis, settings: Settings, topic: str, keeper: Callable) -> None:
    await send(settings, topic, 0, [msgspec.json.encode({"kind": "hour"})])
    with pytest.raises(NotHistory, match="holds no row of history at offset 0"):
        await keeper().work()
    with pytest.raises(NotHistory):
        [row async for row in read_history(settings.kafka, topic)]


async def test_a_broker_without_the_topic_has_no_history(settings: Settings) -> None:
    assert [row async for row in read_history(settings.kafka, "no-such-topic")] == []
