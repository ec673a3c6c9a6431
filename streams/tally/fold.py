"""Step 3, tally: a pure fold of counted events into deltas per (dimension, id, window).

Two stages: events are first summed into cells (`cells.py`), then every cell is spread over its tallies once. While they
are spread, the eight counters of a sum are one integer of eight 64-bit digits: one addition instead of eight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from struct import Struct

from streams.tally.cells import COMBINED, MINUTE_RETENTION_MS, Cell, Cells, Combination, Counted
from streams.tally.counters import (
    BUYER_HOUR_DIMENSIONS,
    COUNTERS,
    DIMENSIONS,
    MINUTE_DIMENSIONS,
    NONE_ID,
    PLATFORM_ID,
    TRADER_HOUR_DIMENSIONS,
)
from streams.tally.sessions import SessionDelta
from streams.tally.windows import Zone

__all__ = ["GMV", "MINUTE_RETENTION_MS", "Counted", "Deltas", "fold"]

#: position of `gmv_fen` in a sum
GMV = tuple(COUNTERS).index("g")

_SESSION, _ANCHOR, _MERCHANT = (COMBINED.index(each) for each in ("session", "anchor", "merchant"))
#: dimensions with their place in a combination, in the order in which rows are written
_PLACED = tuple((each, COMBINED.index(each)) for each in DIMENSIONS if each != "platform")
_MINUTE_SPREAD = tuple((each, at) for each, at in _PLACED if each in MINUTE_DIMENSIONS)
_BUYER_SPREAD = tuple((each, at) for each, at in _PLACED if each in BUYER_HOUR_DIMENSIONS)
_TRADER_SPREAD = tuple((each, at) for each, at in _PLACED if each in TRADER_HOUR_DIMENSIONS)

_DIGITS = Struct(f"<{len(COUNTERS)}Q")

#: eight sums as one integer, by id
_Packed = dict[str, int]
#: what of, dimension, id, local hour
Sketch = tuple[str, str, str, int]


@dataclass(slots=True)
class Deltas:
    """What a run of events adds, without order: sums by window, members of sketches, news of sessions.

    `hours` and `minutes` map (dimension, id, local index) to eight sums in the order of `COUNTERS`; `sketches` maps
    (`buyers`|`merchants`|`anchors`, dimension, id, local hour) to members, with hour -1 for a session's whole life. A
    buyer is a member of six sketches: members are numbers, places in `names`, and may repeat. `first_offsets` maps a
    local hour to the least offset that touched it.
    """

    hours: dict[tuple[str, str, int], list[int]] = field(default_factory=dict)
    minutes: dict[tuple[str, str, int], list[int]] = field(default_factory=dict)
    sketches: dict[Sketch, list[int]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    sessions: dict[str, SessionDelta] = field(default_factory=dict)
    first_offsets: dict[int, int] = field(default_factory=dict)


def fold(counted: Iterable[Counted], zone: Zone) -> Deltas:
    """Sum `counted` (one partition, in log order) into deltas."""
    cells = Cells(zone)
    cells.add(counted)
    deltas = Deltas(first_offsets=cells.first_offsets)
    numbers: dict[str, int] = {}
    for hour, by_combination in _hours(cells, deltas.minutes).items():
        _spread_hour(deltas.hours, hour, by_combination)
        _spread_sketches(deltas.sketches, numbers, hour, by_combination)
    deltas.names = list(numbers)
    _sessions(cells, deltas.sessions)
    return deltas


@dataclass(slots=True)
class _Hour:
    """What a combination adds to an hour."""

    packed: int = 0
    buyers: list[str] = field(default_factory=list)
    paid: int = 0


def _hours(cells: Cells, minutes: dict[tuple[str, str, int], list[int]]) -> dict[int, dict[Combination, _Hour]]:
    """Spread every minute's cells over the tallies that keep minutes, and gather them by hour."""
    hours: dict[int, dict[Combination, _Hour]] = {}
    for minute, by_combination in cells.minutes.items():
        _unpack(minutes, minute, _spread(_gather(hours, minute // 60, by_combination), _MINUTE_SPREAD))
    for hour, by_combination in cells.hours.items():
        _gather(hours, hour, by_combination)
    return hours


def _gather(
    hours: dict[int, dict[Combination, _Hour]], hour: int, cells: Mapping[Combination, Cell]
) -> list[tuple[Combination, int]]:
    """Add cells to what their combinations add to the hour; returns their packed sums."""
    into = hours.setdefault(hour, {})
    gathered: list[tuple[Combination, int]] = []
    pack, from_bytes = _DIGITS.pack, int.from_bytes
    for combination, cell in cells.items():
        packed = from_bytes(pack(*cell.sums()), "little")
        of_hour = into.get(combination)
        if of_hour is None:
            of_hour = into[combination] = _Hour()
        of_hour.packed += packed
        of_hour.buyers += cell.buyers
        of_hour.paid += cell.paid
        gathered.append((combination, packed))
    return gathered


def _spread_hour(
    hours: dict[tuple[str, str, int], list[int]], hour: int, by_combination: Mapping[Combination, _Hour]
) -> None:
    packed = ((combination, of_hour.packed) for combination, of_hour in by_combination.items())
    _unpack(hours, hour, _spread(packed, _PLACED))


def _spread(cells: Iterable[tuple[Combination, int]], places: tuple[tuple[str, int], ...]) -> dict[str, _Packed]:
    """Add packed sums to the platform and to the id of each dimension in `places`, null ids under `NONE_ID`."""
    tables = [({}, at) for _, at in places]  # type: list[tuple[_Packed, int]]
    platform = 0
    for combination, packed in cells:
        platform += packed
        for table, at in tables:
            id = combination[at] or NONE_ID
            table[id] = table.get(id, 0) + packed
    return {"platform": {PLATFORM_ID: platform}} | {
        dimension: table for (dimension, _), (table, _) in zip(places, tables, strict=True)
    }


def _unpack(into: dict[tuple[str, str, int], list[int]], window: int, tables: Mapping[str, _Packed]) -> None:
    unpack, size = _DIGITS.unpack, _DIGITS.size
    for dimension, table in tables.items():
        for id, packed in table.items():
            into[dimension, id, window] = list(unpack(packed.to_bytes(size, "little")))


# -- distinct ids ------------------------------------------------------------------------------------
def _spread_sketches(
    sketches: dict[Sketch, list[int]], numbers: dict[str, int], hour: int, by_combination: Mapping[Combination, _Hour]
) -> None:
    """Give the sketches their members; `numbers` are those of the names so far."""
    buyers = [
        (combination, [numbers.setdefault(buyer, len(numbers)) for buyer in of_hour.buyers])
        for combination, of_hour in by_combination.items()
        if of_hour.buyers
    ]
    _spread_members(sketches, "buyers", hour, buyers, _BUYER_SPREAD)
    _extend(sketches, "buyers", "session", -1, _gathered(buyers, _SESSION))
    paid = [combination for combination, of_hour in by_combination.items() if of_hour.paid]
    for of, at in (("merchants", _MERCHANT), ("anchors", _ANCHOR)):
        traders = [(each, [numbers.setdefault(id, len(numbers))]) for each in paid if (id := _real(each[at]))]
        _spread_members(sketches, of, hour, traders, _TRADER_SPREAD)


def _spread_members(
    sketches: dict[Sketch, list[int]],
    of: str,
    hour: int,
    members: Sequence[tuple[Combination, list[int]]],
    places: tuple[tuple[str, int], ...],
) -> None:
    if members:
        everybody = list(chain.from_iterable(each for _, each in members))
        _extend(sketches, of, "platform", hour, {PLATFORM_ID: everybody})
        for dimension, at in places:
            _extend(sketches, of, dimension, hour, _gathered(members, at))


def _gathered(members: Iterable[tuple[Combination, list[int]]], at: int) -> dict[str, list[int]]:
    """The members of each id at one place of the combinations, but of those that stand for none."""
    by_id: dict[str | None, list[int]] = {}
    for combination, some in members:
        id = combination[at]
        there = by_id.get(id)
        if there is None:
            by_id[id] = some.copy()
        else:
            there += some
    return {id: each for id, each in by_id.items() if id is not None and id != NONE_ID}


def _extend(
    sketches: dict[Sketch, list[int]], of: str, dimension: str, hour: int, members: Mapping[str, list[int]]
) -> None:
    """A buyer's orders are told apart by nothing here, but a trader is named by every combination: once is enough."""
    for id, some in members.items():
        sketches.setdefault((of, dimension, id, hour), []).extend(some if of == "buyers" else set(some))


def _real(id: str | None) -> str | None:
    """An id that stands for something: `NONE_ID` said out loud is none, either."""
    return None if id == NONE_ID else id


# -- sessions ----------------------------------------------------------------------------------------
def _sessions(cells: Cells, sessions: dict[str, SessionDelta]) -> None:
    for windows in (cells.minutes, cells.hours):
        for by_combination in windows.values():
            for combination, cell in by_combination.items():
                if cell.paid and (session_id := _real(combination[_SESSION])) is not None:
                    session = sessions.setdefault(session_id, SessionDelta())
                    session.saw(cell.first_ms)
                    session.saw(cell.last_ms)
    for event in cells.session_events:
        if event.session_id != NONE_ID:  # what stands for no session can not be one
            sessions.setdefault(event.session_id, SessionDelta()).event(event)
