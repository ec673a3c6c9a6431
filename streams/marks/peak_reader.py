"""Step 6, peaks and records: the changed hours and minutes of a shard, as they were read with their marks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from streams.keys import Keys
from streams.marks.acts import PEAKS, Act
from streams.marks.cut import Cutter, Reads
from streams.marks.evidence import Evidence
from streams.marks.fences import Fences
from streams.marks.minutes import MinuteMemory
from streams.marks.peaks import (
    DayMark,
    SpanValue,
    day_span,
    hour_raise,
    parse_peak_marks,
    span_raise,
    span_value,
)
from streams.marks.rolling import best_span_of, hours_around
from streams.marks.steps import Steps
from streams.marks.store import Begun, MarkStore, Wanted
from streams.tally.windows import Zone

#: days of minutes that one cut reads: Redis is not held up for more than some milliseconds
_DAYS = 50

_MINUTE_FIELDS = tuple(f"{minute:02d}g" for minute in range(60))

#: the changed minutes of a day and their values
Changed = tuple[DayMark, Mapping[int, int]]
T = TypeVar("T")


class PeakReader:
    """Marks of hours and minutes to raises. The rankings of a tally's hours and days lie in the tally's shard."""

    name = PEAKS
    #: the beginning of a pass reads the value of each: some 30 ms of Redis
    most_marks = 10_000

    def __init__(self, cutter: Cutter, store: MarkStore, zone: Zone, orders_topic: str) -> None:
        self._cutter = cutter
        self._zone = zone
        self._fences = Fences(cutter, store, orders_topic)
        self._memory: defaultdict[str, MinuteMemory] = defaultdict(MinuteMemory)

    async def wanted(self, keys: Keys) -> Wanted:
        """The values of the marks, and the fences that belong to them."""
        return await self._fences.wanted(keys)

    async def acts(self, keys: Keys, begun: Begun) -> list[Act]:
        """Raises of every changed hour, and of every day with changed minutes, that has a value."""
        memory, names = self._memory[keys.prefix], (member.decode() for member, _ in begun.marks.members)
        marks = parse_peak_marks(zip(names, (int(value or 0) for value in begun.values), strict=True))
        memory.go_on(keys, begun.stood, begun.steps)
        spans, unknown = _spans(memory, marks.days.items(), complete=begun.marks.waiting is None)
        hours = {mark.hour for mark in marks.hours} | {hour for _, span in spans for hour in span.hours}
        evidence = await self._fences.evidence_before(keys, begun.fences, hours)
        acts: list[Act] = [
            hour_raise(self._zone, mark, value, evidence.of((mark.hour,)), begun.marks.version)
            for mark, value in marks.hours.items()
            if value > 0
        ]
        acts += self._span_raises(spans, evidence, begun.marks.version)
        for days in _slices(unknown, _DAYS):
            acts += await self._read_days(keys, days, begun.steps)
        return acts

    async def _read_days(self, keys: Keys, marks: Sequence[Changed], steps: Steps) -> list[Act]:
        """Reads the hours around changed minutes, as they stand later than the marks, and knows them then."""
        reads = Reads()
        partitions = await self._fences.add(keys, reads)
        places = [_read_minutes(keys, reads, mark, changed) for mark, changed in marks]
        version, replies = await self._cutter.cut(keys, reads, self.name, steps)
        spans = [
            (mark, span)
            for (mark, changed), hours in zip(marks, places, strict=True)
            if (span := day_span(mark, self._minutes(keys, mark, hours, replies), changed))
        ]
        hours = {hour for _, span in spans for hour in span.hours}
        evidence = await self._fences.evidence(keys, partitions, replies, hours)
        return self._span_raises(spans, evidence, version)

    def _minutes(
        self, keys: Keys, mark: DayMark, hours: Iterable[tuple[int, int]], replies: Sequence[Any]
    ) -> dict[int, int]:
        minutes: dict[int, int] = {}
        for hour, place in hours:
            read = {minute: int(value) for minute, value in enumerate(replies[place]) if value is not None}
            self._memory[keys.prefix].read(mark, hour, read)
            minutes |= {hour * 60 + minute: value for minute, value in read.items()}
        return minutes

    def _span_raises(self, spans: Iterable[tuple[DayMark, SpanValue]], evidence: Evidence, version: int) -> list[Act]:
        return [span_raise(self._zone, mark, span, evidence.of(span.hours), version) for mark, span in spans]


def _spans(
    memory: MinuteMemory, days: Iterable[Changed], *, complete: bool
) -> tuple[list[tuple[DayMark, SpanValue]], list[Changed]]:
    """The best changed spans of the days whose hours are known, and the days that must be read.

    Where other marks wait (not `complete`), what is known of a day may be of several moments: then all are read.
    """
    spans, unknown = [], []
    for mark, changed in days:
        memory.changed(mark, changed)
        hours = hours_around(changed)
        values = memory.of(mark, hours) if complete else None
        if values is None:
            unknown.append((mark, changed))
        elif span := span_value(mark, best_span_of(values, min(hours) * 60, changed)):
            spans.append((mark, span))
    return spans, unknown


def _read_minutes(keys: Keys, reads: Reads, mark: DayMark, changed: Iterable[int]) -> list[tuple[int, int]]:
    """Returns (hour of the day, place of the reply) of each hour that is read."""
    return [
        (hour, reads.fields(keys.minutes(mark.dimension, mark.day * 24 + hour, mark.id), _MINUTE_FIELDS))
        for hour in sorted(hours_around(changed))
    ]


def _slices(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
