"""Step 6, peaks and records: one pass over what changed in a shard, from marks to alerts in the outbox.

A pass takes the oldest marks, reads their values as they stand at one change version, raises them in their rankings,
closes what is due, and only then removes the marks. It may die anywhere: the next one does the same again. So it does
where Redis went back under it (`steps.py`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from redis.asyncio import Redis

from streams.failpoints import failpoint
from streams.keys import Keys, shard_of
from streams.marks.acts import PEAKS, RECORDS, Act, Close, Terms, in_order
from streams.marks.cut import Cutter
from streams.marks.horizon import Horizon
from streams.marks.lease import Held, Lease
from streams.marks.peak_reader import PeakReader
from streams.marks.raising import Changes, Raiser
from streams.marks.record_reader import RecordReader
from streams.marks.steps import Steps, WentBack
from streams.marks.store import Begun, Elsewhere, MarkStore, Wanted
from streams.marks.watermark import FullyRead, merge_shards, quiet_watermark_ms, stand_apart, watermark_ms
from streams.tally.windows import DAY_MS, Zone

#: holders that one pass closes at most, and marks that it takes
DUE_A_PASS, MARKS_A_PASS = 2_000, 10_000
#: a session's orders count for it until this long after its end (contract)
TAIL_MS = 30 * DAY_MS


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass did.

    `raised` counts acts on rankings, `alerts` the new revisions by (rule, state), `watermark_ms` is the watermark that
    holders were closed by (0: none yet), `more` tells that marks or due holders were left for the next pass.
    """

    did_work: bool = False
    raised: int = 0
    alerts: Changes = field(default_factory=Counter)
    watermark_ms: int = 0
    more: bool = False


class Reader(Protocol):
    """Reads the values of changed marks and says what they do to rankings."""

    name: str
    #: marks that one pass takes at most
    most_marks: int

    async def wanted(self, keys: Keys) -> Wanted:
        """What it wants of a shard beside the marks. Raises `redis.RedisError`."""

    async def acts(self, keys: Keys, begun: Begun) -> list[Act]:
        """The acts that follow from the marks of a pass over one shard. Raises `redis.RedisError` and `WentBack`."""


class Detector:
    """Detects peaks and records of all shards, each under a lease. Raises `redis.RedisError`: repeat the pass then.

    Passes of different kinds or shards may run at once, those of one kind and shard not.

    `keys[n]` are the keys of shard n; `zone`, `lateness_ms`, `min_history` and `tail_ms` as in the settings;
    `milestones_fen` as in `RecordReader`; `idle_ms` 0: the clock never moves the watermark. `clock_ms` is asked for
    latency and idle partitions alone.
    """

    def __init__(
        self,
        redis: Redis,
        keys: list[Keys],
        zone: Zone,
        lateness_ms: int,
        min_history: int,
        idle_ms: int,
        orders_topic: str,
        worker_id: str,
        clock_ms: Callable[[], int],
        tail_ms: int = TAIL_MS,
        marks_a_pass: int = MARKS_A_PASS,
        milestones_fen: Callable[[], tuple[int, ...]] = tuple,
    ) -> None:
        cutter = Cutter(redis)
        self._keys = keys
        self._lateness_ms, self._idle_ms, self._clock_ms = lateness_ms, idle_ms, clock_ms
        self._store = MarkStore(redis, keys)
        self._raiser = Raiser(redis, Terms(lateness_ms, min_history))
        self._peaks = PeakReader(cutter, self._store, zone, orders_topic)
        self._records = RecordReader(cutter, self._store, keys, zone, orders_topic, tail_ms, milestones_fen)
        self._worker_id = worker_id
        self._leases = {
            (reader, shard): Lease(redis, each.lease(reader), worker_id)
            for reader in (PEAKS, RECORDS)
            for shard, each in enumerate(keys)
        }
        self._marks_a_pass = marks_a_pass
        self._fully_read = FullyRead()
        self._horizons: defaultdict[tuple[str, int], Horizon] = defaultdict(Horizon)

    # -- what agents call ----------------------------------------------------------------------
    async def peaks_pass(self, shard: int) -> PassResult:
        """One pass over changed hours and minutes of a shard; their rankings lie in the same shard."""
        return await self._pass(self._peaks, shard, [shard])

    async def records_pass(self, shard: int) -> PassResult:
        """One pass over changed sessions of a shard; their rankings may lie in any shard, and are fed by all."""
        return await self._pass(self._records, shard, range(len(self._keys)))

    async def watermark_ms(self) -> int | None:
        """The watermark as it stands now, in epoch ms; None while there is none. Raises `redis.RedisError`."""
        return await self._watermark_ms()

    async def release(self) -> None:
        """Give the leases back, at the end of the worker."""
        for lease in self._leases.values():
            await lease.release()

    # -- a pass --------------------------------------------------------------------------------
    async def _pass(self, reader: Reader, shard: int, sources: Collection[int]) -> PassResult:
        if await self._leases[reader.name, shard].hold() is Held.NOT:
            return PassResult()
        watermark = await self._watermark_ms()
        others = [source for source in sources if source != shard]
        elsewhere = {source: await self._store.look(self._keys[source], reader.name, shard) for source in others}
        wanted = await reader.wanted(self._keys[shard])
        most = min(self._marks_a_pass, reader.most_marks)
        begun = await self._store.begin(shard, reader.name, most, self._clock_ms(), self._worker_id, elsewhere, wanted)
        applied = self._applied_ms(reader.name, shard, begun, list(elsewhere.values()), watermark or 0)
        try:
            return await self._take(reader, shard, sources, begun, applied)
        except WentBack:
            return PassResult(more=True)

    async def _take(
        self, reader: Reader, shard: int, sources: Collection[int], begun: Begun, applied_ms: int
    ) -> PassResult:
        keys, marks, steps = self._keys[shard], begun.marks, begun.steps
        due = await self._due(reader.name, sources, applied_ms)
        acts = await reader.acts(keys, begun)
        changes = await self._apply(reader.name, in_order([*acts, *due]), applied_ms, steps)
        if acts or due:
            failpoint("after_raise")
        await self._store.forget(shard, reader.name, marks, steps)
        more = begun.again or marks.waiting is not None or len(due) >= min(self._marks_a_pass, DUE_A_PASS)
        raised = len(acts) + len(due)
        return PassResult(bool(marks.members or due), raised, changes, applied_ms, more)

    async def _watermark_ms(self) -> int | None:
        """The watermark, which never falls; but while shards stand apart, no higher than the one that lags allows."""
        shards = await self._store.progress()
        partitions = merge_shards(shards)
        now_ms = self._clock_ms()
        fully_read = self._fully_read.look(partitions, now_ms)
        told = [
            watermark_ms(partitions, fully_read),
            quiet_watermark_ms(partitions, fully_read, self._idle_ms, now_ms),
        ]
        here = max((each for each in told if each), default=None)
        stored = await self._store.raise_watermark(here)
        return here if stand_apart(shards) else stored

    def _applied_ms(
        self, reader: str, shard: int, begun: Begun, elsewhere: Sequence[Elsewhere], watermark_ms: int
    ) -> int:
        horizon = self._horizons[reader, shard]
        if begun.went_back:
            horizon.reset()
        versions = [begun.marks.version, *(each.version for each in elsewhere)]
        # what is yet to be marked again is older than all that is marked
        waiting = [0 if begun.again else begun.marks.waiting, *(each.waiting for each in elsewhere)]
        return horizon.advance(watermark_ms, versions, waiting)

    async def _due(self, reader: str, sources: Collection[int], watermark_ms: int) -> list[Close]:
        # of all shards that the acts may reach: a session closed here must not pass an earlier one that is open there
        due: list[Close] = []
        for source in sources:
            until_ms = watermark_ms - self._lateness_ms
            due += await self._store.due(self._keys[source], reader, until_ms, min(self._marks_a_pass, DUE_A_PASS))
        return due

    async def _apply(self, reader: str, acts: Sequence[Act], watermark_ms: int, steps: Steps) -> Changes:
        by_shard: defaultdict[int, list[Act]] = defaultdict(list)
        for act in acts:
            by_shard[shard_of(act.ranking.dimension, act.ranking.scope_id, len(self._keys))].append(act)
        changes: Changes = Counter()
        for shard, of_shard in by_shard.items():
            failpoint("before_raise")
            keys, now_ms = self._keys[shard], self._clock_ms()
            changes += await self._raiser.apply(keys, reader, of_shard, watermark_ms, now_ms, steps)
        return changes
