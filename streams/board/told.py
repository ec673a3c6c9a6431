"""Alerts as they were published: the stream `Keys.told`, whose entries order them for ever."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis

from schemas.answers import Alerts, Told
from streams.keys import shard_keys
from streams.settings import Settings

#: entries that one request looks through, and at a time
_MOST, _AT_A_TIME = 10_000, 1_000
#: what stands before every alert
FIRST = "0-0"


class Brief(msgspec.Struct, frozen=True):
    """What alerts are chosen by. The rest of an alert passes as the bytes that it was published as."""

    rule: str
    state: str
    scope: dict[str, str]
    event_time_ms: int | None = None


class Entry(NamedTuple):
    """One revision; `json` is the value of its record in the topic."""

    id: str
    json: bytes

    def raw(self) -> Told:
        """As it is answered, without taking the alert apart."""
        return Told(entry=self.id, alert=msgspec.Raw(self.json))  # type: ignore[arg-type]  # it is written as it is


_brief = msgspec.json.Decoder(Brief).decode


class ToldAlerts:
    """Reads what was told. Raises `redis.RedisError`."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._key = shard_keys(settings.group, 0).told()

    async def page(self, asked: dict[str, Any]) -> Alerts:
        """`/v1/alerts`: newest first."""
        found: list[Told] = []
        before, looked = asked["cursor"], 0
        while looked < _MOST and len(found) < asked["limit"]:
            entries = await self._before(before, _AT_A_TIME)
            for entry in entries:
                before, looked = entry.id, looked + 1
                if _wanted(_brief(entry.json), asked):
                    found.append(entry.raw())
                    if len(found) == asked["limit"]:
                        break
            else:
                if len(entries) < _AT_A_TIME:
                    return Alerts(alerts=found, next=None)
        return Alerts(alerts=found, next=before)

    async def _before(self, entry: str | None, count: int) -> list[Entry]:
        if entry is not None and not any(map(int, entry.split("-"))):
            return []  # nothing stands before the first of all, and Redis takes that for a mistake
        newest = "+" if entry is None else f"({entry}"
        return _entries(await self._redis.xrevrange(self._key, newest, "-", count))

    async def latest(self, count: int) -> list[Entry]:
        """The latest ones, oldest first."""
        return (await self._before(None, count))[::-1]

    async def after(self, entry: str, count: int) -> list[Entry]:
        """Those behind an entry, oldest first."""
        return _entries(await self._redis.xrange(self._key, f"({entry}", "+", count))

    async def wait(self, entry: str, patience_ms: int) -> list[Entry]:
        """Those behind an entry, as soon as there are any; none after `patience_ms`."""
        reply: Any = await self._redis.xread({self._key: entry}, 1_000, patience_ms)
        if not reply:
            return []
        streams = reply.values() if isinstance(reply, dict) else [entries for _, entries in reply]
        return [entry for entries in streams for entry in _entries(entries)]


def _entries(found: Any) -> list[Entry]:
    # redis-py wraps the entries of a stream in one more list with one of its protocols
    flat = found[0] if found and found[0] and isinstance(found[0][0], list | tuple) else found
    return [Entry(id.decode(), fields[b"a"]) for id, fields in flat]


def _wanted(alert: Brief, asked: dict[str, Any]) -> bool:
    if asked["rule"] not in (None, alert.rule) or asked["state"] not in (None, alert.state):
        return False
    if asked["scope"] not in (None, (alert.scope["dimension"], alert.scope["id"])):
        return False
    return asked["since"] is None or (alert.event_time_ms or 0) >= asked["since"]
