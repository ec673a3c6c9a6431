"""The simulated Redis against a real Valkey: what was asked in a simulated run, and commands at random."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from tests.simulation.plan import plan_of
from tests.simulation.redis import SimRedis
from tests.simulation.redis_client import command
from tests.simulation.scripts import Scripts
from tests.simulation.store import SimStore
from tests.simulation.values import Hash, Members, Scores, Sketch, Stream, as_bytes
from tests.simulation.world import play

Call = tuple[str, list[bytes], list[bytes]]


def asked_in_a_run(seed: int, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Every script that the workers of a calm run called, with keys and arguments, in order."""
    asked: list[Call] = []
    run = Scripts.run

    def noted(scripts: Scripts, text: str, keys: list[bytes], args: list[bytes]) -> Any:
        asked.append((text, keys, args))
        return run(scripts, text, keys, args)

    monkeypatch.setattr(Scripts, "run", noted)
    with ThreadPoolExecutor(1) as pool:  # this thread has a loop already
        pool.submit(play, plan_of(seed).calm()).result()
    return asked


# -- scripts ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_scripts_answer_and_leave_the_same(redis: Redis, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases end by themselves, on another clock: they are left out. So are the ids of the outbox."""
    lasting = [call for call in asked_in_a_run(seed, monkeypatch) if b":lease:" not in call[1][0]]
    again = SimStore(lambda: 0)
    scripts = Scripts()
    scripts.over(again, lambda: None)
    for text, keys, args in lasting:
        mine = scripts.run(text, keys, args)
        real = await redis.eval(text, len(keys), *keys, *args)
        assert _plain(mine, ordered="HGETALL" not in text) == _plain(real, ordered="HGETALL" not in text), text[:60]
    assert len(lasting) > 20
    assert await _real_dump(redis) == _sim_dump(again)


def _plain(reply: Any, ordered: bool) -> Any:
    """A reply without what may differ: the order of hashes and sets."""
    if isinstance(reply, list):
        parts = [_plain(each, ordered) for each in reply]
        return parts if ordered else sorted(parts, key=repr)
    return reply


# -- what is left ----------------------------------------------------------------------------------
async def _real_dump(redis: Redis) -> dict[bytes, Any]:
    found: dict[bytes, Any] = {}
    async for key in redis.scan_iter(count=1_000):
        kind = await redis.type(key)
        if kind == b"hash":
            found[key] = await redis.hgetall(key)
        elif kind == b"set":
            found[key] = set(await redis.smembers(key))
        elif kind == b"zset":
            found[key] = dict(await redis.zrange(key, 0, -1, withscores=True))
        elif kind == b"stream":
            found[key] = [_fact(fields[b"f"]) for _, fields in await redis.xrange(key)]
        else:
            value = await redis.get(key)
            found[key] = await redis.pfcount(key) if value.startswith(b"HYLL") else value
    return found


def _sim_dump(store: SimStore) -> dict[bytes, Any]:
    return {key: _sim_value(store, key, value) for key, value in store.data.items()}


def _sim_value(store: SimStore, key: bytes, value: Any) -> Any:
    if isinstance(value, Hash):
        flat = store.hgetall(key)
        return dict(zip(flat[::2], flat[1::2], strict=True))
    if isinstance(value, Members):
        return set(value)
    if isinstance(value, Scores):
        return dict(value)
    if isinstance(value, Stream):
        return [_fact(fields[1]) for fields in value.values()]
    return len(value) if isinstance(value, Sketch) else value


def _fact(packed: bytes) -> Any:
    """The order of a map's keys is Lua's."""
    return msgspec.msgpack.decode(packed)


# -- commands --------------------------------------------------------------------------------------
KEYS = ("k1", "k2", "k3")


def commands(random: Random) -> Iterator[tuple[Any, ...]]:
    """Commands over few keys, so that many meet a key of another type."""
    makers = [
        lambda key: ("GET", key),
        lambda key: ("SET", key, random.randrange(9)),
        lambda key: ("SETNX", key, "x"),
        lambda key: ("DEL", key),
        lambda key: ("EXISTS", key),
        lambda key: ("TYPE", key),
        lambda key: ("INCR", key),
        lambda key: ("HINCRBY", key, _name(random), random.choice((1, -3, 2**62))),
        lambda key: ("HSET", key, _name(random), random.choice(("7", "text")), _name(random), 5),
        lambda key: ("HSETNX", key, _name(random), 1),
        lambda key: ("HDEL", key, _name(random)),
        lambda key: ("HGET", key, _name(random)),
        lambda key: ("HMGET", key, _name(random), _name(random)),
        lambda key: ("HLEN", key),
        lambda key: ("HEXISTS", key, _name(random)),
        lambda key: ("SADD", key, _name(random), _name(random)),
        lambda key: ("SREM", key, _name(random)),
        lambda key: ("SISMEMBER", key, _name(random)),
        lambda key: ("ZADD", key, random.randrange(5), _name(random), random.randrange(5), _name(random)),
        lambda key: ("ZREM", key, _name(random)),
        lambda key: ("ZSCORE", key, _name(random)),
        lambda key: ("ZCARD", key),
        lambda key: ("ZRANGE", key, random.randrange(2), random.choice((-1, 0, 1, 5)), "WITHSCORES"),
        lambda key: ("ZRANGEBYSCORE", key, random.choice(("-inf", "(1", 2)), random.choice(("+inf", "(3", 2))),
        lambda key: ("ZRANGEBYSCORE", key, "-inf", 3, "LIMIT", 0, 2),
        lambda key: ("PFADD", "sketch", _name(random)),
        lambda key: ("PFCOUNT", "sketch"),
        lambda key: ("XLEN", "stream"),
    ]
    while True:
        yield random.choice(makers)(random.choice(KEYS))


def _name(random: Random) -> str:
    return random.choice(("a", "b", "c", "d"))


@pytest.mark.parametrize("seed", range(3))
async def test_commands_answer_the_same(redis: Redis, seed: int) -> None:
    store = SimStore(lambda: 0)
    asked = commands(Random(seed))
    for _ in range(400):
        name, *args = next(asked)
        try:
            real: Any = await _raw(redis, name, *args)
        except ResponseError as error:
            real = type(error)
        try:
            mine: Any = command(store, name, *args)
        except ResponseError as error:
            mine = type(error)
        assert mine == real, (name, *args)


async def _raw(redis: Redis, name: str, *args: Any) -> Any:
    """The reply as the server gave it, without redis-py's conversions."""
    connection = await redis.connection_pool.get_connection()
    try:
        await connection.send_command(name, *args)
        return _of_older_protocol(await connection.read_response())
    finally:
        await redis.connection_pool.release(connection)


def _of_older_protocol(reply: Any) -> Any:
    """Scores are texts there, and stand behind their members."""
    if isinstance(reply, float):
        return as_bytes(reply)
    if isinstance(reply, list) and any(isinstance(each, list) for each in reply):
        return [as_bytes(part) for pair in reply for part in pair]
    return reply


def test_a_loss_of_writes_takes_back_what_came_after() -> None:
    store = SimStore(lambda: 0)
    server = SimRedis(Random(0), Scripts(), store, lambda line: None)
    store.hincrby(b"sim:{0}:h", b"f", 1)
    server.snapshots.append(store.snapshot())
    store.hincrby(b"sim:{0}:h", b"f", 1)
    store.hincrby(b"sim:{1}:h", b"f", 1)
    server.go_back(0.0, only=b"sim:{0}:")
    assert (store.hget(b"sim:{0}:h", b"f"), store.hget(b"sim:{1}:h", b"f")) == (b"1", b"1")
    server.flush()
    assert store.data == {}
