"""Clients of the simulated Redis, with the part of redis.asyncio's interface that the program uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tests.simulation.process import Process
from tests.simulation.redis import SimRedis
from tests.simulation.store import SimStore
from tests.simulation.values import as_bytes


class SimScript:
    """What `register_script` gives."""

    def __init__(self, client: SimClient, text: str) -> None:
        self._client = client
        self._text = text

    async def __call__(self, keys: Sequence[Any] = (), args: Sequence[Any] = (), client: Any = None) -> Any:
        server = self._client.server
        return await server.ask(self._client.process, lambda: server.run_script(self._text, keys, args))


class SimClient:
    """A client of one process. Replies are bytes."""

    def __init__(self, server: SimRedis, process: Process, changed: Callable[[str], str] = lambda text: text) -> None:
        self.server = server
        self.process = process
        self._changed = changed

    def register_script(self, text: str) -> SimScript:
        return SimScript(self, self._changed(text))

    def pipeline(self, transaction: bool = True) -> SimPipeline:
        return SimPipeline(self, transaction)

    async def execute_command(self, name: str, *args: Any) -> Any:
        return await self.server.ask(self.process, lambda: command(self.server.store, name, *args))

    async def get(self, key: str) -> Any:
        return await self.execute_command("GET", key)

    async def set(self, key: str, value: Any) -> Any:
        return await self.execute_command("SET", key, value)

    async def setnx(self, key: str, value: Any) -> bool:
        return bool(await self.execute_command("SETNX", key, value))

    async def delete(self, *keys: str) -> Any:
        return await self.execute_command("DEL", *keys)

    async def hget(self, key: str, name: str) -> Any:
        return await self.execute_command("HGET", key, name)

    async def hmget(self, key: str, names: Iterable[str]) -> Any:
        return await self.execute_command("HMGET", key, *names)

    async def hgetall(self, key: str) -> dict[bytes, bytes]:
        flat = await self.execute_command("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2], strict=True))

    async def mget(self, keys: Iterable[str]) -> Any:
        store = self.server.store
        return await self.server.ask(self.process, lambda: [store.get(as_bytes(key)) for key in keys])

    async def hset(self, key: str, mapping: Mapping[Any, Any]) -> Any:
        return await self.execute_command("HSET", key, *(part for pair in mapping.items() for part in pair))

    async def sismember(self, key: str, member: str) -> Any:
        return await self.execute_command("SISMEMBER", key, member)

    async def smembers(self, key: str) -> set[bytes]:
        return set(await self.execute_command("SMEMBERS", key))

    async def hdel(self, key: str, *names: str) -> Any:
        return await self.execute_command("HDEL", key, *names)

    async def hscan(self, key: str, count: int) -> tuple[int, dict[bytes, bytes]]:
        return 0, await self.hgetall(key)

    async def xlen(self, key: str) -> Any:
        return await self.execute_command("XLEN", key)

    async def xrange(self, key: str, min: str = "-", max: str = "+", count: int | None = None) -> Any:
        options = () if count is None else ("COUNT", count)
        found = await self.execute_command("XRANGE", key, min, max, *options)
        return [(id, dict(zip(fields[::2], fields[1::2], strict=True))) for id, fields in found]

    async def xdel(self, key: str, *ids: bytes) -> Any:
        return await self.execute_command("XDEL", key, *ids)

    async def zrangebyscore(
        self, key: str, min: Any, max: Any, start: int = 0, num: int = -1, withscores: bool = False
    ) -> Any:
        options = [*(["LIMIT", start, num] if num >= 0 else []), *(["WITHSCORES"] if withscores else [])]
        found = await self.execute_command("ZRANGEBYSCORE", key, min, max, *options)
        return _pairs(found) if withscores else found

    async def scan(self, cursor: int, match: str, count: int) -> tuple[int, list[bytes]]:
        return 0, await self.server.ask(self.process, lambda: self.server.store.scan(match))


class SimPipeline:
    """Commands that travel together. Without a transaction another client's may come in between."""

    def __init__(self, client: SimClient, transaction: bool) -> None:
        self._client = client
        self._transaction = transaction
        self._commands: list[tuple[Any, ...]] = []
        self._convert: list[Callable[[Any], Any]] = []

    async def __aenter__(self) -> SimPipeline:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._commands = []

    def execute_command(self, *command: Any, convert: Callable[[Any], Any] = lambda reply: reply) -> SimPipeline:
        self._commands.append(command)
        self._convert.append(convert)
        return self

    def get(self, key: str) -> SimPipeline:
        return self.execute_command("GET", key)

    def hget(self, key: str, name: str) -> SimPipeline:
        return self.execute_command("HGET", key, name)

    def hmget(self, key: str, names: Iterable[str]) -> SimPipeline:
        return self.execute_command("HMGET", key, *names)

    def hgetall(self, key: str) -> SimPipeline:
        return self.execute_command("HGETALL", key, convert=lambda flat: dict(zip(flat[::2], flat[1::2], strict=True)))

    def hexists(self, key: str, name: str) -> SimPipeline:
        return self.execute_command("HEXISTS", key, name)

    def smembers(self, key: str) -> SimPipeline:
        return self.execute_command("SMEMBERS", key, convert=set)

    def zcount(self, key: str, low: Any, high: Any) -> SimPipeline:
        return self.execute_command("ZCOUNT", key, low, high)

    def hlen(self, key: str) -> SimPipeline:
        return self.execute_command("HLEN", key)

    def sadd(self, key: str, *members: str) -> SimPipeline:
        return self.execute_command("SADD", key, *members)

    def zrange(self, key: str, first: int, last: int, withscores: bool = False) -> SimPipeline:
        options = ("WITHSCORES",) if withscores else ()
        return self.execute_command(
            "ZRANGE", key, first, last, *options, convert=_pairs if withscores else lambda reply: reply
        )

    async def execute(self) -> list[Any]:
        client, commands = self._client, self._commands
        if not commands:
            return []
        store = client.server.store
        if self._transaction or client.server.random.random() < 0.7:
            replies = await client.server.ask(client.process, lambda: [command(store, *each) for each in commands])
        else:
            replies = [await client.execute_command(*each) for each in commands]
        return [convert(reply) for convert, reply in zip(self._convert, replies, strict=True)]


def command(store: SimStore, name: str, *args: Any) -> Any:
    """Run one command."""
    if name == "PFCOUNT":
        return store.pfcount(*map(as_bytes, args))
    method = getattr(store, {"DEL": "delete"}.get(name, name.lower()))
    return method(as_bytes(args[0]), *args[1:])


def _pairs(flat: list[bytes]) -> list[tuple[bytes, float]]:
    return [(member, float(score)) for member, score in zip(flat[::2], flat[1::2], strict=True)]
