"""The stairs of every ranking in Redis, holders and values, against those that are due."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice
from typing import cast

import msgspec
from redis.asyncio import Redis

from streams.keys import Keys, literal_glob, shard_of
from streams.lab.truth import Ranking
from streams.lab.truth.holders import Holder

_BATCH = 500
_HOLDER, _VALUE = 1, 2

#: closed holders above all that closed before them, in their order: (holder, value in fen)
Stairs = list[tuple[str, int]]


def stairs_of(closed: Iterable[Holder]) -> Stairs:
    """The stairs of closed holders that come in their order. Pure."""
    stairs: Stairs = []
    for holder in closed:
        if holder.value_fen > (stairs[-1][1] if stairs else 0):
            stairs.append((holder.id, holder.value_fen))
    return stairs


def difference(ranking: Ranking, found: Stairs, due: Stairs) -> str:
    """The first stair in which a ranking differs, in words. Pure."""
    at = next(at for at in range(len(found) + len(due)) if found[at : at + 1] != due[at : at + 1])
    has, should = (f"{each[at][0]} at {each[at][1]}" if at < len(each) else "none" for each in (found, due))
    return f"ranking {' '.join(ranking)}: stair {at + 1} is {has}, should be {should}"


class RankingsDue:
    """The stairs that are due, in a file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._db.execute(
            "CREATE TABLE due_stairs (rule TEXT, metric TEXT, dimension TEXT, id TEXT, stairs TEXT, "
            "PRIMARY KEY (rule, metric, dimension, id)) WITHOUT ROWID"
        )

    def add(self, ranking: Ranking, closed: Iterable[Holder]) -> None:
        """The closed holders of one ranking."""
        self._db.execute("INSERT INTO due_stairs VALUES (?, ?, ?, ?, ?)", (*ranking, json.dumps(stairs_of(closed))))

    def of(self, ranking: Ranking) -> Stairs:
        """The stairs of one ranking; none if it has no closed holder."""
        row = self._db.execute(
            "SELECT stairs FROM due_stairs WHERE rule = ? AND metric = ? AND dimension = ? AND id = ?", ranking
        ).fetchone()
        return [] if row is None else [(holder, value) for holder, value in json.loads(row[0])]

    def count(self) -> int:
        """How many rankings have closed holders."""
        return int(self._db.execute("SELECT count(*) FROM due_stairs").fetchone()[0])

    def all(self) -> Iterable[Ranking]:
        """Every ranking that has closed holders."""
        return (
            Ranking(*row) for row in self._db.cursor().execute("SELECT rule, metric, dimension, id FROM due_stairs")
        )


async def different(redis: Redis, shards: Sequence[Keys], due: RankingsDue) -> list[Ranking]:
    """Rankings whose stairs differ now: those that are due, and others that Redis has. Raises `redis.RedisError`."""
    found = await still_different(redis, shards, due, due.all())
    async for batch in _in_redis(redis, shards):
        found += await still_different(redis, shards, due, (each for each in batch if not due.of(each)))
    return found


async def still_different(
    redis: Redis, shards: Sequence[Keys], due: RankingsDue, rankings: Iterable[Ranking]
) -> list[Ranking]:
    """Those of `rankings` whose stairs differ now."""
    left, different = iter(rankings), []
    while batch := list(islice(left, _BATCH)):
        found = await read_stairs(redis, shards, batch)
        different += [each for each, stairs in zip(batch, found, strict=True) if stairs != due.of(each)]
    return different


async def read_stairs(redis: Redis, shards: Sequence[Keys], rankings: Sequence[Ranking]) -> list[Stairs]:
    """The stairs of each as they stand in Redis; empty where there are none."""
    async with redis.pipeline(transaction=False) as pipe:
        for each in rankings:
            pipe.hget(shards[shard_of(each.dimension, each.id, len(shards))].ranking(*each), "stairs")
        packed = await pipe.execute()
    return [_stairs(each) for each in packed]


def _stairs(packed: bytes | None) -> Stairs:
    entries = msgspec.msgpack.decode(packed) if packed else []
    # an empty Lua table is packed as a map
    return [(entry[_HOLDER], int(entry[_VALUE])) for entry in entries or []]


async def _in_redis(redis: Redis, shards: Sequence[Keys]) -> AsyncIterator[list[Ranking]]:
    for keys in shards:
        prefix, cursor = f"{keys.prefix}ranking:", 0
        while True:
            scanned = await redis.scan(cursor, match=f"{literal_glob(prefix)}*", count=_BATCH)
            cursor, found = cast("tuple[int, list[bytes]]", scanned)
            yield [Ranking(*each.decode().removeprefix(prefix).split(":", 3)) for each in found]
            if not cursor:
                break
