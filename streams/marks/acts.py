"""Step 6, peaks and records: what is done to a ranking, as values. What follows from it is in `ranking.py`. Pure."""

from __future__ import annotations

from typing import NamedTuple

from schemas.alerts import HolderKind, Rule

#: which changed marks lead to which rules: `Keys.changed` is kept for each of these readers
PEAKS = "peaks"
RECORDS = "records"


class Terms(NamedTuple):
    """What decides about closing and alerting: lateness in ms, and earlier holders that an alert needs."""

    lateness_ms: int
    min_history: int


class Ranking(NamedTuple):
    """Which ranking: the holders of one scope by one metric. Its holders are all of one kind."""

    rule: Rule
    metric: str
    dimension: str
    scope_id: str
    kind: HolderKind

    @property
    def falls(self) -> bool:
        """Whether values may also fall. Those of hours and spans are gross sums of kept windows: they only grow."""
        return self.kind == "session"


class Holder(NamedTuple):
    """Who stands in a ranking, and when it closes. All times in epoch ms.

    Holders close in the order (`order_ms`, `id`). `close_ms` is the instant at which the window ends, before any
    lateness; `end_ms` is the end as people are told it, None while a session has declared none.
    """

    id: str
    order_ms: int
    start_ms: int
    end_ms: int | None
    close_ms: int


class Raise(NamedTuple):
    """The value of a holder is now `value` (fen): absolute, so that repeating is harmless.

    `evidence` is text that is passed on as it is (`evidence.py`). `version` is the change version of the shard that
    the value was read from; the holder keeps the newest. `gross` is its GMV (fen) where `value` is something else.
    """

    ranking: Ranking
    holder: Holder
    value: int
    evidence: str
    version: int
    gross: int | None = None

    @property
    def sold(self) -> bool:
        """Whether it is history for those that close after it: it has GMV, whatever refunds leave of that."""
        return (self.value if self.gross is None else self.gross) > 0


class Close(NamedTuple):
    """The window of a holder has ended at `close_ms`: it closes with the value that it has, if it is still due."""

    ranking: Ranking
    holder_id: str
    close_ms: int


class Withdraw(NamedTuple):
    """A session does not belong to this ranking's scope any more, as of `version`."""

    ranking: Ranking
    holder_id: str
    version: int


class Reach(NamedTuple):
    """A gross sum, the holder, is reached by `value` (fen): told once, for it never falls. The rest as of a raise."""

    ranking: Ranking
    holder: Holder
    value: int
    evidence: str
    version: int


#: what moves holders in a ranking, and all that one script takes
Move = Raise | Close | Withdraw
Act = Move | Reach


def in_order(acts: list[Act]) -> list[Act]:
    """Withdrawals first, then by the order in which holders close.

    The final set does not depend on it; but an earlier hour that is judged first spares people an alert that would
    have to be taken back.
    """
    return sorted(acts, key=_place)


def _place(act: Act) -> tuple[int, str]:
    if isinstance(act, Raise | Reach):
        return act.holder.close_ms, act.holder.id
    if isinstance(act, Close):
        return act.close_ms, act.holder_id
    return -1, act.holder_id
