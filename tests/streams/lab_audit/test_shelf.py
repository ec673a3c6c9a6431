"""What Redis holds beside what is due, in a file: the same differences as in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.lab.audit.compare import differences, looked_at
from streams.lab.audit.shelf import Shelf
from streams.lab.audit.store import Stored
from streams.lab.truth import Rules, Sketch, Tally, Truth
from streams.lab.truth.counting import COUNTERS
from streams.lab.truth.spill import with_net
from streams.lab.truth.spilled import SpilledTruth
from streams.retention.policy import Floors
from streams.tally.windows import HOUR_MS, SHANGHAI

HOUR = Tally("anchor", "anchor-0001", "hour", 480_000 * HOUR_MS - SHANGHAI.offset_ms)
SKETCH = Sketch("buyers", "anchor", "anchor-0001", "hour", HOUR.start_ms)
SESSION_HOUR = Tally("session", "s", "hour", 0)
SESSION = Tally("session", "s", "session", 0)


def sums(gmv_fen: int, units: int = 0) -> dict[str, int]:
    return with_net((gmv_fen, 0, units, 0, 0, 0, 0, 0))


class Case:
    """A file with both sides, and the same in memory."""

    def __init__(self, path: Path) -> None:
        self.truth = SpilledTruth(path, Rules())
        self.shelf = Shelf(self.truth.db)

    def due(self, tallies: dict[Tally, dict[str, int]], sketches: dict[Sketch, int]) -> None:
        for tally, counters in tallies.items():
            row = (*tally, *(counters[name] for name in COUNTERS))
            self.truth.db.execute(f"INSERT INTO due VALUES ({', '.join('?' * len(row))})", row)
        for sketch, members in sketches.items():
            self.truth.db.execute("INSERT INTO due_sketches VALUES (?, ?, ?, ?, ?, ?)", (*sketch, members))

    def differences(self, stored: Stored) -> list[str]:
        self.shelf.tallies(stored.tallies)
        self.shelf.sketches(stored.sketches)
        self.shelf.flush()
        return list(self.shelf.differences(self.shelf.kept(stored.floors, SHANGHAI)))


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    it = Case(tmp_path / "sums")
    yield it
    it.truth.db.close()


@pytest.mark.parametrize(
    ("stored", "truth", "lines"),
    [
        (Stored({HOUR: sums(5)}, {SKETCH: 7}), Truth(tallies={HOUR: sums(5)}, sketches={SKETCH: 7}), 0),
        (Stored({HOUR: sums(5, 1)}), Truth(tallies={HOUR: sums(6, 2)}), 4),
        (Stored({HOUR: sums(5)}), Truth(tallies={HOUR._replace(id="anchor-0002"): sums(6)}), 6),
        (Stored(), Truth(tallies={HOUR: sums(0)}), 0),
        (Stored({HOUR: sums(0)}), Truth(), 0),
        (Stored(sketches={SKETCH: 5}), Truth(sketches={SKETCH: 3}), 0),
        (Stored(sketches={SKETCH: 6}), Truth(sketches={SKETCH: 3}), 1),
        (Stored(), Truth(sketches={SKETCH: 3}), 1),
        (Stored(sketches={SKETCH: 3}), Truth(), 1),
        (Stored({HOUR: sums(5)}, floors=Floors(hours=480_000)), Truth(tallies={HOUR: sums(6)}), 3),
        (Stored({HOUR: sums(5)}, floors=Floors(hours=480_001)), Truth(tallies={HOUR: sums(6)}), 0),
        (Stored({SESSION_HOUR: sums(5)}), Truth(tallies={SESSION: sums(5)}), 6),
        (Stored({SESSION_HOUR: sums(5)}, floors=Floors(sessions=1)), Truth(tallies={SESSION: sums(5)}), 0),
    ],
)
def test_a_file_has_the_differences_that_memory_has(case: Case, stored: Stored, truth: Truth, lines: int) -> None:
    case.due(truth.tallies, truth.sketches)
    found = case.differences(stored)
    assert found == list(differences(stored, truth, looked_at(stored, truth, SHANGHAI)))
    assert len(found) == lines


def test_a_window_that_is_read_again_is_that_of_the_later_reading(case: Case) -> None:
    case.due({HOUR: sums(6)}, {SKETCH: 3})
    case.shelf.tallies({HOUR: sums(5)})
    case.shelf.sketches({SKETCH: 9})
    assert case.differences(Stored({HOUR: sums(6)}, {SKETCH: 3})) == []


def test_what_was_of_no_one_moment_is_forgotten(case: Case) -> None:
    case.shelf.tallies({HOUR: sums(5)})
    case.shelf.note([("anchor", 5, "a")])
    case.shelf.clear()
    assert case.differences(Stored()) == []
    assert list(case.shelf.noted()) == []


def test_days_are_noted_once_and_asked_for_once(case: Case) -> None:
    case.shelf.note([("anchor", 6, "a"), ("anchor", 5, "a"), ("anchor", 6, "a")])
    assert list(case.shelf.noted()) == [[("anchor", 5, "a"), ("anchor", 6, "a")]]
    assert list(case.shelf.noted()) == []


@pytest.mark.parametrize(("floor", "count"), [(480_000, (3, 0)), (480_001, (2, 1)), (480_002, (1, 2))])
def test_what_is_kept_is_counted(case: Case, floor: int, count: tuple[int, int]) -> None:
    later = HOUR._replace(start_ms=HOUR.start_ms + HOUR_MS)
    case.due({HOUR: sums(1), later: sums(0), HOUR._replace(dimension="channel"): sums(1)}, {})
    assert case.shelf.count(case.shelf.kept(Floors(hours=floor), SHANGHAI)) == count


@pytest.mark.parametrize(("fen", "lines"), [(10, []), (9, ["total of anchor:g is 9, should be 10"])])
def test_totals_are_those_of_the_hours_that_are_due(case: Case, fen: int, lines: list[str]) -> None:
    case.due({HOUR: sums(4), HOUR._replace(id="b"): sums(6), HOUR._replace(grain="day"): sums(10)}, {})
    assert list(case.shelf.total_differences({"anchor:g": fen, "anchor:p": 0})) == lines
