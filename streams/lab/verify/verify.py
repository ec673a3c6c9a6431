"""An alert's value from Kafka once more: the records that its evidence names, and what lies before where it matters.

What lies before matters in two ways. Copies: an event is a resend of one that arrived up to the dedupe horizon earlier,
so that much is judged as well, and not summed. Orders: a payment or refund may be refused because of what came before
it, up to the refund horizon, so the records of those orders are looked for there, and only if some are found is the
partition judged a second time with them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from schemas.alerts import Alert, Evidence
from streams.errors import LogReplaced
from streams.lab.truth import Record, Rules
from streams.lab.truth.judge import PartitionJudge
from streams.lab.verify.window import Window, window_of
from streams.tally.windows import DAY_MS
from streams.topics import ORDERS

#: an order is forgotten by whole days, so a little later than the refund horizon says
_FORGOTTEN_LATE_MS = DAY_MS


class Verdict(StrEnum):
    """What came of it."""

    EQUAL = "equal"
    DIFFERENT = "different"
    IMPOSSIBLE = "impossible"


@dataclass(slots=True)
class Finding:
    """The value in fen as it was recomputed, None if it could not be; `why` it could not.

    `read` counts records, `read_before` those of them that lie before the evidence.
    """

    verdict: Verdict = Verdict.IMPOSSIBLE
    recomputed_fen: int | None = None
    why: str | None = None
    read: int = 0
    read_before: int = 0


class Log(Protocol):
    """What is asked of Kafka; raises `LogReplaced` for what is not there any more."""

    async def first(self, topic: str, partition: int) -> int:
        """The first offset that is still there."""

    async def offset_at(self, topic: str, partition: int, time_ms: int) -> int | None:
        """The first offset that arrived then or later; None if there is none."""

    def batches(self, topic: str, partition: int, start: int, stop: int) -> AsyncIterator[list[Record]]:
        """The records with offsets in `[start, stop)`, in order."""


async def verify(alert: Alert, log: Log, rules: Rules, on_progress: Callable[[int], None]) -> Finding:
    """Recompute the value of `alert`. `on_progress` is given the records read so far.

    What Kafka no longer has makes it impossible, a broker that is away raises `ServerMissing`.
    """
    recount = _Recount(log, window_of(alert, rules), rules, on_progress)
    if not alert.evidence:
        recount.finding.why = "it names no records: its value is not from this log (imported history)"
        return recount.finding
    try:
        value_fen = sum([await recount.partition(each) for each in alert.evidence])
    except LogReplaced as gone:
        recount.finding.why = str(gone)
        return recount.finding
    recount.finding.recomputed_fen = value_fen
    recount.finding.verdict = Verdict.EQUAL if value_fen == alert.value_fen else Verdict.DIFFERENT
    return recount.finding


class _Recount:
    def __init__(self, log: Log, window: Window, rules: Rules, on_progress: Callable[[int], None]) -> None:
        self.finding = Finding()
        self._log = log
        self._window = window
        self._rules = rules
        self._on_progress = on_progress

    async def partition(self, at: Evidence) -> int:
        """What the records of one partition add to the value."""
        begin = await self._log.first(at.topic, at.partition)
        if begin > at.first_offset:
            raise LogReplaced(
                f"{at.topic}/{at.partition} begins at offset {begin} by now, the value is from {at.first_offset} on"
            )
        arrival_ms = await self._arrival_ms(at)
        warm = await self._offset_at(at, begin, arrival_ms - self._rules.dedupe_ms)
        value_fen, orders = await self._judged(at, warm, [])
        if not orders or warm == begin:
            return value_fen
        back = await self._offset_at(at, begin, arrival_ms - self._rules.refund_days * DAY_MS - _FORGOTTEN_LATE_MS)
        earlier = [each async for each in self._of_orders(at, back, warm, orders)]
        return (await self._judged(at, warm, earlier))[0] if earlier else value_fen

    async def _judged(self, at: Evidence, warm: int, earlier: Iterable[Record]) -> tuple[int, set[str]]:
        """Value, and the orders that it may be from, of the evidence, judged from `warm` on after `earlier` records."""
        judge, value_fen = PartitionJudge(ORDERS, at.partition, self._rules), 0
        orders: set[str] = set()
        judge.judge_all(earlier)
        async for batch in self._read(at, warm, at.last_offset + 1):
            judge.judge_all(each for each in batch if each.offset < at.first_offset)
            judge.counted.clear()
            named = [each for each in batch if each.offset >= at.first_offset]
            judge.judge_all(named)
            value_fen += self._window.value_fen(judge.counted)
            judge.counted.clear()
            orders.update(order for each in named if (order := self._window.order_of(each)) is not None)
        return value_fen, orders

    async def _of_orders(self, at: Evidence, start: int, stop: int, orders: Collection[str]) -> AsyncIterator[Record]:
        async for batch in self._read(at, start, stop):
            for record in batch:
                if _order_id(record) in orders:
                    yield record

    async def _arrival_ms(self, at: Evidence) -> int:
        async for batch in self._log.batches(at.topic, at.partition, at.first_offset, at.first_offset + 1):
            return batch[0].arrival_ms
        raise LogReplaced(f"{at.topic}/{at.partition} has no record at offset {at.first_offset} any more")

    async def _offset_at(self, at: Evidence, begin: int, time_ms: int) -> int:
        found = await self._log.offset_at(at.topic, at.partition, time_ms)
        return at.first_offset if found is None else max(begin, min(found, at.first_offset))

    async def _read(self, at: Evidence, start: int, stop: int) -> AsyncIterator[list[Record]]:
        async for batch in self._log.batches(at.topic, at.partition, start, stop):
            self.finding.read += len(batch)
            self.finding.read_before += sum(each.offset < at.first_offset for each in batch)
            self._on_progress(self.finding.read)
            yield batch


def _order_id(record: Record) -> str | None:
    try:
        order_id = json.loads(record.value or b"").get("order_id")
    except (ValueError, AttributeError, RecursionError):
        return None
    return order_id if isinstance(order_id, str) else None
