"""The settle script on a real store: fenced, atomic, repeatable."""

from collections.abc import Awaitable

import msgspec
import pytest
from faust.types import TP
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from streams.errors import StoreFault
from streams.keys import shard_keys
from streams.scripts import lua_script
from streams.tally.fence import partition_member
from streams.tally.rows import ShardRows
from streams.tally.settle import Applied, Elsewhere, Progress, Settler

KEYS = shard_keys("test", 0)
TP0 = TP("orders", 0)
FENCE = KEYS.fence(*TP0)
TALLY = KEYS.hours("platform", 20_000, "all")
OTHER = KEYS.hours("channel", 20_000, "live")


def progress(start: int, stop: int, **changes: int) -> Progress:
    fields = {"counted": stop - start, "resends": 0, "rejected": 0, "holes": 0, "trusted_ms": 5, "arrival_ms": 7}
    return Progress(start, stop, **{**fields, "last_crc": 1, "last_ms": 2, "unread": 0, **changes})


def rows(*sums: tuple[str, list[str | int]]) -> ShardRows:
    made = ShardRows()
    for key, row in sums:
        made.sum_keys.append(key)
        made.sums.append(row)
    return made


async def fenced(redis: Redis, origin: int = 0) -> Settler:
    init = lua_script(redis, "streams.tally", "fences")
    await init(keys=[FENCE, KEYS.partitions()], args=[partition_member(TP0), origin])
    return Settler(redis, KEYS)


async def dump(redis: Redis) -> dict[bytes, object]:
    return {key: await redis.dump(key) for key in sorted(await redis.keys())}


async def counted(redis: Redis) -> dict[bytes, object]:
    """Everything but the change version and the marks: a failing settle may use one up, readers look once more."""
    keys = KEYS.sequence(), KEYS.changed("peaks"), KEYS.changed("records"), KEYS.changed_tallies()
    marks = {key.encode() for key in keys}
    return {key: value for key, value in (await dump(redis)).items() if key not in marks}


async def told(settle: Awaitable[object]) -> None:
    """The sums' own failure is told as a fault of the store, the others' by Redis."""
    try:
        await settle
    except StoreFault as fault:
        raise ResponseError(str(fault)) from fault


async def test_without_a_fence_nothing_is_applied(redis: Redis) -> None:
    answer = await Settler(redis, KEYS).settle(TP0, progress(0, 1), rows((TALLY, ["20g", 1])), {}, {})
    assert answer == Elsewhere(None)
    assert await redis.dbsize() == 0


async def test_a_fence_is_set_once_and_never_moved_by_setting_it(redis: Redis) -> None:
    await fenced(redis, origin=3)
    await fenced(redis, origin=9)
    assert await redis.hget(FENCE, "next") == b"3"


async def test_a_settle_moves_the_fence_with_the_tallies(redis: Redis) -> None:
    settler = await fenced(redis)
    answer = await settler.settle(
        TP0, progress(0, 10, resends=2, rejected=1, holes=4), rows((TALLY, ["20g", 5])), {490_000: 3}, {}
    )
    assert answer == Applied(1)
    assert await redis.hget(TALLY, "20g") == b"5"
    fence = {name.decode(): int(value) for name, value in (await redis.hgetall(FENCE)).items()}
    assert fence == {
        "next": 10, "origin": 0, "counted": 10, "resends": 2, "rejected": 1, "holes": 4, "trusted_ms": 5,
        "arrival_ms": 7, "last_crc": 1, "last_ms": 2, "unread": 0,
    }  # fmt: skip
    assert await redis.hgetall(KEYS.first_offsets(*TP0)) == {b"490000": b"3"}
    assert not await redis.exists(KEYS.settling())


@pytest.mark.parametrize("start", [0, 9, 11])
async def test_a_run_that_does_not_start_at_the_fence_changes_nothing(redis: Redis, start: int) -> None:
    settler = await fenced(redis, origin=10)
    before = await dump(redis)
    assert await settler.settle(TP0, progress(start, 20), rows((TALLY, ["20g", 5])), {}, {}) == Elsewhere(10)
    assert await dump(redis) == before


async def test_repeating_a_settle_changes_nothing(redis: Redis) -> None:
    settler = await fenced(redis)
    await settler.settle(TP0, progress(0, 10), rows((TALLY, ["20g", 5])), {}, {})
    before = await dump(redis)
    assert await settler.settle(TP0, progress(0, 10), rows((TALLY, ["20g", 5])), {}, {}) == Elsewhere(10)
    assert await dump(redis) == before


async def test_times_beside_the_fence_never_fall(redis: Redis) -> None:
    settler = await fenced(redis)
    await settler.settle(TP0, progress(0, 1, trusted_ms=100, arrival_ms=200), rows(), {}, {})
    await settler.settle(TP0, progress(1, 2, trusted_ms=50, arrival_ms=0), rows(), {}, {})
    assert await redis.hmget(FENCE, "trusted_ms", "arrival_ms") == [b"100", b"200"]


async def test_the_first_offset_of_an_hour_stays(redis: Redis) -> None:
    settler = await fenced(redis)
    await settler.settle(TP0, progress(0, 10), rows(), {1: 4}, {})
    await settler.settle(TP0, progress(10, 20), rows(), {1: 14, 2: 15}, {})
    assert await redis.hgetall(KEYS.first_offsets(*TP0)) == {b"1": b"4", b"2": b"15"}


async def test_sums_beyond_a_double_are_exact(redis: Redis) -> None:
    settler = await fenced(redis)
    large = 5_000 * 10**12 - 1
    await settler.settle(TP0, progress(0, 1), rows((TALLY, ["20g", large])), {}, {})
    await settler.settle(TP0, progress(1, 2), rows((TALLY, ["20g", large]), (OTHER, ["20g", large])), {}, {})
    assert await redis.hget(TALLY, "20g") == str(2 * large).encode()


async def test_a_failing_row_takes_the_whole_settle_back(redis: Redis) -> None:
    settler = await fenced(redis)
    await settler.settle(TP0, progress(0, 1), rows((TALLY, ["20g", 5, "20p", 1])), {}, {})
    await redis.set(OTHER, "of another type")
    before = await counted(redis)
    with pytest.raises(StoreFault, match="WRONGTYPE"):
        await settler.settle(TP0, progress(1, 2), rows((TALLY, ["20g", 7, "20p", 1]), (OTHER, ["20g", 7])), {}, {})
    assert await counted(redis) == before


async def test_an_overflow_inside_a_row_takes_the_earlier_fields_back(redis: Redis) -> None:
    settler = await fenced(redis)
    await redis.hset(TALLY, mapping={"20g": 1, "20p": 2**63 - 1})
    before = await counted(redis)
    with pytest.raises(StoreFault, match="overflow"):
        await settler.settle(TP0, progress(0, 1), rows((TALLY, ["20g", 7, "20p", 1])), {}, {})
    assert await counted(redis) == before


@pytest.mark.parametrize("command", ["hincrby", "hset", "hsetnx", "incr", "zadd", "set", "del", "pfadd"])
async def test_a_right_that_is_missing_takes_nothing_in_half(redis: Redis, command: str) -> None:
    settler = await fenced(redis)
    made = ShardRows([TALLY], [["20g", 5]], [KEYS.sketch("buyers", "platform", 1, "all")], [[0]], ["b"])
    made.peaks, made.records = ["hour|1|platform|all"], {"session|s"}
    await settler.settle(TP0, progress(0, 1), made, {1: 4}, {})
    before = await counted(redis)
    await redis.execute_command("ACL", "SETUSER", "default", f"-{command}")
    with pytest.raises(ResponseError, match=r"No permissions|no permission|ACL failure|NOPERM"):
        await told(settler.settle(TP0, progress(1, 2), made, {1: 4}, {}))
    await redis.execute_command("ACL", "SETUSER", "default", f"+{command}")
    assert await counted(redis) == before
    assert await settler.settle(TP0, progress(1, 2), made, {1: 4}, {}) != Elsewhere(1)


@pytest.mark.parametrize(
    "key", [KEYS.sequence(), KEYS.changed("peaks"), KEYS.changed("records"), KEYS.changed_tallies()]
)
async def test_marks_of_another_type_take_nothing_in_half(redis: Redis, key: str) -> None:
    settler = await fenced(redis)
    made = rows((TALLY, ["20g", 5]))
    made.peaks, made.records, made.tallies = ["hour|1|platform|all"], {"session|s"}, ["1|platform|all"]
    await settler.settle(TP0, progress(0, 1), made, {}, {})
    await redis.delete(key)
    await redis.rpush(key, "of another type")
    before = await counted(redis)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await settler.settle(TP0, progress(1, 2), made, {}, {})
    assert await counted(redis) == before


async def test_a_settle_that_died_half_way_stops_all_others(redis: Redis) -> None:
    settler = await fenced(redis)
    await redis.set(KEYS.settling(), "0:orders 0 10")
    with pytest.raises(StoreFault, match="0:orders 0 10"):
        await settler.settle(TP0, progress(0, 1), rows((TALLY, ["20g", 7])), {}, {})
    assert not await redis.exists(TALLY)


async def test_changed_things_carry_the_sequence_of_their_last_change(redis: Redis) -> None:
    settler = await fenced(redis)
    for stop, hours in ((1, ["hour|1|platform|all", "hour|1|anchor|a"]), (2, ["hour|1|platform|all"])):
        made = rows()
        made.peaks, made.records = hours, {"session|s"}
        await settler.settle(TP0, progress(stop - 1, stop), made, {}, {})
    peaks = await redis.zrange(KEYS.changed("peaks"), 0, -1, withscores=True)
    assert peaks == [(b"hour|1|anchor|a", 1.0), (b"hour|1|platform|all", 2.0)]
    assert await redis.zscore(KEYS.changed("records"), "session|s") == 2.0


async def test_what_changed_is_left_to_the_feed_once_a_settle_as_one_text(redis: Redis) -> None:
    settler, names = await fenced(redis), [["1|platform|all", "1|city|x"], ["1|platform|all"], []]
    for at, each in enumerate(names):
        made = rows()
        made.tallies = each
        for _ in range(2):  # the second changes nothing
            await settler.settle(TP0, progress(at, at + 1), made, {}, {})
    left = await redis.hgetall(KEYS.changed_tallies())
    assert {field.decode(): msgspec.msgpack.decode(text) for field, text in left.items()} == {
        "1 0 0:orders": names[0], "2 1 0:orders": names[1],
    }  # fmt: skip


@pytest.mark.parametrize("length", [1, 31, 32, 255, 256, 70_000])
async def test_the_text_for_the_feed_may_be_of_any_length(redis: Redis, length: int) -> None:
    settler, made = await fenced(redis), rows()
    made.tallies = ["n" * length]
    await settler.settle(TP0, progress(0, 1), made, {}, {})
    (text,) = (await redis.hgetall(KEYS.changed_tallies())).values()
    assert msgspec.msgpack.decode(text) == made.tallies


async def test_without_a_feed_nothing_is_left_to_it(redis: Redis) -> None:
    await fenced(redis)
    made = rows((TALLY, ["20g", 5]))
    made.tallies = ["1|platform|all"]
    assert await Settler(redis, KEYS, feed=False).settle(TP0, progress(0, 1), made, {}, {}) == Applied(1)
    assert not await redis.exists(KEYS.changed_tallies())


async def test_a_session_keeps_the_least_start_and_end_and_the_widest_life(redis: Redis) -> None:
    settler = await fenced(redis)
    for at, news in enumerate((["5|x", "", 50, 90], ["4|y", "8", 60, 70], ["6|a", "9", 40, 80])):
        made = ShardRows(session_keys=[KEYS.session("s")], sessions=[list(news)])
        await settler.settle(TP0, progress(at, at + 1), made, {}, {})
    stored = await redis.hgetall(KEYS.session("s"))
    assert stored == {b"started": b"4|y", b"ended": b"8", b"first_ms": b"40", b"last_ms": b"90"}


async def test_sketches_and_orders_are_written_with_the_fence(redis: Redis) -> None:
    settler = await fenced(redis)
    sketch = KEYS.sketch("buyers", "platform", 1, "all")
    made = ShardRows(member_keys=[sketch], members=[[*range(9_000)]], names=[f"buyer-{n}" for n in range(9_000)])
    await settler.settle(TP0, progress(0, 1), made, {}, {KEYS.orders("orders", 0, 7): [b"\xff\0", b"order"]})
    assert abs(await redis.pfcount(sketch) - 9_000) < 9_000 * 0.03
    assert await redis.hgetall(KEYS.orders("orders", 0, 7)) == {b"\xff\0": b"order"}
