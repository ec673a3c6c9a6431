"""Lua scripts: loaded from the `.lua` files beside the code that calls them.

EVALSHA keeps the code with the worker: a rolling upgrade never finds half a library in Redis. redis-py loads a script
again when a restart or a failover has lost it.
"""

from importlib.resources import files

from redis.asyncio import Redis
from redis.commands.core import AsyncScript


def lua_script(redis: Redis, package: str, name: str) -> AsyncScript:
    """The script `name`.lua that lies in `package`, callable as `await script(keys=[...], args=[...])`."""
    return redis.register_script((files(package) / f"{name}.lua").read_text("utf-8"))
