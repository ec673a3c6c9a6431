"""Before the first chunk: are the topics there, and does Redis run our scripts for our user?

A right that is missing (Redis checks them inside scripts too) must show here, not half-way through a chunk.
"""

from __future__ import annotations

from faust.types import TP
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from streams.errors import StoreFault, TopicsWrong
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


async def require_topics(settings: Settings) -> None:
    """Raises `TopicsWrong` if a topic is missing; how they are configured is for `hightide topics check` to say."""
    missing = [each.topic for each in (await check_topics(settings)).differences if each.found is None]
    if missing:
        raise TopicsWrong(f"Kafka at {settings.kafka} has no topic {', '.join(missing)}: run `hightide topics create`")
