"""A ranking that forgets old holders ends, for all that comes later, as its twin, which forgets nobody."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from schemas.alerts import GROSS, Rule
from streams.keys import Keys, shard_keys
from streams.marks.acts import Act, Close, Holder, Raise, Ranking, Terms, Withdraw
from streams.marks.raising import Raiser
from streams.marks.ranking import RankingTwin
from streams.scripts import BOOK, lua_script

RECORD = Ranking(Rule.RECORD_SESSION, GROSS, "category", "womens-wear", "session")
LATENESS_MS = 2
#: holders of before this instant do not change any more
FLOOR_MS = 1_000
GROUPS = count()

quickly = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Both:
    """The script, which forgets, and the twin."""

    def __init__(self, redis: Redis, terms: Terms) -> None:
        self.redis, self.terms = redis, terms
        self.keys: Keys = shard_keys(f"h{next(GROUPS)}", 0)
        self.twin = RankingTwin(terms, RECORD.falls)
        self._raiser = Raiser(redis, terms)
        self._forget = lua_script(redis, "streams.retention", "forget_holder", behind=BOOK)

    @property
    def hash(self) -> str:
        return self.keys.ranking(*RECORD[:4])

    async def act(self, act: Act, watermark_ms: int) -> None:
        await self._raiser.apply(self.keys, "records", [act], watermark_ms, 7)
        self.twin.act(act, watermark_ms)

    async def forget(self, holder: str, floor_ms: int = FLOOR_MS) -> int:
        return await self._forget(keys=[self.hash, self.keys.ranking_closed(*RECORD[:4])], args=[holder, floor_ms])

    async def alerts(self) -> dict[str, tuple[str, int]]:
        stored = await self.redis.hgetall(self.hash)
        return {
            name[2:].decode(): tuple(msgspec.msgpack.decode(packed))
            for name, packed in stored.items()
            if name.startswith(b"a:")
        }

    def same(self) -> dict[str, tuple[str, int]]:
        return {holder: (str(state), revision) for holder, (state, revision) in self.twin.alerts.items()}


def holder(id: str, end_ms: int, value: int, version: int = 1) -> Raise:
    return Raise(RECORD, Holder(id, end_ms, 0, end_ms, end_ms), value, "", version)


values = st.integers(-1, 30)
_old = st.tuples(st.integers(0, FLOOR_MS - 1), values)
#: more than the history lists, mostly: only then somebody goes
olds = st.one_of(st.lists(_old, max_size=17), st.lists(_old, min_size=18, max_size=28))
young_acts = st.lists(
    st.one_of(
        st.builds(lambda n, end, value, version: holder(f"y{n}", FLOOR_MS + end, value, version),
                  st.integers(0, 5), st.integers(0, 20), values, st.integers(1, 6)),
        st.builds(lambda n, version: Withdraw(RECORD, f"y{n}", version), st.integers(0, 5), st.integers(1, 6)),
        st.builds(lambda n: Close(RECORD, f"y{n}", FLOOR_MS), st.integers(0, 5)),
    ),
    max_size=14,
)  # fmt: skip


@quickly
@given(
    old=olds,
    before=young_acts,
    after=young_acts,
    watermark_ms=st.integers(FLOOR_MS + 2, FLOOR_MS + 24),
    minimum=st.sampled_from([0, 1, 3, 16]),
)
async def test_what_comes_later_ends_the_same(
    redis: Redis, old: list[tuple[int, int]], before: list[Act], after: list[Act], watermark_ms: int, minimum: int
) -> None:
    both = Both(redis, Terms(LATENESS_MS, minimum))
    for number, (end_ms, value) in enumerate(old):
        await both.act(holder(f"o{number}", end_ms, value), FLOOR_MS + LATENESS_MS)
    for act in before:
        await both.act(act, watermark_ms)
    for number in range(len(old)):
        await both.forget(f"o{number}")
    for number in range(6):
        assert not await both.forget(f"y{number}")
    for act in after:
        await both.act(act, watermark_ms)
    for number in range(6):
        await both.act(Close(RECORD, f"y{number}", FLOOR_MS), FLOOR_MS + 99)
    assert await both.alerts() == both.same()
    assert {each for each, (state, _) in both.same().items() if state in ("confirmed", "reinstated")} == (
        both.twin.final_set()
    )


@pytest.fixture
async def both(redis: Redis) -> Both:
    """Twenty old holders: the tenth is the record, the first sixteen are the history; and a young one."""
    made = Both(redis, Terms(LATENESS_MS, 3))
    for number in range(20):
        await made.act(holder(f"o{number:02d}", number, 90 if number == 9 else 10 + number), FLOOR_MS + LATENESS_MS)
    await made.act(holder("y", FLOOR_MS, 20), FLOOR_MS + LATENESS_MS)
    return made


@pytest.mark.parametrize(
    ("id", "goes"), [("o00", 0), ("o09", 0), ("o15", 0), ("o16", 1), ("o19", 1), ("y", 0), ("unknown", 0)]
)
async def test_who_may_go(both: Both, id: str, goes: int) -> None:
    closed = both.keys.ranking_closed(*RECORD[:4])
    before = await both.redis.zcard(closed)
    assert await both.forget(id) == goes
    assert await both.redis.zcard(closed) == before - goes
    assert await both.forget(id) == 0


@pytest.mark.parametrize(("floor_ms", "goes"), [(18, 0), (19, 1), (20, 1)])
async def test_only_one_that_closed_before_the_floor_goes(both: Both, floor_ms: int, goes: int) -> None:
    assert await both.forget("o18", floor_ms) == goes


async def test_an_open_holder_stays(both: Both) -> None:
    await both.act(holder("o30", 30, 5), 0)
    await both.act(holder("open", FLOOR_MS * 9, 5), 0)
    assert await both.forget("open", FLOOR_MS * 10) == 0


async def test_one_that_was_withdrawn_stays_as_the_mark_that_it_is(both: Both) -> None:
    await both.act(Withdraw(RECORD, "o17", 9), FLOOR_MS + LATENESS_MS)
    assert await both.forget("o17") == 0


async def test_without_enough_history_nobody_goes(redis: Redis) -> None:
    """Whoever asks for more history later must still find it."""
    both = Both(redis, Terms(LATENESS_MS, 3))
    for number in range(15):
        await both.act(holder(f"o{number}", number, 90 - number), FLOOR_MS + LATENESS_MS)
    await both.act(holder("nothing", 50, 0), FLOOR_MS + LATENESS_MS)
    assert [await both.forget(f"o{number}") for number in range(15)] == [0] * 15
    assert await both.forget("nothing") == 1


async def test_one_that_comes_back_changes_nothing(both: Both) -> None:
    before = await both.redis.hgetall(both.hash)
    await both.forget("o17")
    await both.act(holder("o17", 17, 27, version=9), FLOOR_MS + LATENESS_MS)
    after = await both.redis.hgetall(both.hash)
    assert {name: value for name, value in after.items() if name != b"h:o17"} == {
        name: value for name, value in before.items() if name != b"h:o17"
    }
