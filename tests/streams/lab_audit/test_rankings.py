"""Rankings as they stand in Redis, against the stairs that are due."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec
import pytest
from redis.asyncio import Redis

from streams.keys import shard_keys, shard_of
from streams.lab.audit.rankings import RankingsDue, Stairs, difference, different, read_stairs, stairs_of
from streams.lab.truth import Ranking
from streams.lab.truth.holders import Holder

RANKING = Ranking("peak.hour", "gmv.paid.gross.v1", "anchor", "a:1|*[x]")
SHARDS = [shard_keys("test", shard) for shard in range(3)]


def holders(*values: int) -> list[Holder]:
    return [Holder(at, f"h{at}", "hour", at, at + 1, at + 1, value) for at, value in enumerate(values)]


@pytest.fixture
def due() -> Iterator[RankingsDue]:
    db = sqlite3.connect(":memory:")
    yield RankingsDue(db)
    db.close()


async def stand(redis: Redis, ranking: Ranking, stairs: Stairs) -> None:
    entries = [[at, holder, value, 0, 0, 0, "", 1, 1] for at, (holder, value) in enumerate(stairs)]
    keys = SHARDS[shard_of(ranking.dimension, ranking.id, len(SHARDS))]
    await redis.hset(keys.ranking(*ranking), "stairs", msgspec.msgpack.encode(entries or {}))


def test_stairs_are_those_above_all_before_them() -> None:
    assert stairs_of(holders(0, 5, 3, 5, 6, 9, 8)) == [("h1", 5), ("h4", 6), ("h5", 9)]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "stair 1 is none, should be a at 5"),
        ([("a", 5)], "stair 2 is none, should be b at 9"),
        ([("a", 4), ("b", 9)], "stair 1 is a at 4, should be a at 5"),
        ([("a", 5), ("b", 9), ("c", 10)], "stair 3 is c at 10, should be none"),
    ],
)
def test_the_first_stair_that_differs_is_said(found: Stairs, said: str) -> None:
    line = difference(RANKING, found, [("a", 5), ("b", 9)])
    assert line == f"ranking peak.hour gmv.paid.gross.v1 anchor a:1|*[x]: {said}"


@pytest.mark.parametrize(
    ("stairs", "differs"), [([("h0", 5), ("h2", 9)], False), ([("h0", 5), ("h2", 8)], True), ([], True)]
)
async def test_a_ranking_is_compared_by_its_stairs(
    redis: Redis, due: RankingsDue, stairs: Stairs, differs: bool
) -> None:
    due.add(RANKING, holders(5, 4, 9))
    await stand(redis, RANKING, stairs)
    assert await different(redis, SHARDS, due) == ([RANKING] if differs else [])
    assert await read_stairs(redis, SHARDS, [RANKING]) == [stairs]


async def test_one_that_is_due_must_be_there(redis: Redis, due: RankingsDue) -> None:
    due.add(RANKING, holders(5))
    assert await different(redis, SHARDS, due) == [RANKING]


@pytest.mark.parametrize(("stairs", "differs"), [([], False), ([("h0", 5)], True)])
async def test_one_that_is_there_must_be_due_unless_nothing_has_closed(
    redis: Redis, due: RankingsDue, stairs: Stairs, differs: bool
) -> None:
    await stand(redis, RANKING, stairs)
    assert await different(redis, SHARDS, due) == ([RANKING] if differs else [])
