"""When was which record settled: batches as they were sent, beside the moves of the fences. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from streams.lab.bench.live.tasks import Batch, Step

#: partition -> its moves, in order
Moves = Mapping[int, Sequence[Step]]


def moves(steps: Iterable[Step]) -> Moves:
    """Steps by partition, only those that go further than all before."""
    by_partition: defaultdict[int, list[Step]] = defaultdict(list)
    for step in sorted(steps, key=lambda step: step.seen_ms):
        mine = by_partition[step.partition]
        if not mine or step.next > mine[-1].next:
            mine.append(step)
    return by_partition


def settled_ms(of: Moves, partition: int, offset: int) -> float | None:
    """The first moment at which the fence was seen behind a record; None: never."""
    mine = of.get(partition, ())
    at = bisect_right(mine, offset, key=lambda step: step.next)
    return mine[at].seen_ms if at < len(mine) else None


def tally_latencies(batches: Iterable[Batch], of: Moves) -> tuple[list[tuple[float, int]], int]:
    """(milliseconds from the stamp to the tally, how many records), and how many records were never settled."""
    samples: list[tuple[float, int]] = []
    unsettled = 0
    for batch in batches:
        at, end = batch.first_offset, batch.first_offset + batch.records
        mine = of.get(batch.partition, ())
        first = bisect_right(mine, at, key=lambda step: step.next)
        for step in mine[first:]:
            reached = min(end, step.next)
            samples.append((step.seen_ms - batch.sent_ms, reached - at))
            if (at := reached) == end:
                break
        unsettled += end - at
    return samples, unsettled
