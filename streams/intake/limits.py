"""Step 2, admit: when rejects are so many that a partition stops instead of being drained into the rejects topic. Pure.

A bad release of a producer turns everything into rejects within seconds. Whoever mends it wants the records where they
lie, unread, not in a topic that is kept for a week.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

#: records of a partition over which the share of rejects is taken
SHARE_OF_RECORDS = 10_000


class _Window:
    """Tells when `count` rejects lie among `of` consecutive records; each reject is one number, a record costs nothing.

    Exact by record: looked at when a reject comes, which is the only moment at which their number can rise.
    """

    __slots__ = ("_count", "_last", "_of")

    def __init__(self, count: int, of: int) -> None:
        self._count = count
        self._of = of
        self._last: deque[int] = deque(maxlen=count)

    def reached(self, number: int) -> bool:
        """Record `number` (they are counted in log order, without holes) is a reject: is that one too many?"""
        self._last.append(number)
        return len(self._last) == self._count and number - self._last[0] < self._of


class RejectLimits:
    """The limits of one partition, since it was opened: what lies below its fence then is not given to it.

    `in_a_row` consecutive rejects stop it, and `share` percent of the last `SHARE_OF_RECORDS` records (0: never). A
    partition that is opened again begins anew: starting a worker again lets so many more pass, and no limit is raised.
    """

    def __init__(self, in_a_row: int, share: int) -> None:
        self._in_a_row = in_a_row
        self._share = share
        self._row = _Window(in_a_row, in_a_row)
        self._part = _Window(SHARE_OF_RECORDS * share // 100, SHARE_OF_RECORDS) if share else None
        self._seen = 0

    def look(self, records: int, rejects: Iterable[tuple[int, int]]) -> str | None:
        """Take so many further records; `rejects` are those refused, as (position among them, offset) in log order.

        Says which limit was reached first, wherever chunks end: what lies behind it in these records is counted, too.
        """
        before, reached = self._seen, None
        self._seen += records
        for position, offset in rejects:
            reached = reached or self._reached(before + position, offset)
        return reached

    def _reached(self, number: int, offset: int) -> str | None:
        row, part = self._row.reached(number), self._part is not None and self._part.reached(number)
        if row:
            return f"{self._in_a_row:,} rejects in a row, the last at offset {offset}"
        if part:
            return f"{self._share} % of the last {SHARE_OF_RECORDS:,} records are rejects, the last at offset {offset}"
        return None
