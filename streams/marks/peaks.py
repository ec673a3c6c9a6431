"""Step 6, peaks and records: changed hours and minutes to raises of `peak.hour` and `peak.rolling`. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.alerts import GROSS, Rule
from streams.marks.acts import Holder, Raise, Ranking
from streams.marks.names import day_id, hour_id
from streams.marks.rolling import SPAN, Span, best_span
from streams.tally.counters import NONE_ID, PEAK_HOUR_SCOPES, PEAK_ROLLING_SCOPES
from streams.tally.windows import MINUTE_MS, Zone


class HourMark(NamedTuple):
    """The hour (local index) of a tally that changed."""

    hour: int
    dimension: str
    id: str


class DayMark(NamedTuple):
    """The local day of a tally of which minutes changed."""

    day: int
    dimension: str
    id: str


class PeakMarks(NamedTuple):
    """What a list of changed marks tells, in fen. Of days: the changed minutes of the day (0 to 1,439)."""

    hours: dict[HourMark, int]
    days: dict[DayMark, dict[int, int]]


def parse_peak_marks(marks: Iterable[tuple[str, int]]) -> PeakMarks:
    """Read members of `changed:peaks`, `hour|<local hour>|<dimension>|<id>` and the like with `minute`, with values.

    Dimensions without such a peak, and the id that stands for none, are left out. Raises `ValueError` on what no
    settle writes.
    """
    hours: dict[HourMark, int] = {}
    days: defaultdict[DayMark, dict[int, int]] = defaultdict(dict)
    for member, value in marks:
        grain, index, dimension, id = member.split("|", 3)
        if grain not in ("hour", "minute"):
            raise ValueError(f"{member!r} is no changed mark of peaks (valid: hour|…, minute|…)")
        if id == NONE_ID:
            continue
        if grain == "hour" and dimension in PEAK_HOUR_SCOPES:
            hours[HourMark(int(index), dimension, id)] = value
        elif grain == "minute" and dimension in PEAK_ROLLING_SCOPES:
            day, minute = divmod(int(index), 1_440)
            days[DayMark(day, dimension, id)][minute] = value
    return PeakMarks(hours, dict(days))


def hour_raise(zone: Zone, mark: HourMark, value: int, evidence: str, version: int) -> Raise:
    """The raise of a clock hour in the ranking of its scope's hours."""
    start_ms, end_ms = zone.start_ms("hour", mark.hour), zone.start_ms("hour", mark.hour + 1)
    ranking = Ranking(Rule.PEAK_HOUR, GROSS, mark.dimension, mark.id, "hour")
    return Raise(ranking, Holder(hour_id(mark.hour), start_ms, start_ms, end_ms, end_ms), value, evidence, version)


class SpanValue(NamedTuple):
    """The best changed span of a day: its first minute (local index) and value, and the hours that it touches."""

    minute: int
    value: int
    hours: tuple[int, ...]


def day_span(mark: DayMark, minutes: Mapping[int, int], changed: Iterable[int]) -> SpanValue | None:
    """The best span of a day that holds a changed minute; `minutes` and `changed` are minutes of the day."""
    return span_value(mark, best_span(minutes, changed))


def span_value(mark: DayMark, span: Span | None) -> SpanValue | None:
    """A span of this day."""
    if span is None:
        return None
    minute = mark.day * 1_440 + span.start
    return SpanValue(minute, span.value, tuple(sorted({minute // 60, (minute + SPAN - 1) // 60})))


def span_raise(zone: Zone, mark: DayMark, span: SpanValue, evidence: str, version: int) -> Raise:
    """The raise of a day by its best span; it closes with the day."""
    start_ms = zone.start_ms("minute", span.minute)
    holder = Holder(
        day_id(mark.day),
        zone.start_ms("day", mark.day),
        start_ms,
        start_ms + SPAN * MINUTE_MS,
        zone.start_ms("day", mark.day + 1),
    )
    ranking = Ranking(Rule.PEAK_ROLLING, GROSS, mark.dimension, mark.id, "span")
    return Raise(ranking, holder, span.value, evidence, version)
