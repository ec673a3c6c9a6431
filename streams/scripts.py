"""Lua scripts: loaded from the `.lua` files beside the code that calls them.

EVALSHA keeps the code with the worker: a rolling upgrade never finds half a library in Redis. redis-py loads a script
again when a restart or a failover has lost it.
"""

from collections.abc import Sequence
from importlib.resources import files

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

#: (package, name) of the file `name`.lua in that package
Place = tuple[str, str]

#: functions that several scripts need, to be put in front of them
BYTES: Place = ("streams", "bytes")
STEP: Place = ("streams.marks", "step")
#: what a script that looks at or moves holders in a ranking stands behind
BOOK: tuple[Place, ...] = (BYTES, ("streams.marks", "book"))


def lua_script(redis: Redis, package: str, name: str, behind: Sequence[Place] = ()) -> AsyncScript:
    """The script `name`.lua that lies in `package`, callable as `await script(keys=[...], args=[...])`.

    `behind` are the files whose text stands in front of it, in their order.
    """
    texts = [(files(of) / f"{each}.lua").read_text("utf-8") for of, each in (*behind, (package, name))]
    return redis.register_script("\n".join(texts))
