"""Step 4, settle: one atomic, fenced script a shard. What the script does is in `settle.lua`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import msgspec
from faust.types import TP
from redis.asyncio import Redis

from streams.errors import StoreFault
from streams.keys import Keys
from streams.scripts import BYTES, lua_script
from streams.tally.fence import partition_member
from streams.tally.rows import ShardRows


class Progress(NamedTuple):
    """How far a run of records moves its partition, for the accounting that stands beside the fence.

    `start` and `stop` are offsets; `holes` are offsets without a record (commit markers, what compaction removed,
    what a producer aborted); `trusted_ms` and `arrival_ms` are maxima over the run (0 = none); `last_crc` and
    `last_ms` identify the last record; `unread` is 1 while more records lie behind `stop`.
    """

    start: int
    stop: int
    counted: int
    resends: int
    rejected: int
    holes: int
    trusted_ms: int
    arrival_ms: int
    last_crc: int
    last_ms: int
    unread: int


@dataclass(frozen=True, slots=True)
class Applied:
    """The run is settled; `sequence` is the shard's change version."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Nothing was changed: the fence stands at `next`; None: there is no fence."""

    next: int | None


class Settler:
    """Settles one shard. Raises `redis.RedisError` if the store can not be reached, `StoreFault` if it is broken.

    `feed`: whether there is a reader for what changed (`streams/feed`).
    """

    def __init__(self, redis: Redis, keys: Keys, feed: bool = True) -> None:
        self._keys = keys
        self._changed_of = _changed if feed else _nothing
        self._settle = lua_script(redis, "streams.tally", "settle", behind=[BYTES])

    async def settle(
        self,
        tp: TP,
        progress: Progress,
        rows: ShardRows,
        first_offsets: Mapping[int, int],
        orders: Mapping[str, Sequence[bytes]],
    ) -> Applied | Elsewhere:
        """Apply the rows of records `[progress.start, progress.stop)` if the fence stands at `start`.

        `first_offsets` maps local hours to offsets; `orders` maps keys to flat lists of fields and values, as
        `streams/intake/order_store.py` has them.
        """
        keys = self._keys
        written = {key: _binary_row(row) for key, row in orders.items()}
        written |= {key: _binary_row([*chain.from_iterable(row.items())]) for key, row in rows.fields.items()}
        job = [
            partition_member(tp),
            *progress,
            [part for pair in first_offsets.items() for part in pair],
            rows.peaks,
            list(rows.records),
            rows.sums,
            rows.members,
            rows.sessions,
            list(written.values()),
            rows.names,
            self._changed_of(rows),
        ]
        reply = await self._settle(
            keys=[
                keys.fence(tp.topic, tp.partition),
                keys.partitions(),
                keys.sequence(),
                keys.settling(),
                keys.first_offsets(tp.topic, tp.partition),
                keys.changed("peaks"),
                keys.changed("records"),
                keys.changed_tallies(),
                *rows.sum_keys,
                *rows.member_keys,
                *rows.session_keys,
                *written,
            ],
            args=[msgspec.msgpack.encode(job)],
        )
        return _read_reply(tp, reply)


def _changed(rows: ShardRows) -> msgspec.Raw:
    """What the feed is told: one text, which Redis need not look into (`streams/feed/names.py` reads it)."""
    return msgspec.Raw(b"".join(_binary(msgspec.msgpack.encode(rows.tallies)))) if rows.tallies else _NO_TEXT


def _nothing(rows: ShardRows) -> msgspec.Raw:
    return _NO_TEXT


def _binary_row(row: Sequence[bytes]) -> msgspec.Raw:
    parts = [b"\xdd", len(row).to_bytes(4, "big")]
    for part in row:
        parts += _binary(part)
    return msgspec.Raw(b"".join(parts))


def _binary(part: bytes) -> tuple[bytes, bytes]:
    """Bytes as msgpack of the older kind, without a type for bytes: Redis's scripts read no other."""
    size = len(part)
    return _SHORT[size] if size < 32 else b"\xdb" + size.to_bytes(4, "big"), part


#: what stands before up to 31 bytes
_SHORT = tuple(bytes((0xA0 | size,)) for size in range(32))
_NO_TEXT = msgspec.Raw(_SHORT[0])


def _read_reply(tp: TP, reply: list[int | bytes]) -> Applied | Elsewhere:
    status, detail = int(reply[0]), reply[1]
    if status == 1:
        return Applied(int(detail))
    if status == 0:
        return Elsewhere(int(detail))
    if status == -1:
        return Elsewhere(None)
    said = detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
    if status == -2:
        raise StoreFault(
            f"a settle of {said} died half-way in Redis, so its sums can not be trusted: "
            "flush this application's keys and start again, the tallies are rebuilt from Kafka"
        )
    raise StoreFault(
        f"settling {tp.topic}/{tp.partition} was refused by Redis and taken back whole ({said}): "
        "repair the key or the user's rights and start again"
    )
