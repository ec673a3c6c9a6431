"""The feed: cumulative curves of recent minutes, the value *at* each minute's end, from the tallies themselves.

Nothing keeps points: a curve is the running sum of the minutes that settles added up. So it has no dents after a fault,
whoever was away meanwhile; the curves of all anchors sum to that of the platform; and what comes late moves every point
from its minute on, as it should.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple, cast

from redis.asyncio import Redis

from schemas.alerts import GROSS, Rule
from streams.keys import Keys, shard_of
from streams.retention.policy import MARGIN_MS
from streams.tally.counters import COUNTERS, MINUTE_DIMENSIONS, PLATFORM_ID
from streams.tally.fold import MINUTE_RETENTION_MS
from streams.tally.windows import MINUTE_MS, Zone

#: why a curve has no points
NO_MINUTES: Final = "minutes are kept for platform, cluster, category, anchor and session"
PURGED: Final = "minutes are kept for 3 days: it begins before that"
NO_WATERMARK: Final = "no watermark yet"

_CODES: Final = {name: code for code, name in COUNTERS.items()}

#: a purge may be behind, but no curve is longer than what is kept and a day
_MOST_MINUTES: Final = (MINUTE_RETENTION_MS + MARGIN_MS) // MINUTE_MS

#: (dimension, id)
Tally = tuple[str, str]


class Span(NamedTuple):
    """From which instant the sum runs, and until when at most; epoch ms, widened to whole minutes."""

    since_ms: int
    until_ms: int


class Curve(NamedTuple):
    """Sums since `since_ms`: the n-th (from 0) is that at the end of minute n, `since_ms + (n + 1) * 60,000`.

    Points end with the last minute that the watermark (`as_of_ms`) has passed: a part of a minute is never compared
    with a whole one. Without points, `reason` says why.
    """

    since_ms: int
    points: list[int]
    as_of_ms: int | None
    reason: str | None = None


async def curves(
    redis: Redis, keys: Sequence[Keys], zone: Zone, tallies: Sequence[Tally], span: Span, counter: str = "gmv_fen"
) -> list[Curve]:
    """One curve for each of `tallies`, in three round trips a shard however many they are.

    `counter` is any of those that are stored (`COUNTERS`); net GMV is the difference of two curves. Raises
    `redis.RedisError`, and `ValueError` for a counter that there is not.
    """
    if counter not in _CODES:
        raise ValueError(f"{counter!r} is no counter of a minute (valid: {', '.join(_CODES)})")
    # the watermark first: all that it stands for is in the minutes that are read behind it
    as_of_ms = int(await redis.get(keys[0].watermark()) or 0) or None
    since, until = zone.minute(span.since_ms), zone.minute(min(span.until_ms, as_of_ms or 0))
    oldest = zone.minute(as_of_ms or 0) - _MOST_MINUTES
    found: dict[Tally, Curve] = {}
    for shard, each in enumerate(keys):
        here = [tally for tally in tallies if shard_of(*tally, len(keys)) == shard]
        floor = max(oldest, int(await redis.hget(each.floors(), "minutes") or 0))
        reasons = {tally: _reason(tally, as_of_ms, purged=since < floor) for tally in here}
        told = [tally for tally in here if reasons[tally] is None]
        values = await _minutes(redis, each, told, range(since, max(since, until)), _CODES[counter])
        for tally in here:
            points = list(accumulate(values.get(tally, ())))
            found[tally] = Curve(zone.start_ms("minute", since), points, as_of_ms, reasons[tally])
    return [found[tally] for tally in tallies]


async def open_sessions(redis: Redis, keys: Sequence[Keys]) -> list[str]:
    """The ids of sessions that have sold something and have not closed, the largest first."""
    platform = keys[shard_of("platform", PLATFORM_ID, len(keys))]
    ranking = platform.ranking_open(Rule.RECORD_SESSION, GROSS, "platform", PLATFORM_ID)
    members = cast("list[bytes]", await redis.zrange(ranking, 0, -1, desc=True))
    return [member.decode() for member in members]


def _reason(tally: Tally, as_of_ms: int | None, *, purged: bool) -> str | None:
    if tally[0] not in MINUTE_DIMENSIONS:
        return NO_MINUTES
    if as_of_ms is None:
        return NO_WATERMARK
    return PURGED if purged else None


async def _minutes(
    redis: Redis, keys: Keys, tallies: Sequence[Tally], minutes: range, code: str
) -> Mapping[Tally, list[int]]:
    """What each minute added; all of one moment."""
    by_hour: dict[int, list[str]] = {}
    for minute in minutes:
        by_hour.setdefault(minute // 60, []).append(f"{minute % 60:02d}{code}")
    if not by_hour or not tallies:
        return {}
    async with redis.pipeline(transaction=True) as pipe:
        for dimension, id in tallies:
            for hour, fields in by_hour.items():
                pipe.hmget(keys.minutes(dimension, hour, id), fields)
        replies = iter(await pipe.execute())
    return {tally: [int(value or 0) for _ in by_hour for value in next(replies)] for tally in tallies}
