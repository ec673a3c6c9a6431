"""Sums that sessions reach: told once, from a real store."""

from __future__ import annotations

import msgspec
import pytest
from redis.asyncio import Redis

from schemas.alerts import GROSS, State
from streams.keys import shard_keys
from streams.marks.acts import RECORDS, Reach, Terms
from streams.marks.facts import Fact, decode_fact
from streams.marks.raising import Raiser
from streams.marks.records import Session, Sums, milestone_acts, total
from streams.outbox.render import render
from streams.rules.milestones import MilestoneKeeper
from streams.tally.windows import DAY_MS, SHANGHAI

KEYS = shard_keys("test", 0)
START_MS = 1_767_182_400_000
#: the hash of the alerts of session s
OF_S = KEYS.ranking("milestone", GROSS, "session", "s")


def reached(gmv_fen: int, *sums_fen: int, id: str = "s") -> list[Reach]:
    hour = SHANGHAI.hour(START_MS)
    session = Session(id, f"{START_MS:015d}", "", START_MS, START_MS + 1, {hour: Sums(gmv_fen, 0)})
    totals = total(SHANGHAI, session, 30 * DAY_MS)
    return milestone_acts(session, totals, sums_fen, '{"orders":[[0,3,9]]}', version=1)


async def told(redis: Redis) -> list[Fact]:
    return [decode_fact(fields[b"f"]) for _, fields in await redis.xrange(KEYS.outbox())]


@pytest.mark.parametrize(("gmv_fen", "count"), [(99, 0), (100, 1), (101, 1), (200, 2)])
def test_a_sum_is_reached_from_its_first_fen_on(gmv_fen: int, count: int) -> None:
    assert len(reached(gmv_fen, 100, 200)) == count


def test_no_session_reaches_nothing() -> None:
    assert reached(500, 100, id="(none)") == []


async def test_each_sum_is_told_once_with_the_value_that_it_was_seen_at(redis: Redis) -> None:
    raiser = Raiser(redis, Terms(0, 3))
    await raiser.apply(KEYS, RECORDS, reached(150, 100, 200), 0, 7)
    await raiser.apply(KEYS, RECORDS, reached(180, 100, 200), 0, 8)
    changes = await raiser.apply(KEYS, RECORDS, reached(250, 100, 200), START_MS + 5, 9)
    assert changes == {("milestone", "confirmed"): 1}
    facts = await told(redis)
    assert [(fact.holder, fact.value, fact.state, fact.revision) for fact in facts] == [
        ("s/100", 150, "confirmed", 1), ("s/200", 250, "confirmed", 1),
    ]  # fmt: skip
    alert = render(facts[1], SHANGHAI.offset_ms)
    assert (alert.scope.dimension, alert.scope.id, alert.holder.kind) == ("session", "s", "sum")
    assert (alert.as_of_ms, alert.previous, alert.reason) == (START_MS + 5, None, None)
    assert alert.text == "Milestone confirmed in session s: ¥2.00 reached at ¥2.50"
    assert render(facts[0], SHANGHAI.offset_ms).reason == "no watermark yet"


async def test_what_was_taken_back_after_redis_lost_it_is_told_again_when_it_comes_again(redis: Redis) -> None:
    await redis.hset(OF_S, "a:s/100", msgspec.msgpack.encode([str(State.SUPERSEDED), 2]))
    await Raiser(redis, Terms(0, 3)).apply(KEYS, RECORDS, reached(150, 100), 0, 7)
    [fact] = await told(redis)
    assert (fact.state, fact.revision, fact.cause) == ("reinstated", 3, "rose")


async def test_a_sum_that_is_new_has_every_session_looked_at_once(redis: Redis) -> None:
    sums = [100]
    keeper = MilestoneKeeper(redis, [KEYS], lambda: tuple(sums))
    for number in range(3):
        await redis.hset(KEYS.session(f"s:{number}"), "last_ms", 1)
    await redis.set(KEYS.sequence(), 9)
    await redis.zadd(KEYS.changed(RECORDS), {"session|s:0": 4})
    await keeper.work()
    marks = [(b"session|s:0", 4.0), (b"session|s:1", 9.0), (b"session|s:2", 9.0)]
    assert await redis.zrange(KEYS.changed(RECORDS), 0, -1, withscores=True) == marks
    await redis.delete(KEYS.changed(RECORDS))
    await keeper.work()
    assert not await redis.exists(KEYS.changed(RECORDS))
    sums[:] = []
    await keeper.work()
    assert not await redis.exists(KEYS.changed(RECORDS))
    sums[:] = [100]  # it was not looked for meanwhile
    await keeper.work()
    assert await redis.zcard(KEYS.changed(RECORDS)) == 3
