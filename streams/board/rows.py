"""The rows of a ranking of ids: what is ordered by, pages of it, and growth. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.answers import Row
from streams.board.leaders import Sum, Values
from streams.retention.deeds import SKETCHES

NOT_KEPT = "the window that it is compared with is older than what is kept"
NO_BASE = "nothing was sold in the window that it is compared with"


def value_of(id: str, values: Values, by: str) -> int:
    """What an id is ranked by: fen, orders, or a distinct count."""
    if by in SKETCHES:
        return values.distinct[id]
    return values.sums[id].gmv_fen if by == "gmv" else values.sums[id].orders_paid


def in_order(values: Values, by: str) -> list[str]:
    """All ids, that with the greatest value first; equals by their id."""
    return sorted(values.sums, key=lambda id: (-value_of(id, values, by), id))


def rows_of(ids: Sequence[str], values: Values, by: str, first: int) -> list[Row]:
    """The rows of ids that follow the first `first` of their ranking."""
    return [
        Row(
            rank=at,
            id=id,
            value=value_of(id, values, by),
            gmv_fen=values.sums[id].gmv_fen,
            orders_paid=values.sums[id].orders_paid,
            before=None,
            reasons={},
        )
        for at, id in enumerate(ids, start=first + 1)
    ]


def grown_by(now: Sum, base: Sum | None) -> float:
    """What it is a multiple of; -1, behind all others, where nothing was sold before."""
    return now.gmv_fen / base.gmv_fen if base is not None and base.gmv_fen else -1.0


def growth_row(rank: int, id: str, now: Sum, base: Sum | None, why: str, kept: bool) -> Row:
    """A row of growth; `why` says what is missing, `kept` whether the window compared with is kept at all."""
    grown = grown_by(now, base)
    reasons = {} if grown >= 0 else {"value": why}
    return Row(
        rank=rank,
        id=id,
        value=round(100 * (grown - 1), 2) if grown >= 0 else None,
        gmv_fen=now.gmv_fen,
        orders_paid=now.orders_paid,
        before=(base.gmv_fen if base else 0) if kept else None,
        reasons=reasons if kept else {"value": why, "before": why},
    )


def page_of(ids: Sequence[str], asked: dict[str, Any]) -> tuple[list[str], str | None]:
    """The page asked for, and the cursor of the next one."""
    first, stop = asked["cursor"], asked["cursor"] + asked["limit"]
    return list(ids[first:stop]), str(stop) if stop < len(ids) else None
