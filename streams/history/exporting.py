"""The earlier holders of every scope, imported ones and those of the log, as lines that can be imported elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, NamedTuple, cast

import msgspec
from redis.asyncio import Redis

from schemas.alerts import GROSS, NET, Rule
from schemas.history import Imported
from streams.history.rows import DIMENSIONS
from streams.keys import Keys, literal_glob
from streams.tally.counters import NONE_ID
from streams.tally.windows import HOUR_MS, Zone

_BATCH = 500
#: places in an entry of a ranking (`book.lua`)
_VALUE, _START, _END, _CLOSE = 2, 3, 4, 5


class Line(NamedTuple):
    """One row of a file of history (`rows.FIELDS`), times in epoch ms."""

    kind: str
    dimension: str
    id: str
    start: int
    end: int
    session_id: str | None
    gmv_fen: int
    net_fen: int | None

    @property
    def holder(self) -> tuple[str, str, str, int | str]:
        """What tells rows apart."""
        return self.kind, self.dimension, self.id, self.session_id or self.start


def merged(imported: Iterable[Imported], of_log: Iterable[Line]) -> list[Line]:
    """All lines in their order: of the same hour the larger, of the same session what the log says. Pure."""
    lines = {line.holder: line for line in map(_line, imported)}
    for line in of_log:
        known = lines.get(line.holder)
        if known is None or line.kind == "session" or line.gmv_fen > known.gmv_fen:
            lines[line.holder] = line
    return sorted(lines.values(), key=lambda line: (*line[:3], line.end, line.session_id or ""))


def _line(row: Imported) -> Line:
    session_id = row.id if row.kind == "session" else None
    scope = row.scope
    return Line(row.kind, scope.dimension, scope.id, row.start_ms, row.end_ms, session_id, row.gmv_fen, row.net_fen)


class Exporter:
    """Reads the closed hours and sessions that Redis keeps. Raises `redis.RedisError`.

    An hour closes when the watermark has passed its end by `lateness_ms`.
    """

    def __init__(self, redis: Redis, keys: Sequence[Keys], zone: Zone, lateness_ms: int) -> None:
        self._redis = redis
        self._keys = keys
        self._zone = zone
        self._lateness_ms = lateness_ms

    async def lines(self) -> AsyncIterator[Line]:
        """Every one, in no order."""
        watermark_ms = int(cast("bytes | None", await self._redis.get(self._keys[0].watermark())) or 0)
        for keys in self._keys:
            for dimension in DIMENSIONS["hour"]:
                async for line in self._hours(keys, dimension, watermark_ms - self._lateness_ms):
                    yield line
        async for line in self.sessions():
            yield line

    async def sessions(self) -> AsyncIterator[Line]:
        """Every closed session, once in each of its scopes."""
        for keys in self._keys:
            async for line in self._sessions(keys):
                yield line

    async def _hours(self, keys: Keys, dimension: str, closed_ms: int) -> AsyncIterator[Line]:
        prefix = f"{keys.prefix}hours:{dimension}:"
        async for names in self._scan(prefix):
            for name, fields in zip(names, await self._hashes(names), strict=True):
                day, _, id = name.removeprefix(prefix).partition(":")
                for field, value in fields.items():
                    start_ms = self._zone.start_ms("hour", int(day) * 24 + int(field[:2]))
                    end_ms = start_ms + HOUR_MS
                    if field[2:] == b"g" and int(value) > 0 and end_ms <= closed_ms and id != NONE_ID:
                        yield Line("hour", dimension, id, start_ms, end_ms, None, int(value), None)

    async def _sessions(self, keys: Keys) -> AsyncIterator[Line]:
        prefix = f"{keys.prefix}closed:{Rule.RECORD_SESSION}:{GROSS}:"
        async for names in self._scan(prefix):
            for name in names:
                dimension, _, id = name.removeprefix(prefix).partition(":")
                for line in await self._closed(keys, dimension, id):
                    yield line

    async def _closed(self, keys: Keys, dimension: str, id: str) -> list[Line]:
        members = await self._redis.zrange(keys.ranking_closed(Rule.RECORD_SESSION, GROSS, dimension, id), 0, -1)
        holders = [member.partition(b"|")[2].decode() for member in cast("list[bytes]", members)]
        gross = await self._entries(keys, GROSS, dimension, id, holders)
        net = await self._entries(keys, NET, dimension, id, holders)
        return [
            Line("session", dimension, id, int(entry[_START]), int(entry[_END] or entry[_CLOSE]), holder,
                 int(entry[_VALUE]), int(by_net[_VALUE]) if by_net else None)
            for holder, entry, by_net in zip(holders, gross, net, strict=True)
            if entry and entry[_VALUE] > 0
        ]  # fmt: skip

    async def _entries(self, keys: Keys, metric: str, dimension: str, id: str, holders: list[str]) -> list[Any]:
        if not holders:
            return []
        key = keys.ranking(Rule.RECORD_SESSION, metric, dimension, id)
        packed = cast("list[bytes | None]", await self._redis.hmget(key, [f"h:{holder}" for holder in holders]))
        return [msgspec.msgpack.decode(each) if each else None for each in packed]

    async def _hashes(self, names: Sequence[str]) -> list[dict[bytes, bytes]]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(name)
            return await pipe.execute()

    async def _scan(self, prefix: str) -> AsyncIterator[list[str]]:
        cursor = 0
        while True:
            scanned = await self._redis.scan(cursor, match=f"{literal_glob(prefix)}*", count=_BATCH)
            cursor, found = cast("tuple[int, list[bytes]]", scanned)
            if found:
                yield [name.decode() for name in found]
            if not cursor:
                return
