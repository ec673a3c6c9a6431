"""Redis as dictionaries: the commands that the program uses.

Hashes, sets, sorted sets and streams are dictionaries, a HyperLogLog is an exact set. Replies are those of RESP: bytes,
int, None, lists.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from redis.exceptions import ResponseError

from tests.simulation.values import WRONG_TYPE, Hash, Keyspace, Members, Scores, Sketch, Stream, as_bytes

_LARGEST = 2**63
_NOTHING = Hash()


class SimStore(Keyspace):
    """One database. A method is the command of its name."""

    # -- any key -------------------------------------------------------------------------------
    def exists(self, key: bytes) -> int:
        self._read_text(key)
        return int(key in self.data)

    def _read_text(self, key: bytes) -> Any:
        if self.expires.get(key, 1e18) <= self.now_ms():
            del self.expires[key], self.data[key]
        return self.data.get(key)

    def delete(self, *keys: Any) -> int:
        gone = 0
        for key in map(as_bytes, keys):
            gone += self.exists(key)
            self.data.pop(key, None)
            self.expires.pop(key, None)
        return gone

    def type(self, key: bytes) -> bytes:
        names = {Hash: b"hash", Members: b"set", Scores: b"zset", Stream: b"stream", type(None): b"none"}
        return names.get(type(self._read_text(key)), b"string")

    def dbsize(self) -> int:
        return len(self.data)

    def scan(self, pattern: str) -> list[bytes]:
        """Every key that the pattern matches (a real SCAN gives them in parts)."""
        plain = pattern.replace("\\", "")
        return [key for key in self.data if fnmatchcase(key.decode(), plain.replace("[", "[[]"))]

    def flushall(self) -> None:
        self.data, self.expires, self._own = {}, {}, set()

    def pexpire(self, key: bytes, ms: Any) -> int:
        if not self.exists(key):
            return 0
        self.expires[key] = self.now_ms() + int(ms)
        return 1

    # -- strings -------------------------------------------------------------------------------
    def get(self, key: bytes) -> bytes | None:
        value = self._read_text(key)
        if value is None:
            return None
        if type(value) is int:
            return b"%d" % value
        if type(value) is not bytes:
            raise ResponseError(WRONG_TYPE)
        return value

    def set(self, key: bytes, value: Any, *options: Any) -> bytes | None:
        words = [as_bytes(option).upper() for option in options]
        if b"NX" in words and self.exists(key):
            return None
        self.data[key] = as_bytes(value)
        self.expires.pop(key, None)
        if b"PX" in words:
            self.expires[key] = self.now_ms() + int(words[words.index(b"PX") + 1])
        return b"OK"

    def setnx(self, key: bytes, value: Any) -> int:
        if self.exists(key):
            return 0
        self.data[key] = as_bytes(value)
        return 1

    def incr(self, key: bytes) -> int:
        value = _integer(self.get(key) or 0) + 1
        self.data[key] = b"%d" % value
        return value

    # -- hashes --------------------------------------------------------------------------------
    def hincrby(self, key: bytes, name: Any, by: Any) -> int:
        fields = self.write(key, Hash)
        name = name if type(name) is bytes else as_bytes(name)
        value = fields.get(name, 0)
        if type(value) is not int:
            value = _integer(value)
        value += by if type(by) is int else _integer(by)
        if not -_LARGEST <= value < _LARGEST:
            raise ResponseError("ERR increment or decrement would overflow")
        fields[name] = value
        return value

    def hset(self, key: bytes, *pairs: Any) -> int:
        fields = self.write(key, Hash)
        before = len(fields)
        for name, value in zip(pairs[::2], pairs[1::2], strict=True):
            if name == b"next" and b":fence:" in key:
                self.watch(key, int(value))
            fields[as_bytes(name)] = as_bytes(value)
        return len(fields) - before

    def hsetnx(self, key: bytes, name: Any, value: Any) -> int:
        if as_bytes(name) in (self.read(key, Hash) or ()):
            return 0
        self.write(key, Hash)[as_bytes(name)] = as_bytes(value)
        return 1

    def hdel(self, key: bytes, *names: Any) -> int:
        if self.read(key, Hash) is None:
            return 0
        fields = self.write(key, Hash)
        gone = sum(fields.pop(as_bytes(name), None) is not None for name in names)
        self.drop_if_empty(key)
        return gone

    def hget(self, key: bytes, name: Any) -> bytes | None:
        value = (self.read(key, Hash) or _NOTHING).get(name if type(name) is bytes else as_bytes(name))
        return b"%d" % value if type(value) is int else value

    def hmget(self, key: bytes, *names: Any) -> list[bytes | None]:
        fields = self.read(key, Hash)
        if not fields:
            return [None] * len(names)
        found = []
        for name in names:
            value = fields.get(name if type(name) is bytes else as_bytes(name))
            found.append(b"%d" % value if type(value) is int else value)
        return found

    def hgetall(self, key: bytes) -> list[bytes]:
        return [as_bytes(part) for pair in (self.read(key, Hash) or {}).items() for part in pair]

    def hlen(self, key: bytes) -> int:
        return len(self.read(key, Hash) or ())

    def hexists(self, key: bytes, name: Any) -> int:
        return int(as_bytes(name) in (self.read(key, Hash) or ()))

    # -- sets ----------------------------------------------------------------------------------
    def sadd(self, key: bytes, *members: Any) -> int:
        found = self.write(key, Members)
        before = len(found)
        found.update(dict.fromkeys(map(as_bytes, members)))
        return len(found) - before

    def srem(self, key: bytes, *members: Any) -> int:
        if self.read(key, Members) is None:
            return 0
        found = self.write(key, Members)
        gone = 0
        for member in map(as_bytes, members):
            if member in found:
                del found[member]
                gone += 1
        self.drop_if_empty(key)
        return gone

    def smembers(self, key: bytes) -> list[bytes]:
        return list(self.read(key, Members) or ())

    def sismember(self, key: bytes, member: Any) -> int:
        return int(as_bytes(member) in (self.read(key, Members) or ()))

    # -- sorted sets ---------------------------------------------------------------------------
    def zadd(self, key: bytes, *pairs: Any) -> int:
        scores = self.write(key, Scores)
        before = len(scores)
        if as_bytes(pairs[0]).upper() == b"NX":
            for score, member in zip(pairs[1::2], pairs[2::2], strict=True):
                scores.setdefault(as_bytes(member), float(score))
            return len(scores) - before
        for score, member in zip(pairs[::2], pairs[1::2], strict=True):
            scores[as_bytes(member)] = float(score)
        return len(scores) - before

    def zrem(self, key: bytes, *members: Any) -> int:
        if self.read(key, Scores) is None:
            return 0
        scores = self.write(key, Scores)
        gone = sum(scores.pop(as_bytes(member), None) is not None for member in members)
        self.drop_if_empty(key)
        return gone

    def zscore(self, key: bytes, member: Any) -> bytes | None:
        score = (self.read(key, Scores) or {}).get(as_bytes(member))
        return None if score is None else as_bytes(score)

    def zcard(self, key: bytes) -> int:
        return len(self.read(key, Scores) or ())

    def zrange(self, key: bytes, first: Any, last: Any, *options: Any) -> list[bytes]:
        ordered = self._ordered(key)
        last = int(last)
        end = len(ordered) if last == -1 else last + 1
        return _scored(ordered[int(first) : end], options)

    def zrangebyscore(self, key: bytes, low: Any, high: Any, *options: Any) -> list[bytes]:
        above, below = _bound(low, lambda a, b: a > b), _bound(high, lambda a, b: a < b)
        found = [pair for pair in self._ordered(key) if above(pair[0]) and below(pair[0])]
        words = [as_bytes(option).upper() for option in options]
        if b"LIMIT" in words:
            at = words.index(b"LIMIT")
            found = found[int(words[at + 1]) :][: int(words[at + 2])]
        return _scored(found, options)

    def zremrangebyscore(self, key: bytes, low: Any, high: Any) -> int:
        return self.zrem(key, *self.zrangebyscore(key, low, high))

    def zcount(self, key: bytes, low: Any, high: Any) -> int:
        return len(self.zrangebyscore(key, low, high))

    def hkeys(self, key: bytes) -> list[bytes]:
        return list(self.read(key, Hash) or ())

    def unlink(self, *keys: Any) -> int:
        return self.delete(*keys)

    def _ordered(self, key: bytes) -> list[tuple[float, bytes]]:
        return sorted((score, member) for member, score in (self.read(key, Scores) or {}).items())

    # -- sketches ------------------------------------------------------------------------------
    def pfadd(self, key: bytes, *members: Any) -> int:
        sketch = self.write(key, Sketch)
        before = len(sketch)
        sketch.update(dict.fromkeys(map(as_bytes, members)))
        return int(len(sketch) > before)

    def pfcount(self, *keys: bytes) -> int:
        return len({member for key in keys for member in self.read(key, Sketch) or ()})

    # -- streams -------------------------------------------------------------------------------
    def xadd(self, key: bytes, id: Any, *fields: Any) -> bytes:
        stream = self.write(key, Stream)
        stream.last += 1
        made = b"%d-%d" % (int(self.now_ms()), stream.last)
        stream[made] = [as_bytes(part) for part in fields]
        return made

    def xlen(self, key: bytes) -> int:
        return len(self.read(key, Stream) or ())

    def xrange(self, key: bytes, low: Any = b"-", high: Any = b"+", *options: Any) -> list[list[Any]]:
        found = [[id, fields] for id, fields in (self.read(key, Stream) or {}).items()]
        return found[: int(options[1])] if options else found

    def xdel(self, key: bytes, *ids: Any) -> int:
        if self.read(key, Stream) is None:
            return 0
        stream = self.write(key, Stream)
        return sum(stream.pop(as_bytes(id), None) is not None for id in ids)


def _integer(value: Any) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise ResponseError("ERR value is not an integer or out of range") from error


def _bound(text: Any, beyond: Callable[[float, float], bool]) -> Callable[[float], bool]:
    word = as_bytes(text).decode()
    if word in ("-inf", "+inf", "inf"):
        return lambda score: True
    limit = float(word.removeprefix("("))
    if word.startswith("("):
        return lambda score: beyond(score, limit)
    return lambda score: score == limit or beyond(score, limit)


def _scored(pairs: list[tuple[float, bytes]], options: tuple[Any, ...]) -> list[bytes]:
    if b"WITHSCORES" in [as_bytes(option).upper() for option in options]:
        return [part for score, member in pairs for part in (member, as_bytes(score))]
    return [member for _, member in pairs]
