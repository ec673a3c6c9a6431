"""A duty that one worker does at a time."""

from redis.asyncio import Redis

from streams.marks.lease import Held, Lease


async def test_one_holds_it_and_keeps_it(redis: Redis) -> None:
    one, other = Lease(redis, "lease", "w1"), Lease(redis, "lease", "w2")
    assert [await one.hold(), await one.hold(), await other.hold()] == [Held.TAKEN, Held.KEPT, Held.NOT]
    assert (await redis.get("lease")).startswith(b"w1/")
    assert 0 < await redis.pttl("lease") <= 5_000


async def test_renewing_makes_it_last(redis: Redis) -> None:
    lease = Lease(redis, "lease", "w1")
    await lease.hold()
    await redis.pexpire("lease", 900)
    await lease.hold()
    assert await redis.pttl("lease") > 900


async def test_given_back_it_is_free(redis: Redis) -> None:
    one, other = Lease(redis, "lease", "w1"), Lease(redis, "lease", "w2")
    await one.hold()
    await one.release()
    assert await other.hold() is Held.TAKEN
    await one.release()
    assert await other.hold() is Held.KEPT


async def test_who_lost_it_in_between_did_not_keep_it(redis: Redis) -> None:
    one, other = Lease(redis, "lease", "w1"), Lease(redis, "lease", "w2")
    await one.hold()
    await redis.delete("lease")
    await other.hold()
    await redis.delete("lease")
    assert await one.hold() is Held.TAKEN


async def test_who_lost_it_gives_back_nothing(redis: Redis) -> None:
    one, other = Lease(redis, "lease", "w1"), Lease(redis, "lease", "w2")
    await one.hold()
    await redis.delete("lease")
    await other.hold()
    await one.release()
    assert await other.hold() is Held.KEPT


async def test_the_same_worker_started_again_takes_it_anew(redis: Redis) -> None:
    await Lease(redis, "lease", "w1-a").hold()
    assert await Lease(redis, "lease", "w1-b").hold() is Held.NOT


async def test_it_knows_how_long_it_is_ours_at_least(redis: Redis) -> None:
    now_s = 100.0
    one, other = (Lease(redis, "lease", worker, clock=lambda: now_s) for worker in ("w1", "w2"))
    assert one.left_s < 0
    await one.hold()
    assert one.left_s == 5.0
    now_s = 103.0
    assert one.left_s == 2.0
    await one.hold()
    assert one.left_s == 5.0
    await other.hold()
    assert other.left_s < 0
    await one.release()
    assert one.left_s < 0
