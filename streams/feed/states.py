"""The feed: what is stored of a tally as the state that is published. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.tallies import TallyState
from streams.marks.records import SILENCE_MS
from streams.tally.counters import COUNTERS, with_net
from streams.tally.windows import HOUR_MS, Zone

_CODES = tuple(COUNTERS)


class Terms(NamedTuple):
    """What decides when a tally is final: `zone`, the lateness, and how long after its end a session still counts."""

    zone: Zone
    lateness_ms: int
    tail_ms: int


class ReadAt(NamedTuple):
    """When values were read: the shard's change version, and a watermark (epoch ms) from before it, if there is one."""

    version: int
    watermark_ms: int | None


class Distinct(NamedTuple):
    """Distinct buyers, merchants and anchors; None where no sketch is kept."""

    buyers: int | None = None
    merchants: int | None = None
    anchors: int | None = None


class Declared(NamedTuple):
    """What the hash of a session says (`Keys.session`)."""

    started: str
    ended: str
    first_ms: int
    last_ms: int


def hour_state(
    terms: Terms, tally: tuple[str, str, int], codes: dict[str, int], distinct: Distinct, at: ReadAt
) -> TallyState:
    """The state of (dimension, id, local hour), with its counters by code."""
    dimension, id, hour = tally
    start_ms = terms.zone.start_ms("hour", hour)
    closes_ms = start_ms + HOUR_MS + terms.lateness_ms
    return _state("hour", dimension, id, (start_ms, start_ms + HOUR_MS), closes_ms, codes, distinct, at)


def session_state(
    terms: Terms, id: str, declared: Declared, hours: Mapping[int, Mapping[str, int]], buyers: int, at: ReadAt
) -> TallyState:
    """The total of a session: its hours up to `tail_ms` after its declared end, all of them while none is declared."""
    start_ms = int(declared.started[:15]) if declared.started else None
    end_ms = int(declared.ended[:15]) if declared.ended else None
    codes: defaultdict[str, int] = defaultdict(int)
    for hour, of_hour in hours.items():
        if end_ms is None or terms.zone.start_ms("hour", hour) < end_ms + terms.tail_ms:
            for code, value in of_hour.items():
                codes[code] += value
    closes_ms = end_ms
    if closes_ms is None and declared.last_ms:
        closes_ms = declared.last_ms + SILENCE_MS
    closes_ms = None if closes_ms is None else closes_ms + terms.lateness_ms
    return _state("session", "session", id, (start_ms, end_ms), closes_ms, codes, Distinct(buyers), at)


def _state(
    grain: str,
    dimension: str,
    id: str,
    window: tuple[int | None, int | None],
    closes_ms: int | None,
    codes: dict[str, int],
    distinct: Distinct,
    at: ReadAt,
) -> TallyState:
    final = closes_ms is not None and at.watermark_ms is not None and at.watermark_ms >= closes_ms
    return TallyState(
        grain=grain,  # type: ignore[arg-type]  # one of the two
        dimension=dimension,
        id=id,
        start_ms=window[0],
        end_ms=window[1],
        **with_net(codes),  # type: ignore[arg-type]  # by the names of the fields
        **distinct._asdict(),
        version=at.version,
        as_of_ms=at.watermark_ms,
        closes_ms=closes_ms,
        final=final,
    )


def by_code(values: Sequence[bytes | None]) -> dict[str, int] | None:
    """The counters of an hour as they are read, in the order of `COUNTERS`; None where nothing stands."""
    if not any(value is not None for value in values):
        return None
    return {code: int(value) for code, value in zip(_CODES, values, strict=True) if value is not None}


def by_hour(flat: Sequence[bytes]) -> dict[int, dict[str, int]]:
    """The hash of a session's hours: local hour -> counters by code."""
    hours: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for name, value in zip(flat[::2], flat[1::2], strict=True):
        hours[int(name[:-1])][chr(name[-1])] = int(value)
    return hours
