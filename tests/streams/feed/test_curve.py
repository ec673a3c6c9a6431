"""Cumulative curves: the value at each minute's end, as far as the watermark, and the reason where there is none."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from schemas.alerts import GROSS, Rule
from streams.feed.curve import NO_MINUTES, NO_WATERMARK, PURGED, Curve, Span, Tally, curves, open_sessions
from streams.keys import Keys, shard_keys, shard_of
from streams.tally.windows import MINUTE_MS, SHANGHAI

HOUR = 20_453 * 24 + 20
START_MS = SHANGHAI.start_ms("hour", HOUR)
PLATFORM = ("platform", "all")


def t(minutes: float) -> int:
    """So many minutes after the start of the hour."""
    return START_MS + round(minutes * MINUTE_MS)


def shards(number: int) -> list[Keys]:
    return [shard_keys("test", shard) for shard in range(number)]


async def sold(redis: Redis, keys: list[Keys], tally: Tally, **minutes: int) -> None:
    """GMV by minute of the hour, as `m07=5`."""
    shard = keys[shard_of(*tally, len(keys))]
    for name, value in minutes.items():
        hour, minute = divmod(int(name[1:]), 60)
        await redis.hset(shard.minutes(tally[0], HOUR + hour, tally[1]), f"{minute:02d}g", value)


async def curve(redis: Redis, tally: Tally = PLATFORM, until: float = 180) -> Curve:
    return (await curves(redis, shards(1), SHANGHAI, [tally], Span(t(0), t(until))))[0]


async def watermark(redis: Redis, minutes: float) -> None:
    await redis.set(shards(1)[0].watermark(), t(minutes))


async def test_each_point_is_the_sum_at_its_minutes_end(redis: Redis) -> None:
    await sold(redis, shards(1), PLATFORM, m00=5, m02=7, m03=1)
    await watermark(redis, 5)
    assert await curve(redis) == Curve(START_MS, [5, 5, 12, 13, 13], t(5))


@pytest.mark.parametrize(("minutes", "points"), [(0, []), (0.99, []), (1, [5]), (1.99, [5]), (2, [5, 11])])
async def test_a_minute_is_told_once_the_watermark_has_passed_its_end(
    redis: Redis, minutes: float, points: list[int]
) -> None:
    await sold(redis, shards(1), PLATFORM, m00=5, m01=6, m02=7)
    await watermark(redis, minutes)
    assert (await curve(redis)).points == points


async def test_a_curve_ends_where_it_is_asked_to_and_runs_on_over_hours(redis: Redis) -> None:
    await sold(redis, shards(1), PLATFORM, m59=5, m60=6, m61=7)
    await watermark(redis, 90)
    assert (await curve(redis, until=61)).points[-2:] == [5, 11]
    assert (await curve(redis)).points == [0] * 59 + [5, 11] + [18] * 29


async def test_what_comes_late_moves_every_point_from_its_minute_on(redis: Redis) -> None:
    await sold(redis, shards(1), PLATFORM, m00=5, m02=7)
    await watermark(redis, 4)
    assert (await curve(redis)).points == [5, 5, 12, 12]
    await sold(redis, shards(1), PLATFORM, m01=1)
    assert (await curve(redis)).points == [5, 6, 13, 13]


async def test_without_points_it_says_why(redis: Redis) -> None:
    assert await curve(redis) == Curve(START_MS, [], None, NO_WATERMARK)
    await watermark(redis, 5)
    assert (await curve(redis, ("merchant", "m"))).reason == NO_MINUTES
    await redis.hset(shards(1)[0].floors(), "minutes", HOUR * 60)
    assert (await curve(redis)).reason is None
    await redis.hset(shards(1)[0].floors(), "minutes", HOUR * 60 + 1)
    assert await curve(redis) == Curve(START_MS, [], t(5), PURGED)


async def test_a_curve_is_never_longer_than_minutes_are_kept(redis: Redis) -> None:
    await watermark(redis, 0)
    since = {days: Span(t(-days * 24 * 60), t(0)) for days in (4, 5)}
    found = {days: (await curves(redis, shards(1), SHANGHAI, [PLATFORM], span))[0] for days, span in since.items()}
    assert (len(found[4].points), found[4].reason) == (4 * 24 * 60, None)
    assert (found[5].points, found[5].reason) == ([], PURGED)


async def test_many_are_read_at_once_from_their_shards_and_a_tally_without_sales_is_flat(redis: Redis) -> None:
    keys, anchors = shards(3), [("anchor", f"a{number}") for number in range(20)]
    await watermark(redis, 3)
    for number, anchor in enumerate(anchors[1:], start=1):
        await sold(redis, keys, anchor, m00=number, m02=1)
    found = await curves(redis, keys, SHANGHAI, anchors, Span(t(0), t(60)))
    assert [each.points for each in found] == [[0, 0, 0], *([number, number, number + 1] for number in range(1, 20))]


async def test_other_counters_have_curves_and_one_that_there_is_not_is_refused(redis: Redis) -> None:
    await watermark(redis, 2)
    await redis.hset(shards(1)[0].minutes("platform", HOUR, "all"), mapping={"00g": 9, "00p": 2, "01p": 1})
    span = Span(t(0), t(60))
    assert (await curves(redis, shards(1), SHANGHAI, [PLATFORM], span, "orders_paid"))[0].points == [2, 3]
    with pytest.raises(ValueError, match="net_gmv_fen"):
        await curves(redis, shards(1), SHANGHAI, [PLATFORM], span, "net_gmv_fen")


@pytest.mark.parametrize("number", [1, 3])
async def test_open_sessions_are_those_of_the_platforms_ranking_the_largest_first(redis: Redis, number: int) -> None:
    keys = shards(number)
    there = keys[shard_of("platform", "all", number)]
    await redis.zadd(there.ranking_open(Rule.RECORD_SESSION, GROSS, "platform", "all"), {"s": 3, "t": 4})
    assert await open_sessions(redis, keys) == ["t", "s"]
