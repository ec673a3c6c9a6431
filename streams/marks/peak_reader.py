"""Step 6, peaks and records: reads the changed hours and minutes of a shard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from streams.keys import Keys
from streams.marks.acts import PEAKS, Act
from streams.marks.cut import Cutter, Reads
from streams.marks.fences import Fences
from streams.marks.peaks import DayMark, HourMark, SpanValue, day_span, hour_raise, parse_peak_marks, span_raise
from streams.marks.rolling import hours_around
from streams.marks.steps import Steps
from streams.marks.store import MarkStore
from streams.tally.windows import Zone

#: hours, and days of minutes, that one cut reads: Redis is not held up for more than some milliseconds
_HOURS, _DAYS = 500, 50

_HOUR_FIELDS = tuple((f"{hour:02d}g",) for hour in range(24))
_MINUTE_FIELDS = tuple(f"{minute:02d}g" for minute in range(60))

T = TypeVar("T")


class PeakReader:
    """Marks of hours and minutes to raises. The rankings of a tally's hours and days lie in the tally's shard."""

    name = PEAKS

    def __init__(self, cutter: Cutter, store: MarkStore, zone: Zone, orders_topic: str) -> None:
        self._cutter = cutter
        self._zone = zone
        self._fences = Fences(cutter, store, orders_topic)

    async def acts(self, keys: Keys, members: Sequence[bytes], steps: Steps) -> list[Act]:
        """Raises of every changed hour, and of every day with changed minutes, that has a value."""
        marks = parse_peak_marks(member.decode() for member in members)
        acts: list[Act] = []
        for hours in _slices(marks.hours, _HOURS):
            acts += await self._hours(keys, hours, steps)
        for days in _slices(marks.days.items(), _DAYS):
            acts += await self._days(keys, days, steps)
        return acts

    async def _hours(self, keys: Keys, marks: Sequence[HourMark], steps: Steps) -> list[Act]:
        reads = Reads()
        partitions = await self._fences.add(keys, reads)
        for mark in marks:
            _read_hour(keys, reads, mark)
        version, replies = await self._cutter.cut(keys, reads, self.name, steps)
        evidence = await self._fences.evidence(keys, partitions, replies, {mark.hour for mark in marks})
        values = replies[len(partitions) :]
        return [
            hour_raise(self._zone, mark, int(value), evidence.of((mark.hour,)), version)
            for mark, (value,) in zip(marks, values, strict=True)
            if value is not None and int(value) > 0
        ]

    async def _days(self, keys: Keys, marks: Sequence[tuple[DayMark, set[int]]], steps: Steps) -> list[Act]:
        reads = Reads()
        partitions = await self._fences.add(keys, reads)
        places = [_read_minutes(keys, reads, mark, changed) for mark, changed in marks]
        version, replies = await self._cutter.cut(keys, reads, self.name, steps)
        spans = [
            (mark, span)
            for (mark, changed), hours in zip(marks, places, strict=True)
            if (span := day_span(mark, _minutes(hours, replies), changed))
        ]
        hours = {hour for _, span in spans for hour in span.hours}
        evidence = await self._fences.evidence(keys, partitions, replies, hours)
        return [self._span_raise(mark, span, evidence.of(span.hours), version) for mark, span in spans]

    def _span_raise(self, mark: DayMark, span: SpanValue, evidence: str, version: int) -> Act:
        return span_raise(self._zone, mark, span, evidence, version)


def _read_hour(keys: Keys, reads: Reads, mark: HourMark) -> None:
    if mark.dimension == "session":
        reads.fields(keys.session_hours(mark.id), (f"{mark.hour}g",))
    else:
        day, hour = divmod(mark.hour, 24)
        reads.fields(keys.hours(mark.dimension, day, mark.id), _HOUR_FIELDS[hour])


def _read_minutes(keys: Keys, reads: Reads, mark: DayMark, changed: Iterable[int]) -> list[tuple[int, int]]:
    """Returns (hour of the day, place of the reply) of each hour that is read."""
    return [
        (hour, reads.fields(keys.minutes(mark.dimension, mark.day * 24 + hour, mark.id), _MINUTE_FIELDS))
        for hour in sorted(hours_around(changed))
    ]


def _minutes(hours: Iterable[tuple[int, int]], replies: Sequence[Any]) -> dict[int, int]:
    return {
        hour * 60 + minute: int(value)
        for hour, place in hours
        for minute, value in enumerate(replies[place])
        if value is not None
    }


def _slices(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
