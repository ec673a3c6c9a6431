"""Twelve bugs, put back on purpose: a simulation that does not find them proves nothing.

Each is a small change of production code, made for the length of a run, as a change of a method or of a script's text.
Where a bug is harmless by itself because a second line of defence stands behind it, that one is taken away too, and
`behind` says which: what is shown then is that the first line would be needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from unittest.mock import patch

import msgspec.structs

import streams.intake.ledger
import streams.outbox.publisher
from streams.intake.chunk import Chunk
from streams.intake.intake import WorkerIntake
from streams.intake.ledger import ReadingLedger
from streams.intake.opening import Opener
from streams.intake.path import _Folds
from streams.intake.resends import _ARRIVAL_MASK, ResendMemory
from streams.marks.detector import Detector
from streams.outbox.publisher import Publisher
from streams.tally.fence import read_fence
from streams.tally.settle import Settler
from tests.simulation.plan import Plan

Patch = tuple[object, str, Callable[..., Any]]


@dataclass(frozen=True)
class Mutation:
    """One bug. `patches` replace attributes, `text` is what a script says instead, `arranged` fits the plan to it."""

    name: str
    what: str
    patches: tuple[Patch, ...] = ()
    text: tuple[str, str] | None = None
    behind: str = ""
    second: tuple[Patch, ...] = ()
    arranged: Callable[[Plan], Plan] = lambda plan: plan

    @contextmanager
    def made(self, bug: bool = True, peeled: bool = True) -> Iterator[Callable[[str], str]]:
        """Put the `bug` in, and take away what stands `behind` it if it is `peeled`; gives what changes scripts."""
        with ExitStack() as stack:
            for owner, name, instead in (*(self.patches if bug else ()), *(self.second if peeled else ())):
                stack.enter_context(patch.object(owner, name, instead))
            yield self._changed if bug else str

    def _changed(self, text: str) -> str:
        return text.replace(*self.text) if self.text else text


# -- what stands there instead ---------------------------------------------------------------------
def _drop_nothing(self: ReadingLedger, tp: object, position: int) -> None:
    """A dropped answer leaves the expectation where it was."""


def _no_hole(records: object, start: int) -> bool:
    return False


_fresh_partition = Opener._partition


def _with_old_memory(self: Any, tp: Any, shards: Any, start: int) -> Any:
    partition = _fresh_partition(self, tp, shards, start)
    self.kept = getattr(self, "kept", {})
    partition.memory = self.kept.setdefault(tp, partition.memory)
    return partition


def _seen_within_horizon(self: ResendMemory, event_id: str, offset: int, arrival_ms: int) -> bool:
    last = self._young.get(event_id)
    self._young[event_id] = offset << 44 | arrival_ms
    return last is not None and arrival_ms - (last & _ARRIVAL_MASK) <= self._horizon_ms


_settle_once = Settler.settle


async def _retry_from_the_fence(self: Any, tp: Any, progress: Any, rows: Any, first: Any, refunds: Any) -> Any:
    this = tp, progress.start, progress.stop
    if getattr(self, "failed", None) == this and (fence := await read_fence(self._settle._client, self._keys, tp)):
        progress = progress._replace(start=fence.next, stop=max(fence.next, progress.stop))
    self.failed = this
    answer = await _settle_once(self, tp, progress, rows, first, refunds)
    self.failed = None
    return answer


_fold_of_run = _Folds.of


def _fold_of_chunk(self: Any, start: int, stop: int) -> Any:
    return _fold_of_run(self, self.judged.chunk.start, stop)


_take = WorkerIntake.take


async def _take_any_epoch(self: Any, chunk: Chunk) -> None:
    partition = self.partitions.get(chunk.tp)
    await _take(self, chunk if partition is None else chunk._replace(epoch=partition.epoch))


async def _no_check(self: Any, partition: Any, chunk: Chunk) -> None:
    """Any chunk continues the one before."""


_render = streams.outbox.publisher.render


def _named_by_value(fact: Any, offset_ms: int) -> Any:
    alert = _render(fact, offset_ms)
    return msgspec.structs.replace(alert, alert_id=sha256(f"{alert.alert_id}|{fact.value}".encode()).hexdigest()[:32])


async def _watermark_of_the_clock(self: Any) -> Any:
    return await self._store.raise_watermark(self._clock_ms())


_publish = Publisher._publish


async def _drop_before_sending(self: Any, shard: int, entries: Any) -> int:
    await self._drop(shard, [each.id for each in entries])
    return await _publish(self, shard, entries)


async def _no_warm_start(self: Any, fences: object, log: object) -> dict[object, int]:
    return {}


def _without_holes(plan: Plan) -> Plan:
    """No answer of Kafka has a hole of its own: what gets lost is what was dropped."""
    return replace(plan, weather=replace(plan.weather, hole_once=0.0))


_NO_HOLES = (streams.intake.ledger, "_has_hole", _no_hole)
_NO_CONTINUITY = (WorkerIntake, "_check_continues", _no_check)

MUTATIONS = (
    Mutation(
        "M1",
        "a dropped chunk does not advance `expected`",
        ((ReadingLedger, "drop", _drop_nothing),),
        behind="holes are looked at: the dropped range shows as one, and is read again",
        second=(_NO_HOLES,),
        arranged=_without_holes,
    ),
    Mutation(
        "M2",
        "a missing fence is accepted as the start of whatever comes",
        text=("if not fence[1] then return {-1, ''} end", "fence[1] = fence[1] or tostring(start)"),
    ),
    Mutation(
        "M3",
        "resends are told by presence, in a memory that outlives a seek",
        ((Opener, "_partition", _with_old_memory), (ResendMemory, "is_resend", _seen_within_horizon)),
    ),
    Mutation(
        "M4",
        "the fence is written before the data",
        text=("-- 1. What can be repeated", "redis.call('HSET', KEYS[1], 'next', stop)\n-- 1. What can be repeated"),
    ),
    Mutation("M5", "a retry starts at the fence's new place", ((Settler, "settle", _retry_from_the_fence),)),
    Mutation("M6", "a shard that is ahead is given the whole chunk", ((_Folds, "of", _fold_of_chunk),)),
    Mutation(
        "M7",
        "a chunk of an older epoch is taken after a seek",
        ((WorkerIntake, "take", _take_any_epoch),),
        behind="a chunk must continue the one before: data stay right, but each seek leads to the next, for ever",
        second=(_NO_CONTINUITY,),
    ),
    Mutation(
        "M8",
        "the name of an alert depends on the total that the chunks happened to show",
        ((streams.outbox.publisher, "render", _named_by_value),),
    ),
    Mutation("M9", "what is late is told by the wall clock", ((Detector, "_watermark_ms", _watermark_of_the_clock),)),
    Mutation(
        "M10", "the outbox forgets before Kafka has acknowledged", ((Publisher, "_publish", _drop_before_sending),)
    ),
    Mutation("M11", "a hole is believed at first sight", (_NO_HOLES,)),
    Mutation("M12", "a seek does not warm the resend memory", ((Opener, "_warm_starts", _no_warm_start),)),
)
