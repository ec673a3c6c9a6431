"""A settled cut: what Redis holds at one moment, and the offsets that it has settled by then."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from faust.types import TP
from redis.asyncio import Redis

from streams.errors import Expected
from streams.keys import Keys
from streams.lab.audit.shelf import Shelf
from streams.lab.audit.store import read_into
from streams.retention.policy import Floors
from streams.tally.conservation import read_totals, summed
from streams.tally.fence import Fence, read_fences
from streams.tally.sessions import TAIL_DAYS
from streams.tally.windows import Zone

#: how often, and how long apart, a cut is tried while a worker is settling
_CUTS = 20
_BETWEEN_CUTS_S = 0.5


class StillMoving(Expected):
    """Tallies change faster than they can be read: stop the workers, or the producers, and audit again."""

    exit_code = 75


@dataclass(frozen=True, slots=True)
class Cut:
    """`shards` are the fences of each shard, `totals` the sums over dimensions (`Keys.totals`) of all together.

    `clock_ms` is how far the watermark has come; below `floors` nothing is complete.
    """

    shards: Sequence[Mapping[TP, Fence]]
    totals: Mapping[str, int]
    floors: Floors
    clock_ms: int

    @property
    def fences(self) -> Mapping[TP, Fence]:
        """The fences, which are those of every shard but for the accounts beside them."""
        return self.shards[0]


async def cut(redis: Redis, keys: Sequence[Keys], zone: Zone, shelf: Shelf) -> Cut:
    """Put the tallies and sketches of one moment on the `shelf`: read until no fence moved meanwhile.

    Raises `StillMoving` after some tries, `redis.RedisError`.
    """
    why = ""
    for _ in range(_CUTS):
        before = await _fences(redis, keys)
        if apart(before):
            why = "the shards stand at different offsets: start a worker, it heals them, and audit again"
        else:
            totals = summed([await read_totals(redis, shard) for shard in keys])
            floors = await read_into(redis, keys, zone, TAIL_DAYS, shelf)
            clock_ms = int(cast("bytes | None", await redis.get(keys[0].watermark())) or 0)
            if before == await _fences(redis, keys):
                shelf.flush()
                return Cut(before, totals, floors, clock_ms)
            why = "the tallies change while they are read: stop the workers or the producers and audit again"
        shelf.clear()
        await asyncio.sleep(_BETWEEN_CUTS_S)
    raise StillMoving(why)


async def stands(redis: Redis, keys: Sequence[Keys], at: Cut) -> bool:
    """Whether nothing was settled since the cut."""
    return await _fences(redis, keys) == at.shards


def apart(shards: Sequence[Mapping[TP, Fence]]) -> bool:
    """Whether shards have settled different records."""
    first = {tp: fence.next for tp, fence in shards[0].items()}
    return any({tp: fence.next for tp, fence in each.items()} != first for each in shards)


async def _fences(redis: Redis, keys: Sequence[Keys]) -> list[dict[TP, Fence]]:
    return [await read_fences(redis, shard) for shard in keys]
