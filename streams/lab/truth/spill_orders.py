"""Orders that do not fit into memory: a bounded number of them there, the others in a file."""

import pickle
import sqlite3
from typing import Final

from streams.lab.truth.orders import Order

#: orders that are held in memory
_HELD: Final = 50_000


class SpilledOrders:
    """The orders of one partition, in the file `db`; it takes the place of those of the partition before."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._held: dict[str, list[Order]] = {}
        db.execute("DROP TABLE IF EXISTS orders")
        db.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, known BLOB) WITHOUT ROWID")

    def get(self, order_id: str, /) -> list[Order] | None:
        """See `Known`."""
        lives = self._held.get(order_id)
        if lives is None:
            row = self._db.execute("SELECT known FROM orders WHERE id = ?", (order_id,)).fetchone()
            if row is not None:
                lives = pickle.loads(row[0])
                self[order_id] = lives
        return lives

    def __setitem__(self, order_id: str, lives: list[Order], /) -> None:
        """See `Known`."""
        if len(self._held) >= _HELD:
            self._spill()
        self._held[order_id] = lives

    def _spill(self) -> None:
        self._db.execute("BEGIN")
        rows = ((id, pickle.dumps(self._held[id])) for id in sorted(self._held))
        self._db.executemany("REPLACE INTO orders VALUES (?, ?)", rows)
        self._db.execute("COMMIT")
        self._held.clear()
