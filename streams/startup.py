"""Before the first chunk: are the topics there, is the data laid out as we would, does Redis run our scripts?

A right that is missing (Redis checks them inside scripts too) must show here, not half-way through a chunk.
"""

from __future__ import annotations

from typing import cast

from faust.types import TP
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from streams.errors import StoreFault, StoreRefused, TopicsWrong
from streams.keys import shard_keys
from streams.scripts import lua_script
from streams.settings import Settings
from streams.tally.fence import partition_member
from streams.tally.rows import ShardRows
from streams.tally.settle import Applied, Elsewhere, Progress, Settler
from streams.topic_admin import check_topics

_TP = TP("selftest", 0)
_STEP = Progress(0, 1, 1, 0, 0, 1, 1, 1, 1, 0)


async def check_scripts(redis: Redis, group: str) -> None:
    """Settle one made-up record twice and check the answers. Raises `StoreFault` if they are not right."""
    keys = shard_keys(f"{group}.selftest", 0)
    session = keys.session("s")
    sums, members = keys.hours("platform", 0, "all"), keys.sketch("buyers", "platform", 0, "all")
    rows = ShardRows([sums], [["00g", 1]], [members], [["b"]], [session], [["s", "", 1, 1]], ["hour|0|platform|all"])
    used = [
        keys.fence(*_TP), keys.partitions(), keys.sequence(), keys.settling(), keys.first_offsets(*_TP),
        keys.changed("peaks"), keys.changed("records"), sums, members, session,
    ]  # fmt: skip
    try:
        await redis.delete(*used)
        await lua_script(redis, "streams.tally", "fences")(keys=used[:2], args=[partition_member(_TP), 0])
        settler = Settler(redis, keys)
        answers = [await settler.settle(_TP, _STEP, rows, {0: 0}, {}) for _ in range(2)]
        await redis.delete(*used)
    except ResponseError as error:
        raise StoreFault(
            f"Redis does not run our scripts ({error}): the user needs the commands that streams/tally/*.lua call"
        ) from error
    if answers != [Applied(1), Elsewhere(1)]:
        raise StoreFault(f"Redis does not run our scripts as it should: {answers}")


async def check_layout(redis: Redis, settings: Settings) -> None:
    """Keep, or compare, the settings that decide where data lie. Raises `StoreRefused` if they were others before."""
    layout = f"HIGHTIDE_SHARDS={settings.shards} HIGHTIDE_TIMEZONE={settings.zone.name}"
    key = shard_keys(settings.group, 0).layout()
    await redis.setnx(key, layout)
    stored = cast(bytes, await redis.get(key)).decode()
    if stored != layout:
        raise StoreRefused(
            f"the tallies of group {settings.group} were begun with {stored}, not {layout}: set it back, "
            "or count anew under another HIGHTIDE_GROUP"
        )


async def require_topics(settings: Settings) -> None:
    """Raises `TopicsWrong` if a topic is missing; how they are configured is for `hightide topics check` to say."""
    missing = [each.topic for each in (await check_topics(settings)).differences if each.found is None]
    if missing:
        raise TopicsWrong(f"Kafka at {settings.kafka} has no topic {', '.join(missing)}: run `hightide topics create`")
