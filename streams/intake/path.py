"""Steps 1 to 4 for one chunk: admit, judge, publish rejects, settle every shard, and heal what does not fit.

The fence decides everything. What it can answer to a settle of `[start, stop)`:

    applied          the run is counted
    at `stop`        it was counted before (the reply of an earlier try got lost)
    inside           a part was counted: the rest is settled from there, with the same verdicts
    above `stop`     another worker is ahead: read on from there
    below, or gone   Redis went back: read again from there, with a fresh resend memory
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from faust.types import TP
from redis.asyncio import Redis

from streams.errors import LogReplaced
from streams.failpoints import failpoint
from streams.intake.chunk import Chunk
from streams.intake.judge import Admit, Admitted, Judged, judge, record_crc, spoken_of
from streams.intake.measure import Meter
from streams.intake.order_store import OrderRules, load_orders, write_orders
from streams.intake.orders import OrderBook
from streams.intake.partition import Partition
from streams.intake.rejects import RejectsTopic
from streams.intake.store_calls import Patience
from streams.keys import Keys, home_shard
from streams.tally.fold import Deltas, fold
from streams.tally.index import Ended
from streams.tally.rows import ShardRows, shard_rows
from streams.tally.settle import Applied, Settler
from streams.tally.windows import Zone

_log = logging.getLogger(__name__)

#: rows that one script may write: bounds the time for which Redis does nothing else (about 250 ms)
MAX_ROWS = 30_000


class Reseek(Exception):
    """The partition must be opened and read again: its fence stands elsewhere than what was read next.

    `kind` is for the metrics: `behind` (records were dropped before they were settled, or another worker is far
    ahead), `rolled_back` (Redis lost its last writes) or `missing` (Redis lost everything).
    """

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind


class Path:
    """Takes the chunks of every partition through steps 2 to 4; one chunk of a partition at a time, in order."""

    def __init__(
        self,
        redis: Redis,
        keys: list[Keys],
        orders: OrderRules,
        admit: Mapping[str, Admit],
        rejects: RejectsTopic,
        patience: Patience,
        meter: Meter,
        feed: bool = True,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._zone = orders.zone
        self._orders = orders
        self._admit = admit
        self._rejects = rejects
        self._patience = patience
        self._meter = meter
        self._fitting = _Fitting()
        #: the watermark as it was last heard of, and the hours that had ended by then
        self.heard = Ended()
        self._settlers = [Settler(redis, shard, feed) for shard in keys]

    def hear(self, watermark_ms: int) -> None:
        """The watermark (epoch ms) as Redis has it: at most a second old, and never above the true one."""
        self.heard = Ended(self._zone.hour(watermark_ms), watermark_ms)

    async def take(self, partition: Partition, chunk: Chunk) -> Judged:
        """Count `chunk` and say how it was judged.

        Raises `Reseek`; `LogReplaced` or `StoreFault` when the worker must stop. What lies below every fence only
        feeds the resend memory.
        """
        _check_identity(partition, chunk)
        admitted = self._admitted(chunk)
        judged = judge(chunk, admitted, partition.memory, await self._book(partition, chunk, admitted))
        failpoint("after_admit")
        if chunk.end > partition.low:
            await self._rejects.publish(chunk.tp, judged.rejects_from(partition.low))
            folds = _Folds(judged, self._keys, self._zone, self._fitting, self.heard)
            for shard in range(len(self._keys)):
                if shard:
                    failpoint("between_shards")
                await self._settle_shard(partition, folds, shard)
        return judged

    def _admitted(self, chunk: Chunk) -> Admitted:
        admit, zone = self._admit[chunk.tp.topic], self._zone
        return [admit(record.value, record.timestamp, zone) for record in chunk.records]

    async def _book(self, partition: Partition, chunk: Chunk, admitted: Admitted) -> OrderBook:
        """The order book, from the home shard. Raises `Reseek` if that shard went back: it lacks verdicts then."""
        tp, home = partition.tp, home_shard(partition.tp.partition, len(self._keys))
        spoken = spoken_of(chunk, admitted, self._orders.index)
        if not spoken:
            return self._orders.book()
        load = partial(load_orders, self._redis, self._keys[home], tp, spoken, self._orders)
        book = await self._patience.call(f"reading orders of {tp.topic}/{tp.partition}", load)
        if book is None:
            raise Reseek("missing", f"shard {home} has no fence any more, or went back while it was read")
        if book.fence < partition.fences[home]:
            raise Reseek("rolled_back", f"shard {home} went back from {partition.fences[home]} to {book.fence}")
        book.low = partition.low
        return book

    async def _settle_shard(self, partition: Partition, folds: _Folds, shard: int) -> None:
        """Move the shard's fence to the end of the chunk, in as many runs as it takes."""
        stop = folds.judged.chunk.end
        while (start := partition.fences[shard]) < stop:
            if start < folds.judged.chunk.start:
                raise Reseek("behind", f"shard {shard} stands at {start}, read was from {folds.judged.chunk.start}")
            until = folds.end_of_run(start, shard)
            stands_at = await self._settle_run(partition.tp, folds, start, until, shard)
            if stands_at is None:
                raise Reseek("missing", f"shard {shard} has no fence any more")
            if stands_at < start:
                raise Reseek("rolled_back", f"shard {shard} went back from {start} to {stands_at}")
            partition.fences[shard] = stands_at

    async def _settle_run(self, tp: TP, folds: _Folds, start: int, stop: int, shard: int) -> int | None:
        """Settle `[start, stop)`; returns where the fence stands then."""
        progress = folds.judged.progress(start, stop)
        deltas, rows = folds.of(start, stop)
        is_home = shard == home_shard(tp.partition, len(self._keys))
        orders = folds.orders(start, stop, tp, shard) if is_home else {}
        settle = partial(self._settlers[shard].settle, tp, progress, rows[shard], deltas.first_offsets, orders)
        failpoint("before_settle")
        answer = await self._patience.call(f"settling {tp.topic}/{tp.partition} from offset {start}", settle)
        failpoint("after_settle")
        self._meter.rows(len(rows[shard]))
        if isinstance(answer, Applied):
            return stop
        place = f"{tp.topic}/{tp.partition} [{start}, {stop})"
        _log.info("shard %d refused to settle %s: its fence stands at %s", shard, place, answer.next)
        return answer.next


@dataclass(slots=True)
class _Fitting:
    """How many records were last seen to fit into one script."""

    records: int = 1_000_000


class _Folds:
    """The folds of one chunk: made once for a run, whatever the number of shards that need it."""

    def __init__(self, judged: Judged, keys: list[Keys], zone: Zone, fitting: _Fitting, heard: Ended) -> None:
        self.judged = judged
        self._keys = keys
        self._zone = zone
        self._fitting = fitting
        self._heard = heard
        self._made: dict[tuple[int, int], tuple[Deltas, list[ShardRows]]] = {}

    def of(self, start: int, stop: int) -> tuple[Deltas, list[ShardRows]]:
        """Deltas of `[start, stop)`, and their rows by shard."""
        made = self._made.get((start, stop))
        if made is None:
            deltas = fold(self.judged.counted_in(start, stop), self._zone)
            made = self._made[start, stop] = deltas, shard_rows(deltas, self._keys, self._heard)
        return made

    def end_of_run(self, start: int, shard: int) -> int:
        """Where the run that begins at `start` ends: shortened until its rows fit into one script.

        What should fit by the last run is tried first. Events share tallies, so twice as many have at most twice the
        rows: what is tried is at most what fits, as long as events stay alike.
        """
        stop = min(self.judged.chunk.end, start + self._fitting.records)
        while (rows := len(self.of(start, stop)[1][shard])) > MAX_ROWS and stop - start > 1:
            stop = start + (stop - start) // 2
        self._fitting.records = max(1, (stop - start) * MAX_ROWS // max(1, rows))
        return stop

    def orders(self, start: int, stop: int, tp: TP, shard: int) -> dict[str, list[bytes]]:
        """What the order book has to remember of the records in `[start, stop)`."""
        touched = self.judged.touched_in(start, stop)
        return write_orders(self._keys[shard], tp, self.judged.book, touched) if touched else {}


def _check_identity(partition: Partition, chunk: Chunk) -> None:
    """The record just below the fence must be the one that was settled; checked once after each opening."""
    if partition.identity is None or chunk.end < partition.fences[0]:
        return
    at = partition.fences[0] - 1
    record = next((record for record in chunk.records if record.offset == at), None)
    expected, partition.identity = partition.identity, None
    if record is not None and (record_crc(record), record.timestamp) != expected:
        raise LogReplaced(
            f"{chunk.tp.topic}/{chunk.tp.partition}: the record at offset {at} is not the one that was counted there: "
            "the topic was recreated or rewritten. Counting on would mix two logs. Restore the topic, or start a new "
            "HIGHTIDE_GROUP to count the new log from its beginning"
        )
