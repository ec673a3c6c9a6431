"""Step 6, peaks and records: reads the changed sessions of a shard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from streams.keys import Keys, shard_of
from streams.marks.acts import RECORDS, Act
from streams.marks.cut import Cutter, Reads
from streams.marks.fences import Fences
from streams.marks.records import (
    Scope,
    Session,
    Sums,
    milestone_acts,
    parse_record_mark,
    scopes_to_place,
    session_acts,
    total,
)
from streams.marks.steps import Steps
from streams.marks.store import Begun, MarkStore, Wanted
from streams.tally.windows import Zone

#: sessions that one cut reads
_SESSIONS = 200

_SESSION_FIELDS = ("started", "ended", "first_ms", "last_ms")


class RecordReader:
    """Marks of sessions to raises in the rankings of their scopes, which may lie in any shard.

    `milestones_fen()` are the sums that are told of each session, as the rules have them now.
    """

    name = RECORDS
    #: each is raised in ten rankings
    most_marks = 2_000

    def __init__(
        self,
        cutter: Cutter,
        store: MarkStore,
        shards: Sequence[Keys],
        zone: Zone,
        orders_topic: str,
        tail_ms: int,
        milestones_fen: Callable[[], tuple[int, ...]] = tuple,
    ) -> None:
        self._cutter = cutter
        self._shards = shards
        self._store = store
        self._zone = zone
        self._tail_ms = tail_ms
        self._milestones_fen = milestones_fen
        self._fences = Fences(cutter, store, orders_topic)

    async def wanted(self, keys: Keys) -> Wanted:
        """Nothing: sessions are read in cuts."""
        return Wanted()

    async def acts(self, keys: Keys, begun: Begun) -> list[Act]:
        """What the changed sessions do to rankings; that they may be there is noted before this returns."""
        ids = [parse_record_mark(member.decode()) for member, _ in begun.marks.members]
        acts: list[Act] = []
        for first in range(0, len(ids), _SESSIONS):
            acts += await self._sessions(keys, ids[first : first + _SESSIONS], begun.steps)
        return acts

    async def _sessions(self, keys: Keys, ids: Sequence[str], steps: Steps) -> list[Act]:
        reads = Reads()
        partitions = await self._fences.add(keys, reads)
        for id in ids:
            reads.whole(keys.session_hours(id))
            reads.fields(keys.session(id), _SESSION_FIELDS)
            reads.members(keys.placed(id))
        version, replies = await self._cutter.cut(keys, reads, self.name, steps)
        values = replies[len(partitions) :]
        elsewhere = await self._placed_elsewhere(keys, ids)
        found = [_read(id, elsewhere[n], *values[3 * n : 3 * n + 3]) for n, id in enumerate(ids)]
        totals = [total(self._zone, session, self._tail_ms) for session, _ in found]
        evidence = await self._fences.evidence(
            keys, partitions, replies, {hour for each in totals for hour in each.hours}
        )
        acts: list[Act] = []
        new: list[tuple[str, Scope]] = []
        for (session, placed), sums in zip(found, totals, strict=True):
            scopes = scopes_to_place(session, sums, placed)
            new += [(session.id, scope) for scope in scopes if scope not in placed]
            acts += session_acts(session, sums, scopes, placed, evidence.of(sums.hours), version)
            acts += milestone_acts(session, sums, self._milestones_fen(), evidence.of(sums.hours), version)
        await self._place(keys, new, steps)
        return acts

    async def _placed_elsewhere(self, keys: Keys, ids: Sequence[str]) -> list[set[bytes]]:
        """The scopes in other shards. They lie beside their rankings, and go back with them."""
        found: list[set[bytes]] = [set() for _ in ids]
        for other in self._shards:
            if other != keys:
                for scopes, more in zip(found, await self._store.placed(other, ids), strict=True):
                    scopes |= more
        return found

    async def _place(self, keys: Keys, new: Sequence[tuple[str, Scope]], steps: Steps) -> None:
        by_shard: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
        for session_id, scope in new:
            by_shard[shard_of(*scope, len(self._shards))].append((session_id, "|".join(scope)))
        for shard, scopes in by_shard.items():
            await self._store.place(self._shards[shard], self.name, scopes, steps)
        if any(self._shards[shard] != keys for shard in by_shard):
            # a pass that began before these could be read, and knows newer scopes, is the one that may go on
            await self._store.place(keys, self.name, [], steps)


def _read(
    id: str, elsewhere: set[bytes], hours: list[bytes], fields: list[bytes | None], placed: list[bytes]
) -> tuple[Session, set[Scope]]:
    started, ended, first_ms, last_ms = (field.decode() if field else "" for field in fields)
    session = Session(id, started, ended, int(first_ms or 0), int(last_ms or 0), _hours(hours))
    return session, {_scope(member) for member in (*placed, *elsewhere)}


def _hours(flat: Sequence[Any]) -> dict[int, Sums]:
    codes: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for name, value in zip(flat[::2], flat[1::2], strict=True):
        field = name.decode()
        if field[-1] in "gr":
            codes[int(field[:-1])][field[-1]] = int(value)
    return {hour: Sums(of.get("g", 0), of.get("r", 0)) for hour, of in codes.items()}


def _scope(member: bytes) -> Scope:
    dimension, _, id = member.decode().partition("|")
    return dimension, id
