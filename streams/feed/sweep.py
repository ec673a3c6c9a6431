"""The feed: everything that is stored, told once: for a topic that was not written from the beginning.

That is so when the feed is switched on later, and when somebody removes `Keys.feed` because the topic was lost. A page
of keys goes with each pass. It begins again when a page was not told, or Redis was restarted: the cursors of SCAN mean
nothing to another process.
"""

from __future__ import annotations

from typing import cast

from redis.asyncio import Redis

from streams.feed.names import Changed
from streams.keys import Keys, literal_glob
from streams.tally.counters import NONE_ID

#: keys that one page looks at
_PAGE = 2_000


class Sweep:
    """The sweep of one shard. Raises `redis.RedisError`."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._cursor = 0
        self._run = ""

    def restart(self) -> None:
        """Begin again with the next page."""
        self._cursor = 0

    async def page(self, changed: Changed) -> bool:
        """Add the tallies of the next page to `changed`; returns whether it was the last one."""
        await self._see_restarts()
        prefix = self._keys.prefix
        pattern = literal_glob(prefix) + "*"
        scanned = await self._redis.scan(self._cursor, match=pattern, count=_PAGE)
        self._cursor, found = cast("tuple[int, list[bytes]]", scanned)
        names = [key.decode().removeprefix(prefix) for key in found]
        hashes = [name for name in names if name.startswith("hours:")]
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in hashes:
                pipe.hkeys(prefix + name)
            replies = await pipe.execute()
        for name, fields in zip(hashes, replies, strict=True):
            changed.hours |= _hours(name, fields)
        changed.sessions |= {session for name in names if (session := _session(name))}
        return self._cursor == 0

    async def _see_restarts(self) -> None:
        run = str((await self._redis.info("server")).get("run_id", ""))
        if run != self._run:
            self._run, self._cursor = run, 0


def _hours(name: str, fields: list[bytes]) -> set[tuple[str, str, int]]:
    """The hours in a hash `hours:<dimension>:<day>:<id>` or `hours:session:<id>`."""
    _, dimension, rest = name.split(":", 2)
    if dimension == "session":
        return {(dimension, rest, int(field[:-1])) for field in fields}
    day, _, id = rest.partition(":")
    return {(dimension, id, int(day) * 24 + int(field[:-1])) for field in fields}


def _session(name: str) -> str | None:
    """The session that a key is of: `session:<id>`, or `hours:session:<id>`."""
    id = name.removeprefix("hours:").removeprefix("session:") if name.startswith(("session:", "hours:session:")) else ""
    return id if id != NONE_ID else None
