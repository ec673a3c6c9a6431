"""Rows of history to raises of the rankings that they belong in. Pure.

They are closed holders like any other, named by no records of the log: their evidence is empty. Their version is 0, so
what the log says of the same session outlives it; of the same hour the larger of the two counts.
"""

from __future__ import annotations

from schemas.alerts import GROSS, NET, Rule
from schemas.history import Imported
from streams.marks.acts import PEAKS, RECORDS, Holder, Raise, Ranking

#: evidence that names no records (`evidence.py`)
NO_EVIDENCE = "{}"


def reader_of(row: Imported) -> str:
    """Which reader closes the rankings of a row (`Keys.closing`)."""
    return PEAKS if row.kind == "hour" else RECORDS


def raises_of(row: Imported) -> list[Raise]:
    """One raise of an hour; of a session one by gross and, where it is known, one by net."""
    if row.kind == "hour":
        holder = Holder(row.id, row.start_ms, row.start_ms, row.end_ms, row.end_ms)
        return [_raise(Rule.PEAK_HOUR, GROSS, row, holder, row.gmv_fen)]
    holder = Holder(row.id, row.end_ms, row.start_ms, row.end_ms, row.end_ms)
    by_net = [] if row.net_fen is None else [_raise(Rule.RECORD_SESSION, NET, row, holder, row.net_fen)]
    return [_raise(Rule.RECORD_SESSION, GROSS, row, holder, row.gmv_fen), *by_net]


def _raise(rule: Rule, metric: str, row: Imported, holder: Holder, value: int) -> Raise:
    ranking = Ranking(rule, metric, row.scope.dimension, row.scope.id, row.kind)
    return Raise(ranking, holder, value, NO_EVIDENCE, version=0, gross=row.gmv_fen)
