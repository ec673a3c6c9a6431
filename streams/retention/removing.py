"""Retention: deeds are done, each by a script that looks at the floor first. Any of it may be cut off and repeated."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from redis.asyncio import Redis

from streams.keys import Keys
from streams.retention.deeds import SKETCHES, Deed, Forget, Merge, Remove, RollUp, Trim
from streams.retention.floors import WentBack
from streams.retention.policy import Floors
from streams.retention.sessions import SessionForgetter
from streams.scripts import lua_script
from streams.tally.counters import BUYER_HOUR_DIMENSIONS, TRADER_HOUR_DIMENSIONS
from streams.tally.windows import Zone

#: keys, or fields, that one script removes, and roll-ups that are sent at once: about a millisecond of Redis' time
_KEYS, _FIELDS, _ROLL_UPS = 100, 500, 5

#: kind of data -> keys, or fields of hashes by hours, that went
Gone = Counter[str]


class Remover:
    """Does the deeds of one batch. Raises `redis.RedisError`; `WentBack` when the floors of the sweep are gone."""

    def __init__(self, redis: Redis, keys: Sequence[Keys], zone: Zone) -> None:
        self._redis = redis
        self._keys = keys
        self._remove = lua_script(redis, "streams.retention", "remove")
        self._roll_up = lua_script(redis, "streams.retention", "roll_up")
        self._trim = lua_script(redis, "streams.retention", "trim")
        self._sessions = SessionForgetter(redis, keys, zone)

    async def do(self, shard: int, deeds: Mapping[str, Deed], floors: Floors) -> Gone:
        """Do what is due for the keys of one shard; `deeds` maps whole keys to it. Returns what went."""
        keys, gone = self._keys[shard], Gone()
        removals: defaultdict[str, list[str]] = defaultdict(list)
        roll_ups: set[RollUp | Merge] = set()
        sessions: set[str] = set()
        for key, deed in deeds.items():
            match deed:
                case Remove(kind):
                    removals[kind].append(key)
                case RollUp() | Merge():
                    roll_ups.add(deed)
                case Trim():
                    gone[deed.kind] += await self._trimmed(keys, key, deed, floors)
                case Forget(session_id):
                    sessions.add(session_id)
        for kind, names in removals.items():
            gone[kind] += await self._removed(keys, kind, names, floors)
        gone += await self._rolled_up(keys, sorted(roll_ups), floors)
        gone["sessions"] += await self._sessions.forget(shard, sorted(sessions), floors)
        return gone

    async def _removed(self, keys: Keys, kind: str, names: Sequence[str], floors: Floors) -> int:
        went = 0
        for first in range(0, len(names), _KEYS):
            part = [keys.floors(), *names[first : first + _KEYS]]
            went += _checked(await self._remove(keys=part, args=[kind, floors.of(kind)]))
        return went

    # -- hours into days -----------------------------------------------------------------------
    async def _rolled_up(self, keys: Keys, roll_ups: Sequence[RollUp | Merge], floors: Floors) -> Gone:
        """A few calls a round trip: Redis answers others between two of them."""
        gone = Gone()
        for first in range(0, len(roll_ups), _ROLL_UPS):
            part = roll_ups[first : first + _ROLL_UPS]
            async with self._redis.pipeline(transaction=False) as pipe:
                for each in part:
                    names, kind, sketches = _roll_up_keys(keys, each)
                    await self._roll_up(
                        keys=[keys.floors(), *names], args=[kind, floors.of(kind), sketches], client=pipe
                    )
                for each, went in zip(part, await pipe.execute(), strict=True):
                    gone["hours" if isinstance(each, RollUp) else "sketches"] += _checked(went)
        return gone

    # -- hours of a hash that has them all -----------------------------------------------------
    async def _trimmed(self, keys: Keys, key: str, trim: Trim, floors: Floors) -> int:
        floor = floors.of(trim.kind)
        first_hour = floor * 24 if trim.kind == "sessions" else floor
        went, cursor = 0, 0
        while True:
            cursor, found = await self._redis.hscan(key, cursor, count=_FIELDS)
            old = [name for name in found if int(name[: len(name) - trim.suffix]) < first_hour]
            for first in range(0, len(old), _FIELDS):
                args = [trim.kind, floor, *old[first : first + _FIELDS]]
                went += _checked(await self._trim(keys=[keys.floors(), key], args=args))
            if not cursor:
                return went


def _roll_up_keys(keys: Keys, each: RollUp | Merge) -> tuple[list[str], str, int]:
    """Keys as `roll_up.lua` takes them, after the floors; the kind of the floor; and how many sketches there are."""
    if isinstance(each, Merge):
        return _sketch_keys(keys, each.of, each.dimension, each.day, each.id), "sketches", 1
    kept = [of for of in SKETCHES if each.dimension in _sketched(of)]
    names = [name for of in kept for name in _sketch_keys(keys, of, *each)]
    return [*names, keys.hours(*each), keys.days(*each)], "hours", len(kept)


def _sketched(of: str) -> frozenset[str]:
    return BUYER_HOUR_DIMENSIONS if of == "buyers" else TRADER_HOUR_DIMENSIONS


def _sketch_keys(keys: Keys, of: str, dimension: str, day: int, id: str) -> list[str]:
    hours = range(day * 24, day * 24 + 24)
    return [keys.day_sketch(of, dimension, day, id), *(keys.sketch(of, dimension, hour, id) for hour in hours)]


def _checked(went: object) -> int:
    if not isinstance(went, int) or went < 0:
        raise WentBack
    return went
