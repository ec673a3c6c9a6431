"""Step 4, settle: which ids have an hour in a day, and which hours orders came to after they had ended. Pure.

Both are written with every run that knows them, like the ids of orders: a worker can not know that they stand there
still. One command a day and dimension takes them all, so an id costs a twentieth of its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.keys import Keys, shard_of
from streams.tally.counters import COUNTERS, NONE_ID
from streams.tally.fold import Deltas

#: dimensions without a list of ids: one has a single id, the other's are in the rankings of records
UNLISTED = frozenset({"platform", "session"})

#: what restates an hour by refunds is no lateness of anybody's
_RESTATED = frozenset({"r", "o"})
_OWN = tuple(at for at, code in enumerate(COUNTERS) if code not in _RESTATED)

#: one command's key -> its fields
Fields = dict[str, dict[bytes, bytes]]


class Ended(NamedTuple):
    """Hours (local indexes) below `before` had ended at the watermark `at_ms`, the last one that was heard of."""

    before: int = 0
    at_ms: int = 0


def index_fields(deltas: Deltas, keys: Sequence[Keys], ended: Ended) -> list[Fields]:
    """Fields by key for each shard: `Keys.ids` and `Keys.late`."""
    by_shard: list[Fields] = [{} for _ in keys]
    shards = len(keys)
    at_ms = b"%d" % ended.at_ms
    for (dimension, id, hour), sums in deltas.hours.items():
        listed = dimension not in UNLISTED and id != NONE_ID
        late = hour < ended.before and any(sums[at] for at in _OWN)
        if not listed and not late:
            continue
        shard = shard_of(dimension, id, shards)
        fields, day = by_shard[shard], hour // 24
        if listed and any(sums):
            fields.setdefault(keys[shard].ids(dimension, day), {})[id.encode()] = b""
        if late:
            fields.setdefault(keys[shard].late(dimension, day), {})[late_field(hour, id)] = at_ms
    return by_shard


def late_field(hour: int, id: str) -> bytes:
    """The field of `Keys.late` for a local hour of an id."""
    return b"%02d" % (hour % 24) + id.encode()
