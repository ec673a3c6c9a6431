"""Step 4, settle: deltas as the keys and rows of one shard's script call. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.keys import Keys, shard_of
from streams.tally.counters import COUNTERS, NONE_ID, PEAK_HOUR_SCOPES, PEAK_ROLLING_SCOPES, TOTALS
from streams.tally.fold import GMV, Deltas
from streams.tally.index import Ended, Fields, index_fields

_CODES = tuple(COUNTERS)
#: field names of a day's hours and an hour's minutes, by two-digit number and counter
_TWO_DIGITS = tuple(tuple(f"{number:02d}{code}" for code in _CODES) for number in range(60))
_TOTALS = tuple((code, _CODES.index(code)) for code in TOTALS)

Row = list[str | int]


@dataclass(slots=True)
class ShardRows:
    """Rows of one shard, each list beside the keys that it goes to (`settle.lua`, ARGV 1).

    `members` are places in `names`, from 0. `tallies` names what changed for the feed (`streams/feed/names.py`).
    """

    sum_keys: list[str] = field(default_factory=list)
    sums: list[Row] = field(default_factory=list)
    member_keys: list[str] = field(default_factory=list)
    members: list[list[int]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    session_keys: list[str] = field(default_factory=list)
    sessions: list[list[str | int]] = field(default_factory=list)
    peaks: list[str] = field(default_factory=list)
    records: set[str] = field(default_factory=set)
    tallies: list[str] = field(default_factory=list)
    fields: Fields = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sums) + len(self.members) + len(self.sessions)


_NOTHING_ENDED = Ended()


def shard_rows(deltas: Deltas, keys: list[Keys], ended: Ended = _NOTHING_ENDED) -> list[ShardRows]:
    """Spread `deltas` over the shards; `keys[n]` are the keys of shard n, `ended` tells which hours had ended."""
    by_shard = [ShardRows(fields=fields) for fields in index_fields(deltas, keys, ended)]
    shards = len(keys)
    totals: list[dict[str, int]] = [{} for _ in keys]
    for (dimension, id, hour), sums in deltas.hours.items():
        shard = shard_of(dimension, id, shards)
        _hour_row(by_shard[shard], keys[shard], dimension, id, hour, sums)
        _add_totals(totals[shard], dimension, sums)
    for (dimension, id, minute), sums in deltas.minutes.items():
        shard = shard_of(dimension, id, shards)
        _minute_row(by_shard[shard], keys[shard], dimension, id, minute, sums)
    for (of, dimension, id, hour), members in deltas.sketches.items():
        shard = shard_of(dimension, id, shards)
        key = keys[shard].session_buyers(id) if dimension == "session" else keys[shard].sketch(of, dimension, hour, id)
        by_shard[shard].member_keys.append(key)
        by_shard[shard].members.append(members)
        by_shard[shard].names = deltas.names
    for session_id, news in deltas.sessions.items():
        shard = shard_of("session", session_id, shards)
        rows = by_shard[shard]
        rows.session_keys.append(keys[shard].session(session_id))
        rows.sessions.append([news.started, news.ended, news.first_ms, news.last_ms])
        rows.records.add(f"session|{session_id}")
        if news.started or news.ended:  # else its hours tell of it
            rows.tallies.append(f"session|{session_id}")
    for shard, of_shard in enumerate(totals):
        if row := [part for field in of_shard.items() for part in field]:
            by_shard[shard].sum_keys.append(keys[shard].totals())
            by_shard[shard].sums.append(row)
    return by_shard


def _add_totals(totals: dict[str, int], dimension: str, sums: list[int]) -> None:
    """What the whole dimension gains, which is the same for each of them once all shards have settled."""
    for code, at in _TOTALS:
        if sums[at]:
            field = f"{dimension}:{code}"
            totals[field] = totals.get(field, 0) + sums[at]


def _hour_row(rows: ShardRows, keys: Keys, dimension: str, id: str, hour: int, sums: list[int]) -> None:
    if dimension == "session":
        row = _row([f"{hour}{code}" for code in _CODES], sums)
        key = keys.session_hours(id)
    else:
        row = _row(_TWO_DIGITS[hour % 24], sums)
        key = keys.hours(dimension, hour // 24, id)
    if not row:
        return
    rows.sum_keys.append(key)
    rows.sums.append(row)
    rows.tallies.append(f"{hour}|{dimension}|{id}")
    if id == NONE_ID:
        return  # it is in the sums, but in no ranking
    if sums[GMV] and dimension in PEAK_HOUR_SCOPES:
        rows.peaks.append(f"hour|{hour}|{dimension}|{id}")
    if dimension == "session":
        rows.records.add(f"session|{id}")


def _minute_row(rows: ShardRows, keys: Keys, dimension: str, id: str, minute: int, sums: list[int]) -> None:
    row = _row(_TWO_DIGITS[minute % 60], sums)
    if not row:
        return
    rows.sum_keys.append(keys.minutes(dimension, minute // 60, id))
    rows.sums.append(row)
    if sums[GMV] and dimension in PEAK_ROLLING_SCOPES and id != NONE_ID:
        rows.peaks.append(f"minute|{minute}|{dimension}|{id}")


def _row(fields: tuple[str, ...] | list[str], sums: list[int]) -> Row:
    row: Row = []
    for name, value in zip(fields, sums, strict=True):
        if value:
            row.append(name)
            row.append(value)
    return row
