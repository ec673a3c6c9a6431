"""The sums of a log that does not fit into memory: the same rules, held in a file of SQLite.

Hours and minutes are summed as events come, a bounded number at a time, and added to the file; days, totals of sessions
and distinct counts follow from them at the end. Only sessions are all held in memory. Of members, 64 bits of a hash are
kept: two of ten million share theirs once in a hundred thousand logs.
"""

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from heapq import merge
from itertools import groupby
from math import inf
from operator import itemgetter
from pathlib import Path
from typing import Final

from streams.lab.truth.counting import COUNTERS, DAY_MS, Window, ids_of, least_windows, parts_of, total_until_ms
from streams.lab.truth.distinct import SketchWindow, least_members
from streams.lab.truth.judge import Counted
from streams.lab.truth.model import Rules, Sketch, Tally
from streams.lab.truth.sessions import Session, find_sessions

#: windows, and members of windows, that are held before they are added to the file
_WINDOWS: Final = 100_000
_MEMBERS: Final = 1_000_000
#: members whose distinct ones are counted in memory; of more, by merging
_AT_ONCE: Final = 1_000_000

_AT: Final = {name: at for at, name in enumerate(COUNTERS)}
_NAMES: Final = ", ".join(COUNTERS)
_SUMS: Final = ", ".join(f"sum({name})" for name in COUNTERS)
_MARKS: Final = ", ".join("?" * (4 + len(COUNTERS)))

SCHEMA: Final = f"""
CREATE TABLE due (
    dimension TEXT, id TEXT, grain TEXT, start_ms INTEGER, {", ".join(f"{name} INTEGER" for name in COUNTERS)},
    PRIMARY KEY (dimension, id, grain, start_ms)
) WITHOUT ROWID;
CREATE TABLE due_members (of_what TEXT, dimension TEXT, id TEXT, grain TEXT, start_ms INTEGER, hashes BLOB);
CREATE TABLE due_sketches (
    of_what TEXT, dimension TEXT, id TEXT, grain TEXT, start_ms INTEGER, members INTEGER,
    PRIMARY KEY (of_what, dimension, id, grain, start_ms)
) WITHOUT ROWID;
CREATE TABLE due_until (id TEXT PRIMARY KEY, until_ms INTEGER) WITHOUT ROWID;
"""
_ADD: Final = (
    f"INSERT INTO due VALUES ({_MARKS}) ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in COUNTERS)
)  # fmt: skip


def open_file(path: Path) -> sqlite3.Connection:
    """A new file for the sums, fast because it need not outlive us."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -32768", "temp_store = FILE"):
        db.execute(f"PRAGMA {pragma}")
    return db


class SpilledSums:
    """Call `add` with what was judged, in any order, and `finish` once; then the file has every window that is due."""

    def __init__(self, db: sqlite3.Connection, rules: Rules) -> None:
        self.sessions: dict[str, Session] = {}
        self._db = db
        self._rules = rules
        self._sums: dict[Window, list[int]] = {}
        self._members: defaultdict[SketchWindow, set[int]] = defaultdict(set)
        self._held = 0
        db.executescript(SCHEMA)

    # -- adding --------------------------------------------------------------------------------
    def add(self, counted: Iterable[Counted]) -> None:
        """Sum these events."""
        for each in counted:
            find_sessions([each], self.sessions)
            self._count(each)
            if each.event["event_type"] == "order.paid":
                self._distinct(each)
            if len(self._sums) >= _WINDOWS:
                self._spill_sums()
            if self._held >= _MEMBERS:
                self._spill_members()

    def _count(self, counted: Counted) -> None:
        event, arrival_ms, first_refund = counted
        parts = parts_of(event, first_refund)
        ids = ids_of(event) if parts else []
        for time_ms, adds in parts:
            for window in least_windows(ids, time_ms, arrival_ms, self._rules):
                sums = self._sums.get(window)
                if sums is None:
                    sums = self._sums[window] = [0] * len(COUNTERS)
                for name, value in adds.items():
                    sums[_AT[name]] += value

    def _distinct(self, counted: Counted) -> None:
        hashes: dict[str, int] = {}
        for window, member in least_members(counted.event, self._rules):
            if member not in hashes:
                hashes[member] = _hash(member)
            members = self._members[window]
            self._held -= len(members)
            members.add(hashes[member])
            self._held += len(members)

    def _spill_sums(self) -> None:
        self._in_one(_ADD, ((*window, *self._sums[window]) for window in sorted(self._sums)))
        self._sums.clear()

    def _spill_members(self) -> None:
        rows = ((*window, array("q", sorted(members)).tobytes()) for window, members in self._members.items())
        self._in_one("INSERT INTO due_members VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._members.clear()
        self._held = 0

    def _in_one(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(statement, rows)
        self._db.execute("COMMIT")

    # -- at the end ----------------------------------------------------------------------------
    def finish(self) -> None:
        """What follows from hours: days, totals of sessions, distinct counts."""
        self._spill_sums()
        self._spill_members()
        offset, length = self._rules.offset_ms, DAY_MS
        day = f"(start_ms + {offset}) / {length} * {length} - {offset}"
        self._db.execute(
            f"INSERT INTO due SELECT dimension, id, 'day', {day} AS day_ms, {_SUMS} FROM due "
            "WHERE grain = 'hour' GROUP BY dimension, id, day_ms"
        )
        untils = ((id, total_until_ms(session, self._rules)) for id, session in self.sessions.items())
        self._in_one("INSERT INTO due_until VALUES (?, ?)", (each for each in untils if each[1] != inf))
        self._db.execute(
            f"INSERT INTO due SELECT dimension, due.id, 'session', 0, {_SUMS} FROM due LEFT JOIN due_until USING (id) "
            "WHERE dimension = 'session' AND grain = 'hour' AND (until_ms IS NULL OR start_ms < until_ms) "
            "GROUP BY due.id"
        )
        self._in_one("INSERT INTO due_sketches VALUES (?, ?, ?, ?, ?, ?)", self._counts())

    def _counts(self) -> Iterator[tuple[object, ...]]:
        """Sketches with their exact counts, a local day of hours at a time."""
        self._db.execute("CREATE INDEX by_window ON due_members (of_what, dimension, id, grain, start_ms)")
        rows = self._db.cursor().execute("SELECT * FROM due_members ORDER BY of_what, dimension, id, grain, start_ms")
        for (*name, grain, day_ms), of_day in groupby(rows, key=self._day_of):
            chunks: list[array[int]] = []
            for window, of_window in groupby(of_day, key=itemgetter(slice(0, 5))):
                found = [array("q", row[5]) for row in of_window]
                chunks += found
                yield *window, _how_many(found)
            if grain == "hour":
                yield *name, "day", day_ms, _how_many(chunks)

    def _day_of(self, row: tuple[str, str, str, str, int, bytes]) -> tuple[str, str, str, str, int]:
        offset = self._rules.offset_ms
        return *row[:4], (row[4] + offset) // DAY_MS * DAY_MS - offset

    # -- reading back, whole: for logs that fit --------------------------------------------------
    def tallies(self) -> dict[Tally, dict[str, int]]:
        """Every tally with all its counters, as `count_tallies` has them."""
        return {Tally(*row[:4]): with_net(row[4:]) for row in self._db.execute("SELECT * FROM due")}

    def sketches(self) -> dict[Sketch, int]:
        """Every sketch with its count, as `count_distinct` has them."""
        return {Sketch(*row[:5]): row[5] for row in self._db.execute("SELECT * FROM due_sketches")}


def with_net(sums: tuple[int, ...]) -> dict[str, int]:
    """The eight sums of a row by name, and the two that follow."""
    counters = dict(zip(COUNTERS, sums, strict=True))
    counters["net_gmv_fen"] = counters["gmv_fen"] - counters["refund_fen"]
    counters["net_gmv_booked_fen"] = counters["gmv_fen"] - counters["refund_booked_fen"]
    return counters


def _hash(member: str) -> int:
    return int.from_bytes(blake2b(member.encode(), digest_size=8).digest(), "big", signed=True)


def _how_many(chunks: list["array[int]"]) -> int:
    """How many different numbers sorted chunks hold."""
    if sum(map(len, chunks)) <= _AT_ONCE:
        return len(set().union(*chunks))
    return sum(1 for _ in groupby(merge(*chunks)))
