"""What stands at the top of rankings, and how much history they have: read from the hash of each ranking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.alerts import GROSS, Holder, HolderKind, Rule, Scope
from schemas.answers import Best, Standing
from streams.board.book import Book

#: places in an entry (`streams/marks/book.lua`)
_HOLDER, _VALUE, _START, _END = 1, 2, 3, 4
KINDS: dict[Rule, HolderKind] = {Rule.PEAK_HOUR: "hour", Rule.RECORD_SESSION: "session"}


async def standings(book: Book, rule: Rule, scopes: Sequence[tuple[str, str]], metric: str = GROSS) -> list[Standing]:
    """The standing of each scope (dimension, id), in their order."""
    commands = [
        ("HMGET", book.of(dimension, id).ranking(rule, metric, dimension, id), "stairs", "past")
        for dimension, id in scopes
    ]
    replies = await book.each(commands)
    return [
        Standing(scope=Scope(*scope), best=_top(stairs, KINDS[rule]), history=int(past or 0), needed=book.min_history)
        for scope, (stairs, past) in zip(scopes, replies, strict=True)
    ]


def _top(packed: bytes | None, kind: HolderKind) -> Best | None:
    entries = msgspec.msgpack.decode(packed) if packed else []
    return best(entries[-1], kind) if entries else None  # an empty Lua table is packed as a map


def best(entry: Any, kind: HolderKind) -> Best:
    """An entry of a ranking as it is answered."""
    return Best(holder(entry, kind), int(entry[_VALUE]))


def holder(entry: Any, kind: HolderKind) -> Holder:
    """Who an entry of a ranking is of."""
    end_ms = int(entry[_END]) if entry[_END] else None
    return Holder(kind, entry[_HOLDER], int(entry[_START]), end_ms)
