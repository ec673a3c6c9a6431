"""The real Lua scripts, run by a real Lua 5.1 over a simulated store, with Redis's conversions of types."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from lupa import lua51
from redis.exceptions import ResponseError

from tests.simulation.store import SimStore

Hook = Callable[[], str | None]


class CutShort(Exception):
    """The server died in the middle of a script, and what it had written by then stays."""


class Scripts:
    """Runs scripts over `store`. `hook()` is asked before each command of a script: an error text fails the command."""

    def __init__(self) -> None:
        self.store: SimStore
        self.hook: Hook = lambda: None
        self._lua = lua51.LuaRuntime(encoding=None, unpack_returned_tuples=True)
        self._lua.execute((Path(__file__).parent / "cmsgpack.lua").read_bytes())
        self._table = self._lua.table_from
        self._commands: dict[bytes, Callable[..., Any]] = {}
        self._lua.eval(_REDIS)(self._call, self._pcall)
        self._compiled = lru_cache(None)(self._compile)

    def over(self, store: SimStore, hook: Hook) -> None:
        """Work on this store from now on."""
        self.store, self.hook, self._commands = store, hook, {}

    def run(self, text: str, keys: list[bytes], args: list[bytes]) -> Any:
        """The reply of a script, as redis-py gives it. Raises `ResponseError` as the server would, or `CutShort`."""
        try:
            reply = self._compiled(text)(self._table(keys), self._table(args))
        except lua51.LuaError as error:
            raise ResponseError(f"ERR {error} script: simulated") from error
        return _reply(reply)

    # -- what the scripts call -----------------------------------------------------------------
    def _call(self, name: bytes, *args: Any) -> Any:
        if error := self.hook():
            raise ResponseError(error)
        command = self._commands.get(name)
        if command is None:
            lower = name.decode().lower()
            command = self._commands[name] = getattr(self.store, {"del": "delete"}.get(lower, lower))
        reply = command(*args)
        kind = type(reply)
        if kind is int or kind is bytes:
            if name == b"TYPE" or (reply == b"OK" and name == b"SET"):
                return self._lua.table_from({b"ok": reply})
            return reply
        if reply is None:
            return False
        return self._table([False if each is None else each for each in reply])

    def _pcall(self, name: bytes, *args: Any) -> Any:
        try:
            return self._call(name, *args)
        except ResponseError as error:
            return self._table({b"err": str(error).encode()})

    def _compile(self, text: str) -> Any:
        return self._lua.eval(b"function(KEYS, ARGV)\n" + text.encode() + b"\nend")


_REDIS = b"""
function(call, pcall)
  redis = {call = call, pcall = pcall}
end
"""


def _reply(value: Any) -> Any:
    kind = type(value)
    if kind is bytes or kind is int:
        return value
    if value is None or value is False:
        return None
    if value is True:
        return 1
    if kind is float:
        return int(value)
    if value[b"err"] is not None:
        raise ResponseError(value[b"err"].decode())
    if value[b"ok"] is not None:
        return value[b"ok"]
    return [_reply(value[at]) for at in range(1, len(value) + 1)]
