"""Before the first chunk: the self-test with the real scripts, what the database is marked with, missing topics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from streams import startup
from streams.errors import StoreFault, StoreRefused, TopicsWrong
from streams.keys import MARKER, SCHEMA, shard_keys
from streams.lab.servers import Store
from streams.settings import Settings
from streams.startup import check_layout, check_scripts, claim_again, require_topics
from streams.tally.settle import Applied, Elsewhere, Settler
from streams.tally.windows import Zone
from streams.topic_admin import Check, Difference
from streams.topics import Topics

SETTINGS = Settings()


@pytest.fixture
async def limited(store: Store, redis: Redis) -> AsyncIterator[Redis]:
    """A client whose user may do everything in keys of the group `hightide`; tests take commands away."""
    await redis.acl_setuser("limited", enabled=True, nopass=True, keys=["hightide:*"], commands=["+@all"])
    client = Redis.from_url(f"redis://limited@{store.address}/0")
    yield client
    await client.aclose()
    await redis.acl_deluser("limited")


# -- the self-test -----------------------------------------------------------------------------
async def test_the_self_test_passes_and_leaves_nothing(redis: Redis) -> None:
    await check_scripts(redis, "hightide")
    assert await redis.dbsize() == 0


async def test_the_self_test_touches_no_data_of_the_group(redis: Redis) -> None:
    keys = shard_keys("hightide", 0)
    await redis.set(keys.sequence(), 7)
    await redis.hset(keys.hours("platform", 0, "all"), "00g", 5)
    await check_scripts(redis, "hightide")
    assert await redis.get(keys.sequence()) == b"7"
    assert await redis.hgetall(keys.hours("platform", 0, "all")) == {b"00g": b"5"}


async def test_workers_that_start_at_once_do_not_disturb_each_other(redis: Redis) -> None:
    await asyncio.gather(*(check_scripts(redis, "hightide") for _ in range(20)))
    assert await redis.dbsize() == 0


async def test_a_user_with_rights_on_the_keys_of_the_group_alone_passes(limited: Redis) -> None:
    await check_scripts(limited, "hightide")


@pytest.mark.parametrize("command", ["eval", "evalsha", "hincrby", "pfadd", "zadd", "hset", "incr"])
async def test_a_right_that_a_script_lacks_shows_at_the_start(limited: Redis, redis: Redis, command: str) -> None:
    rights = ["+@all", f"-{command}"] if command != "eval" else ["+@all", "-eval", "-evalsha", "-script"]
    await redis.acl_setuser("limited", enabled=True, nopass=True, keys=["hightide:*"], commands=rights)
    with pytest.raises(StoreFault, match="no permissions"):
        await check_scripts(limited, "hightide")
    assert await redis.dbsize() == 0


async def test_scripts_that_answer_wrongly_are_not_worked_with(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    async def always_applied(self: Settler, *job: object) -> Applied | Elsewhere:
        return Applied(1)

    monkeypatch.setattr(startup.Settler, "settle", always_applied)
    with pytest.raises(StoreFault, match="does not run our scripts as it should"):
        await check_scripts(redis, "hightide")
    assert await redis.dbsize() == 0


# -- the layout --------------------------------------------------------------------------------
async def test_the_layout_is_kept_at_the_first_start_and_compared_at_the_next(redis: Redis) -> None:
    await check_layout(redis, SETTINGS)
    await check_layout(redis, replace(SETTINGS, lateness_s=7))
    assert await redis.dbsize() == 1


@pytest.mark.parametrize("other", [{"shards": 2}, {"zone": Zone("UTC", 0)}], ids=str)
async def test_another_layout_is_refused_and_the_old_one_stays(redis: Redis, other: dict[str, object]) -> None:
    await check_layout(redis, SETTINGS)
    before = await redis.dump(shard_keys("hightide", 0).layout())
    with pytest.raises(StoreRefused, match=r"begun with HIGHTIDE_SHARDS=1 HIGHTIDE_TIMEZONE=Asia/Shanghai, not"):
        await check_layout(redis, replace(SETTINGS, **other))
    assert await redis.dump(shard_keys("hightide", 0).layout()) == before


async def test_a_layout_that_redis_loses_while_it_is_asked_is_kept_again(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, get = [], redis.get

    async def losing(key: str) -> object:
        asked.append(key)
        if len(asked) == 1:
            await redis.delete(key)
        return await get(key)

    monkeypatch.setattr(redis, "get", losing)
    await check_layout(redis, SETTINGS)
    assert len(asked) == 2


# -- claiming again ----------------------------------------------------------------------------
async def test_a_store_that_was_emptied_is_marked_again(redis: Redis) -> None:
    await claim_again(redis, SETTINGS)
    assert await redis.get(MARKER) == SCHEMA.encode()
    with pytest.raises(StoreRefused, match="begun with HIGHTIDE_SHARDS=1"):
        await check_layout(redis, replace(SETTINGS, shards=3))


async def test_claiming_what_is_ours_changes_nothing(redis: Redis) -> None:
    await claim_again(redis, SETTINGS)
    before = {key: await redis.dump(key) for key in await redis.keys()}
    await claim_again(redis, SETTINGS)
    assert {key: await redis.dump(key) for key in await redis.keys()} == before


async def test_a_store_that_another_release_claimed_meanwhile_is_left_to_it(redis: Redis) -> None:
    await redis.set(MARKER, "0")
    with pytest.raises(StoreRefused, match="holds Hightide data of schema version '0' now"):
        await claim_again(redis, SETTINGS)
    assert await redis.keys() == [MARKER.encode()]


async def test_other_settings_that_claimed_it_meanwhile_keep_it(redis: Redis) -> None:
    await claim_again(redis, replace(SETTINGS, shards=4))
    with pytest.raises(StoreRefused, match="HIGHTIDE_SHARDS=4"):
        await claim_again(redis, SETTINGS)


# -- topics ------------------------------------------------------------------------------------
def found(monkeypatch: pytest.MonkeyPatch, *differences: Difference) -> None:
    async def check(settings: Settings) -> Check:
        return Check(differences, ())

    monkeypatch.setattr(startup, "check_topics", check)


async def test_missing_topics_are_all_named_with_the_command_that_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = [Difference(name, "topic", "exists", None) for name in (Topics().orders, Topics().alerts)]
    found(monkeypatch, *missing, Difference("rejects", "partitions", "4", "2"))
    with pytest.raises(TopicsWrong, match=r"no topic orders, alerts: run `hightide topics create`"):
        await require_topics(SETTINGS)


async def test_topics_that_differ_are_no_reason_not_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, Difference("orders", "message.timestamp.type", "LogAppendTime", "CreateTime"))
    await require_topics(SETTINGS)
