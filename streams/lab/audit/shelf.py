"""What Redis holds, put beside what is due in one file, and the differences of the two."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping

from streams.lab.audit.compare import sketch_differences, tally_differences
from streams.lab.audit.kept import Kept
from streams.lab.audit.store import Day
from streams.lab.truth import Sketch, Tally
from streams.lab.truth.counting import COUNTERS
from streams.lab.truth.spill import with_net
from streams.retention.policy import Floors
from streams.tally.counters import COUNTERS as CODES
from streams.tally.windows import Zone

_HELD = 5_000
_BATCH = 500

_KEY = "dimension, id, grain, start_ms"
_SKETCH = f"of_what, {_KEY}"
_SCHEMA = f"""
CREATE TABLE found (
    dimension TEXT, id TEXT, grain TEXT, start_ms INTEGER, {", ".join(f"{name} INTEGER" for name in COUNTERS)},
    PRIMARY KEY ({_KEY})
) WITHOUT ROWID;
CREATE TABLE found_sketches (
    of_what TEXT, dimension TEXT, id TEXT, grain TEXT, start_ms INTEGER, members INTEGER, PRIMARY KEY ({_SKETCH})
) WITHOUT ROWID;
CREATE TABLE noted (dimension TEXT, day INTEGER, id TEXT, PRIMARY KEY (dimension, day, id)) WITHOUT ROWID;
"""


def _each(form: str, by: str = ", ") -> str:
    return by.join(form.format(name) for name in COUNTERS)


#: rows whose counters differ, with those that are due and those that were found
_DIFFERENT = f"""
SELECT {_KEY}, {_each("due.{0}")}, {_each("coalesce(found.{0}, 0)")} FROM due LEFT JOIN found USING ({_KEY})
WHERE {_each("due.{0} <> coalesce(found.{0}, 0)", " OR ")}
UNION ALL
SELECT {_KEY}, {_each("0")}, {_each("found.{0}")} FROM found LEFT JOIN due USING ({_KEY})
WHERE due.gmv_fen IS NULL AND ({_each("found.{0} <> 0", " OR ")})
ORDER BY {_KEY}
"""
_DIFFERENT_SKETCHES = f"""
SELECT {_SKETCH}, due_sketches.members, coalesce(found_sketches.members, 0)
FROM due_sketches LEFT JOIN found_sketches USING ({_SKETCH})
WHERE due_sketches.members <> coalesce(found_sketches.members, 0)
UNION ALL
SELECT {_SKETCH}, 0, found_sketches.members FROM found_sketches LEFT JOIN due_sketches USING ({_SKETCH})
WHERE due_sketches.members IS NULL
ORDER BY {_SKETCH}
"""


class Shelf:
    """A sink for what is read from Redis, in the file that has `due` and `due_sketches` (`truth/spill.py`)."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._rows: list[tuple[object, ...]] = []
        db.executescript(_SCHEMA)

    # -- the sink ------------------------------------------------------------------------------
    def tallies(self, found: Mapping[Tally, dict[str, int]]) -> None:
        """See `Sink`."""
        self._rows += [(*tally, *(counters[name] for name in COUNTERS)) for tally, counters in found.items()]
        if len(self._rows) >= _HELD:
            self.flush()

    def sketches(self, found: Mapping[Sketch, int]) -> None:
        """See `Sink`."""
        self._put("REPLACE INTO found_sketches VALUES (?, ?, ?, ?, ?, ?)", ((*each, n) for each, n in found.items()))

    def note(self, days: Iterable[Day]) -> None:
        """See `Sink`."""
        self._put("INSERT OR IGNORE INTO noted VALUES (?, ?, ?)", days)

    def noted(self) -> Iterator[list[Day]]:
        """See `Sink`."""
        rows = self._db.execute("SELECT * FROM noted ORDER BY dimension, day, id")
        while batch := rows.fetchmany(_BATCH):
            yield batch
        self._db.execute("DELETE FROM noted")

    def flush(self) -> None:
        """Write what is still held."""
        self._put(f"REPLACE INTO found VALUES ({', '.join('?' * (4 + len(COUNTERS)))})", self._rows)
        self._rows.clear()

    def clear(self) -> None:
        """Forget everything: it was of no one moment."""
        self._rows.clear()
        for table in ("found", "found_sketches", "noted"):
            self._db.execute(f"DELETE FROM {table}")

    def _put(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(statement, rows)
        self._db.execute("COMMIT")

    # -- beside what is due --------------------------------------------------------------------
    def kept(self, floors: Floors, zone: Zone) -> Kept:
        """What of both is above the floors, and can be compared."""
        since_ms = floors.start_ms("sessions", zone)
        cut = self._db.execute(
            "SELECT id FROM due WHERE dimension = 'session' AND grain = 'hour' AND start_ms < :since UNION "
            "SELECT id FROM found WHERE dimension = 'session' AND grain = 'hour' AND start_ms < :since",
            {"since": since_ms},
        )
        return Kept(floors, zone, frozenset(id for (id,) in cut))

    def count(self, kept: Kept) -> tuple[int, int]:
        """How many tallies are due, kept ones and others."""
        (every,) = self._db.execute("SELECT count(*) FROM due").fetchone()
        if kept.floors == Floors():
            return every, 0
        self._db.create_function("kept", 4, lambda *window: kept.has(Tally(*window)), deterministic=True)
        (ours,) = self._db.execute(f"SELECT coalesce(sum(kept({_KEY})), 0) FROM due").fetchone()
        return ours, every - ours

    def differences(self, kept: Kept) -> Iterator[str]:
        """As `compare.differences`, in the order of the windows."""
        many = len(COUNTERS)
        for row in self._db.cursor().execute(_DIFFERENT):
            tally, due, found = Tally(*row[:4]), row[4 : 4 + many], row[4 + many :]
            yield from tally_differences({tally: with_net(found)}, {tally: with_net(due)}, kept)
        for *name, due, found in self._db.cursor().execute(_DIFFERENT_SKETCHES):
            yield from sketch_differences({Sketch(*name): found}, {Sketch(*name): due}, kept)

    def total_differences(self, totals: Mapping[str, int]) -> Iterator[str]:
        """How what was summed of each dimension (`dimension:code`) differs from its hours that are due."""
        due: dict[str, int] = {}
        for dimension, *sums in self._db.execute(
            f"SELECT dimension, {_each('sum({0})')} FROM due WHERE grain = 'hour' GROUP BY dimension"
        ):
            due |= {f"{dimension}:{code}": value for code, value in zip(CODES, sums, strict=True)}
        for field in sorted(totals):
            if totals[field] != due.get(field, 0):
                yield f"total of {field} is {totals[field]}, should be {due.get(field, 0)}"
