"""Rankings of sums that lie in a file, one ranking after the other: the same holders, closed by the same rules."""

import pickle
import sqlite3
from collections.abc import Iterator, Mapping
from itertools import groupby, islice
from operator import itemgetter
from typing import Final

from streams.lab.truth.counting import COUNTERS, WITH_MINUTES
from streams.lab.truth.final import closed_holders
from streams.lab.truth.holders import Holder, all_holders
from streams.lab.truth.model import Ranking, Rules, Tally
from streams.lab.truth.sessions import Session
from streams.lab.truth.spill import with_net

#: sessions that are looked at together
_SESSIONS: Final = 500


def closed_rankings(
    db: sqlite3.Connection, sessions: Mapping[str, Session], watermark_ms: int | None, rules: Rules
) -> Iterator[tuple[Ranking, list[Holder]]]:
    """Every ranking that has closed holders, with those in their order."""
    yield from _peaks(db, watermark_ms, rules)
    yield from _records(db, sessions, watermark_ms, rules)


def _peaks(db: sqlite3.Connection, watermark_ms: int | None, rules: Rules) -> Iterator[tuple[Ranking, list[Holder]]]:
    """All hours and minutes of one id make two rankings."""
    marks = ", ".join("?" * len(WITH_MINUTES))
    rows = db.cursor().execute(
        f"SELECT dimension, id, grain, start_ms, gmv_fen FROM due WHERE dimension IN ({marks}) AND "
        "grain IN ('hour', 'minute') AND gmv_fen > 0 ORDER BY dimension, id",
        WITH_MINUTES,
    )
    for _, of_id in groupby(rows, key=itemgetter(0, 1)):
        tallies = {Tally(*row[:4]): {"gmv_fen": row[4]} for row in of_id}
        yield from closed_holders(all_holders(tallies, {}, rules), watermark_ms, rules).items()


def _records(
    db: sqlite3.Connection, sessions: Mapping[str, Session], watermark_ms: int | None, rules: Rules
) -> Iterator[tuple[Ranking, list[Holder]]]:
    db.execute("CREATE TABLE records (rule TEXT, metric TEXT, dimension TEXT, id TEXT, holder BLOB)")
    left = iter(sessions.items())
    while some := dict(islice(left, _SESSIONS)):
        holders = all_holders(_totals(db, list(some)), some, rules)
        rows = ((*ranking, pickle.dumps(holder)) for ranking, holder in holders)
        db.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?)", rows)
    ordered = db.cursor().execute("SELECT * FROM records ORDER BY rule, metric, dimension, id")
    for name, of_ranking in groupby(ordered, key=itemgetter(slice(0, 4))):
        pairs = ((Ranking(*name), pickle.loads(row[4])) for row in of_ranking)
        yield from closed_holders(pairs, watermark_ms, rules).items()


def _totals(db: sqlite3.Connection, ids: list[str]) -> dict[Tally, dict[str, int]]:
    rows = db.execute(
        f"SELECT dimension, id, grain, start_ms, {', '.join(COUNTERS)} FROM due WHERE dimension = 'session' AND "
        f"grain = 'session' AND id IN ({', '.join('?' * len(ids))})",
        ids,
    )
    return {Tally(*row[:4]): with_net(row[4:]) for row in rows}
