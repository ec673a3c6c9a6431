"""The stream of what was told is the topic, also after Redis went back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from streams.errors import LogReplaced
from streams.notify import telling as module
from streams.notify.telling import Telling
from streams.settings import Settings
from tests.streams.notify.alerts import alert
from tests.streams.notify.conftest import KEYS, Put

SOME = [alert(holder=f"s{number}") for number in range(5)]


@pytest.fixture
async def telling(redis: Redis, settings: Settings) -> AsyncIterator[Callable[[str], Telling]]:
    made: list[Telling] = []

    def make(worker: str = "w1") -> Telling:
        made.append(Telling(redis, KEYS, settings.kafka, f"{settings.topic_prefix}alerts", worker))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def stream(redis: Redis) -> list[tuple[str, bytes]]:
    return [(id.decode(), fields[b"a"]) for id, fields in await redis.xrange(KEYS.told())]


async def until(telling: Telling, wanted: int) -> None:
    """Look until so many were appended."""
    appended = 0
    for _ in range(10):
        if appended >= wanted:
            break
        appended += await telling.look()
    assert appended == wanted


async def test_an_entry_is_the_record_under_its_offset(redis: Redis, telling, put: Put) -> None:
    values = await put(*SOME)
    it = telling()
    await until(it, 5)
    assert await stream(redis) == [(f"{number + 1}-0", value) for number, value in enumerate(values)]
    more = await put(alert(holder="s5"))
    await until(it, 1)
    assert (await stream(redis))[-1] == ("6-0", more[0])
    assert await it.look() == 0


async def test_another_worker_goes_on_where_the_stream_ends(redis: Redis, telling, put: Put) -> None:
    values = await put(*SOME[:2])
    await until(telling("w1"), 2)
    values += await put(*SOME[2:])
    await until(telling("w2"), 3)
    assert await stream(redis) == [(f"{number + 1}-0", value) for number, value in enumerate(values)]


@pytest.mark.parametrize("left", [0, 2])
async def test_a_redis_that_went_back_is_filled_again(redis: Redis, telling, put: Put, left: int) -> None:
    await put(*SOME)
    it = telling()
    await until(it, 5)
    whole = await stream(redis)
    if left:
        # the store as it was: entries and the id of the last one go back together
        await redis.delete(KEYS.told())
        for id, value in whole[:left]:
            await redis.xadd(KEYS.told(), {"a": value}, id=id)
    else:
        await redis.flushall()
    await until(it, 5 - left)
    assert await stream(redis) == whole


async def test_it_goes_back_between_a_look_and_its_append(monkeypatch, redis: Redis, telling, put: Put) -> None:
    monkeypatch.setattr(module, "_BATCH", 2)
    await put(*SOME)
    it = telling()
    await it._at(0)
    consumer = it._consumer
    found: list = []
    while len(found) < 5:
        found += (await consumer.getmany(timeout_ms=500)).get(it._place, [])
    await it._take(found[:3])
    await redis.flushall()
    assert await it._take(found[3:]) == 0
    assert await stream(redis) == []
    await until(it, 5)
    assert [id for id, _ in await stream(redis)] == ["1-0", "2-0", "3-0", "4-0", "5-0"]


async def test_one_worker_at_a_time(monkeypatch, redis: Redis, telling, put: Put) -> None:
    monkeypatch.setattr(module, "_ASK_AGAIN_S", 0.0)
    await put(*SOME)
    one, other = telling("w1"), telling("w2")
    await one.work()
    await redis.delete(KEYS.told())
    await other.work()
    assert await redis.xlen(KEYS.told()) == 0
    await one.work()
    assert await redis.xlen(KEYS.told()) == 5
    await one.close()
    await put(alert(holder="s5"))
    await other.work()
    assert await redis.xlen(KEYS.told()) == 6


async def test_a_topic_that_begins_anew_stops_the_worker(monkeypatch, redis: Redis, telling, put: Put) -> None:
    """What stands in the stream is of another log: nothing may be told under the same ids."""
    monkeypatch.setattr(module, "_SHORT_LOOKS", 2)
    await put(*SOME)
    await redis.xadd(KEYS.told(), {"a": b"{}"}, id="900-0")
    it = telling()
    assert await it.look() == 0
    with pytest.raises(LogReplaced, match="recreated"):
        await looks(it, 4)


async def looks(it: Telling, times: int) -> None:
    for _ in range(times):
        await it.look()
