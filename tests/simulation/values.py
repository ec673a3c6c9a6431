"""The values of the simulated store, and its states: a value is copied when it is first written after a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from redis.exceptions import ResponseError


class Hash(dict[bytes, Any]):
    """Field -> bytes, or int where HINCRBY wrote it."""


class Members(dict[bytes, None]):
    """A set."""


class Scores(dict[bytes, float]):
    """A sorted set: member -> score."""


class Sketch(dict[bytes, None]):
    """A HyperLogLog, exact."""


class Stream(dict[bytes, list[bytes]]):
    """Id -> fields and values in turn. `last` is the number of the newest id ever given."""

    last = 0

    def copy(self) -> Stream:
        made = Stream(self)
        made.last = self.last
        return made


Value = bytes | int | Hash | Members | Scores | Sketch | Stream
Snapshot = tuple[dict[bytes, Value], dict[bytes, float]]
_COPIES: dict[type, Callable[[Any], Any]] = {
    Hash: Hash, Members: Members, Scores: Scores, Sketch: Sketch, Stream: Stream.copy,
}  # fmt: skip

T = TypeVar("T")

WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


def as_bytes(value: Any) -> bytes:
    """An argument as it travels."""
    if type(value) is bytes:
        return value
    if type(value) is str:
        return value.encode()
    if type(value) is int:
        return b"%d" % value
    if type(value) is float:
        return (b"%d" % int(value)) if value.is_integer() and abs(value) < 1e17 else repr(value).encode()
    raise TypeError(f"{value!r} does not travel")


@dataclass
class Keyspace:
    """One database. `now_ms` is the clock of expiries; `watch(key, next)` hears of every fence that is written."""

    now_ms: Callable[[], float]
    data: dict[bytes, Value] = field(default_factory=dict)
    expires: dict[bytes, float] = field(default_factory=dict)
    watch: Callable[[bytes, int], None] = lambda key, next: None
    _own: set[bytes] = field(default_factory=set)

    # -- states --------------------------------------------------------------------------------
    def snapshot(self) -> Snapshot:
        """The state as it is now."""
        self._own = set()
        return dict(self.data), dict(self.expires)

    def restore(self, state: Snapshot, only: bytes = b"") -> None:
        """Go back to a state, or only what begins with `only`: a shard that lives on a server of its own."""
        then, expires = state
        self._own = set()
        self.data = _merged(self.data, then, only)
        self.expires = _merged(self.expires, expires, only)

    # -- values --------------------------------------------------------------------------------
    def read(self, key: bytes, kind: type) -> Any:
        if self.expires and self.expires.get(key, 1e18) <= self.now_ms():
            del self.expires[key], self.data[key]
        value = self.data.get(key)
        if value is not None and type(value) is not kind:
            raise ResponseError(WRONG_TYPE)
        return value

    def write(self, key: bytes, kind: type) -> Any:
        value = self.read(key, kind)
        if value is None:
            value = self.data[key] = kind()
            self._own.add(key)
        elif key not in self._own:
            value = self.data[key] = _COPIES[kind](value)
            self._own.add(key)
        return value

    def drop_if_empty(self, key: bytes) -> None:
        if not self.data[key]:
            del self.data[key]


def _merged(now: dict[bytes, T], then: dict[bytes, T], only: bytes) -> dict[bytes, T]:
    kept = {key: value for key, value in now.items() if not key.startswith(only)}
    return {**kept, **{key: value for key, value in then.items() if key.startswith(only)}}
