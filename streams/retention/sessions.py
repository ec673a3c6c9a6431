"""Retention: sessions of which nothing was heard for 400 days, and what rankings keep of them.

Rankings of records forget them first, in whatever shards they lie: should that be cut off, the session still knows
where it was placed, and the next sweep goes on. Its own keys go by one script, which looks once more whether it is
still silent. A session that is heard of again after that starts anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from redis.asyncio import Redis

from schemas.alerts import GROSS, NET, Rule
from streams.keys import Keys
from streams.marks.acts import RECORDS
from streams.retention.floors import WentBack
from streams.retention.policy import Floors
from streams.scripts import BOOK, lua_script
from streams.tally.windows import Zone


class SessionForgetter:
    """Forgets sessions. Raises `redis.RedisError` and `WentBack`; repeating is harmless."""

    def __init__(self, redis: Redis, keys: Sequence[Keys], zone: Zone) -> None:
        self._redis = redis
        self._keys = keys
        self._zone = zone
        self._forget = lua_script(redis, "streams.retention", "forget_session")
        self._forget_holder = lua_script(redis, "streams.retention", "forget_holder", behind=BOOK)

    async def forget(self, shard: int, session_ids: Sequence[str], floors: Floors) -> int:
        """Forget those of these sessions of one shard that are due; returns how many keys went."""
        since_ms = floors.start_ms("sessions", self._zone)
        silent = await self._silent(self._keys[shard], session_ids, since_ms) if floors.sessions else []
        went = 0
        for session_id in silent:
            await self._leave_rankings(session_id, since_ms)
            gone = await self._forget_one(self._keys[shard], session_id, floors, since_ms)
            if gone:
                await self._forget_elsewhere(shard, session_id)
            went += gone
        return went

    async def _silent(self, keys: Keys, session_ids: Iterable[str], since_ms: int) -> list[str]:
        """A first, cheap look: those without a sign of life since then, and with nothing that waits to be read."""
        ids = list(session_ids)
        async with self._redis.pipeline(transaction=False) as pipe:
            for session_id in ids:
                pipe.hget(keys.session(session_id), "last_ms")
                pipe.zscore(keys.changed(RECORDS), _mark(session_id))
            replies = await pipe.execute()
        return [
            session_id
            for session_id, last_ms, marked in zip(ids, replies[::2], replies[1::2], strict=True)
            if marked is None and int(last_ms or 0) < since_ms
        ]

    async def _leave_rankings(self, session_id: str, before_ms: int) -> None:
        for home in self._keys:
            scopes = cast("set[bytes]", await self._redis.smembers(home.placed(session_id)))
            async with self._redis.pipeline(transaction=False) as pipe:
                for scope in scopes:
                    dimension, _, scope_id = scope.decode().partition("|")
                    for metric in (GROSS, NET):
                        where = (Rule.RECORD_SESSION, metric, dimension, scope_id)
                        names = [home.ranking(*where), home.ranking_closed(*where)]
                        await self._forget_holder(keys=names, args=[session_id, before_ms], client=pipe)
                await pipe.execute()

    async def _forget_elsewhere(self, shard: int, session_id: str) -> None:
        """Where it was placed in other shards; if this is cut off, a few bytes stay there for ever."""
        for other, keys in enumerate(self._keys):
            if other != shard:
                await self._redis.unlink(keys.placed(session_id))

    async def _forget_one(self, keys: Keys, session_id: str, floors: Floors, since_ms: int) -> int:
        own = (Rule.PEAK_HOUR, GROSS, "session", session_id)
        went = await self._forget(
            keys=[
                keys.floors(),
                keys.changed(RECORDS),
                keys.heard(RECORDS),
                keys.session(session_id),
                keys.session_hours(session_id),
                keys.session_buyers(session_id),
                keys.placed(session_id),
                keys.ranking(*own),
                keys.ranking_open(*own),
                keys.ranking_closed(*own),
            ],
            args=[floors.sessions, since_ms, floors.sessions * 24, _mark(session_id)],
        )
        if went < 0:
            raise WentBack
        return int(went)


def _mark(session_id: str) -> str:
    return f"session|{session_id}"
