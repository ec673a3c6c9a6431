"""Rankings in two makes, the plain twin and the script on a real store, and a small settle for the detector's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import msgspec
import pytest
from redis.asyncio import Redis

from schemas.alerts import GROSS, Rule
from streams.keys import Keys, shard_keys
from streams.marks.acts import Act, Ranking, Terms
from streams.marks.facts import decode_fact
from streams.marks.raising import Raiser
from streams.marks.ranking import RankingTwin

RECORD = Ranking(Rule.RECORD_SESSION, GROSS, "category", "womens-wear", "session")
PEAK = Ranking(Rule.PEAK_HOUR, GROSS, "category", "womens-wear", "hour")


class Told(NamedTuple):
    """A change of an alert, as both makes of a ranking tell it."""

    holder: str
    state: str
    value: int
    revision: int
    previous: tuple[str, int] | None
    cause: str | None
    evidence: str
    by: tuple[str, int | None] | None = None


class RankingUnderTest(Protocol):
    """One ranking."""

    async def act(self, *acts: Act, watermark_ms: int) -> list[Told]: ...

    async def alerts(self) -> dict[str, tuple[str, int]]: ...

    async def final_set(self) -> set[str]: ...


class TwinRanking:
    """The twin behind the interface of the test."""

    def __init__(self, ranking: Ranking, terms: Terms) -> None:
        self.twin = RankingTwin(terms, ranking.falls)

    async def act(self, *acts: Act, watermark_ms: int) -> list[Told]:
        return [
            Told(
                change.holder.id,
                str(change.state),
                change.value,
                change.revision,
                change.previous,
                change.cause,
                change.evidence,
                change.by,
            )
            for act in acts
            for change in self.twin.act(act, watermark_ms)
        ]

    async def alerts(self) -> dict[str, tuple[str, int]]:
        return {holder: (str(state), revision) for holder, (state, revision) in self.twin.alerts.items()}

    async def final_set(self) -> set[str]:
        return self.twin.final_set()


class ScriptRanking:
    """The script behind the same interface, in a shard of its own."""

    def __init__(self, redis: Redis, keys: Keys, ranking: Ranking, terms: Terms) -> None:
        self.redis = redis
        self.keys = keys
        self.ranking = ranking
        self._raiser = Raiser(redis, terms)
        self._read = "-"

    async def act(self, *acts: Act, watermark_ms: int) -> list[Told]:
        await self._raiser.apply(self.keys, "records", acts, watermark_ms, 7)
        return await self._told()

    async def _told(self) -> list[Told]:
        told = []
        for id, fields in await self.redis.xrange(self.keys.outbox(), self._read):
            fact = decode_fact(fields[b"f"])
            previous = (fact.previous.holder, fact.previous.value) if fact.previous else None
            by = (fact.by.holder, fact.by.value) if fact.by else None
            told.append(
                Told(fact.holder, fact.state, fact.value, fact.revision, previous, fact.cause, fact.evidence, by)
            )
            self._read = f"({id.decode()}"
        return told

    async def alerts(self) -> dict[str, tuple[str, int]]:
        stored = await self.redis.hgetall(self.keys.ranking(*self.ranking[:4]))
        return {
            field[2:].decode(): tuple(msgspec.msgpack.decode(value))
            for field, value in stored.items()
            if field.startswith(b"a:")
        }

    async def final_set(self) -> set[str]:
        alerts = await self.alerts()
        return {holder for holder, (state, _) in alerts.items() if state in ("confirmed", "reinstated")}

    async def open_and_due(self) -> tuple[set[str], set[bytes]]:
        """The open holders, and what waits to be closed."""
        members = await self.redis.zrange(self.keys.ranking_open(*self.ranking[:4]), 0, -1)
        return {each.decode() for each in members}, set(await self.redis.zrange(self.keys.closing("records"), 0, -1))


Make = Callable[[Ranking, Terms], RankingUnderTest]


@pytest.fixture(params=["twin", "script"])
def make(request: pytest.FixtureRequest, redis: Redis) -> Make:
    """Makes a ranking in one of the two ways: every rule below holds for both."""
    if request.param == "twin":
        return TwinRanking
    return lambda ranking, terms: ScriptRanking(redis, shard_keys("test", 0), ranking, terms)


@pytest.fixture
def script_ranking(redis: Redis) -> Callable[..., ScriptRanking]:
    """Makes rankings by the script, each in a group of its own."""
    return lambda group, ranking, terms: ScriptRanking(redis, shard_keys(group, 0), ranking, terms)


@pytest.fixture
def twin_ranking() -> Callable[..., TwinRanking]:
    """Makes twins."""
    return TwinRanking


@pytest.fixture
def record() -> Ranking:
    """A ranking whose values may fall."""
    return RECORD


@pytest.fixture
def peak() -> Ranking:
    """A ranking whose values only grow."""
    return PEAK


class Settle:
    """Writes tallies, marks and fences in the layout of the settle script, one change version a call."""

    def __init__(self, redis: Redis, keys: list[Keys]) -> None:
        self.redis = redis
        self.keys = keys

    async def __call__(
        self,
        shard: int,
        sums: Iterable[tuple[str, str, int]] = (),
        peaks: Iterable[str] = (),
        records: Iterable[str] = (),
        sessions: Iterable[tuple[str, dict[str, str | int]]] = (),
    ) -> None:
        keys = self.keys[shard]
        async with self.redis.pipeline(transaction=True) as pipe:
            version = int(await self.redis.get(keys.sequence()) or 0) + 1
            pipe.set(keys.sequence(), version)
            for key, field, by in sums:
                pipe.hincrby(key, field, by)
            for key, fields in sessions:
                pipe.hset(key, mapping=fields)
            for member in peaks:
                pipe.zadd(keys.changed("peaks"), {member: version})
            for member in records:
                pipe.zadd(keys.changed("records"), {member: version})
            await pipe.execute()

    async def fence(self, topic: str, partition: int, shard: int = 0, **fields: int) -> None:
        """Set fields of a fence."""
        keys = self.keys[shard]
        await self.redis.sadd(keys.partitions(), f"{partition}:{topic}")
        await self.redis.hset(keys.fence(topic, partition), mapping=fields)

    async def watermark(self, watermark_ms: int) -> None:
        """A log of one partition, fully read up to an event of this time."""
        for shard in range(len(self.keys)):
            await self.fence("orders", 0, shard, next=100, trusted_ms=watermark_ms, arrival_ms=watermark_ms, unread=0)


@pytest.fixture
def settle(redis: Redis) -> Callable[[list[Keys]], Settle]:
    """Makes a settle for the shards of these keys."""
    return lambda keys: Settle(redis, keys)
