"""Before the first chunk: are the topics there, is the data laid out as we would, does Redis run our scripts?

A right that is missing (Redis checks them inside scripts too) must show here, not half-way through a chunk.
"""

from __future__ import annotations

from typing import cast
from uuid import uuid4

from faust.types import TP
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from streams.errors import StoreFault, StoreRefused, TopicsWrong
from streams.keys import MARKER, SCHEMA, Keys, shard_keys
from streams.scripts import lua_script
from streams.settings import Settings
from streams.tally.fence import partition_member
from streams.tally.rows import ShardRows
from streams.tally.settle import Applied, Elsewhere, Progress, Settler
from streams.topic_admin import check_topics

_TP = TP("selftest", 0)
_STEP = Progress(0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0)


async def check_scripts(redis: Redis, group: str) -> None:
    """Settle one made-up record twice and check the answers. Raises `StoreFault` if they are not right.

    Under keys of its own, which are this group's (a user may have rights on no others) and no other worker's.
    """
    keys = Keys(f"{shard_keys(group, 0).prefix}selftest:{uuid4().hex}:")
    try:
        try:
            answers = await _settle_twice(redis, keys)
        finally:
            await redis.delete(*_made(keys))
    except ResponseError as error:
        raise StoreFault(
            f"Redis does not run our scripts ({error}): the user needs the commands that streams/tally/*.lua call"
        ) from error
    if answers != [Applied(1), Elsewhere(1)]:
        raise StoreFault(f"Redis does not run our scripts as it should: {answers}")


async def _settle_twice(redis: Redis, keys: Keys) -> list[Applied | Elsewhere]:
    sums, members, session = _made(keys)[-3:]
    rows = ShardRows(
        [sums],
        [["00g", 1]],
        [members],
        [[0]],
        ["b"],
        [session],
        [["s", "", 1, 1]],
        ["hour|0|platform|all"],
        tallies=["0|platform|all"],
    )
    fence = [keys.fence(*_TP), keys.partitions()]
    await lua_script(redis, "streams.tally", "fences")(keys=fence, args=[partition_member(_TP), 0])
    settler = Settler(redis, keys)
    return [await settler.settle(_TP, _STEP, rows, {0: 0}, {}) for _ in range(2)]


def _made(keys: Keys) -> list[str]:
    """Every key that the test may make."""
    return [
        keys.fence(*_TP), keys.partitions(), keys.sequence(), keys.settling(), keys.first_offsets(*_TP),
        keys.changed("peaks"), keys.changed("records"), keys.changed_tallies(),
        keys.hours("platform", 0, "all"), keys.sketch("buyers", "platform", 0, "all"), keys.session("s"),
    ]  # fmt: skip


async def check_layout(redis: Redis, settings: Settings) -> None:
    """Keep, or compare, the settings that decide where data lie. Raises `StoreRefused` if they were others before."""
    layout = f"HIGHTIDE_SHARDS={settings.shards} HIGHTIDE_TIMEZONE={settings.zone.name}"
    key = shard_keys(settings.group, 0).layout()
    stored = await _kept(redis, key, layout)
    if stored != layout:
        raise StoreRefused(
            f"the tallies of group {settings.group} were begun with {stored}, not {layout}: set it back, "
            "or count anew under another HIGHTIDE_GROUP"
        )


async def claim_again(redis: Redis, settings: Settings) -> None:
    """Put back what marks the database as ours, if it was emptied under a running worker.

    Without that the next start would take the tallies, which the worker rebuilds from Kafka, for another program's.
    Raises `StoreRefused` if a Hightide of another schema, or of other settings, has claimed the database meanwhile.
    """
    stored = await _kept(redis, MARKER, SCHEMA)
    if stored != SCHEMA:
        raise StoreRefused(
            f"Redis holds Hightide data of schema version {stored!r} now, this program writes version {SCHEMA!r}"
        )
    await check_layout(redis, settings)


async def _kept(redis: Redis, key: str, text: str) -> str:
    """What stands at `key`, which is `text` if nothing did; also where Redis loses it between the two questions."""
    while True:
        await redis.setnx(key, text)
        stored = cast("bytes | None", await redis.get(key))
        if stored is not None:
            return stored.decode()


async def require_topics(settings: Settings) -> None:
    """Raises `TopicsWrong` if a topic is missing; how they are configured is for `hightide topics check` to say."""
    missing = [each.topic for each in (await check_topics(settings)).differences if each.found is None]
    if missing:
        raise TopicsWrong(f"Kafka at {settings.kafka} has no topic {', '.join(missing)}: run `hightide topics create`")
