"""Retention: a sweep over the keys of one shard, one small batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, cast

from redis.asyncio import Redis

from streams.keys import Keys, literal_glob
from streams.retention.deeds import Deed, deed
from streams.retention.policy import DAILY, Floors


class Round(NamedTuple):
    """Which keys a sweep looks at, and for which kinds: minutes every hour, all the rest once a day."""

    keys: str
    kinds: Sequence[str]


ROUNDS: Final = (Round("minutes:*", ("minutes",)), Round("*", DAILY))
#: keys that one call looks at, of which a few milliseconds' worth at most is then removed
BATCH: Final = 500


def due_round(floors: Floors, swept: Floors) -> Round | None:
    """A round with a floor that has risen since it was last gone through; None: there is nothing to do. Pure."""
    return next((each for each in ROUNDS if any(swept.of(kind) < floors.of(kind) for kind in each.kinds)), None)


class Sweep:
    """One round under the floors of its beginning. Any part of it may be lost, or done twice."""

    def __init__(self, redis: Redis, keys: Keys, round: Round, floors: Floors) -> None:
        self._redis = redis
        self._prefix = keys.prefix
        self._cursor = 0
        self.round = round
        self.floors = floors
        self.ended = False

    async def next_batch(self) -> dict[str, Deed]:
        """What is due for the next keys, by key. Sets `ended` with the last. Raises `redis.RedisError`."""
        pattern = literal_glob(self._prefix) + self.round.keys
        found = await self._redis.scan(self._cursor, match=pattern, count=BATCH)
        self._cursor, names = cast("tuple[int, list[bytes]]", found)
        self.ended = not self._cursor
        deeds = {}
        for name in names:
            key = name.decode()
            due = deed(key.removeprefix(self._prefix), self.floors)
            if due is not None:
                deeds[key] = due
        return deeds

    def swept(self) -> dict[str, int]:
        """What is gone once it has ended: the floors of its kinds."""
        return {kind: self.floors.of(kind) for kind in self.round.kinds}
