"""Step 6, peaks and records: the rules of a ranking, said plainly; the twin of `raise.lua`, which looks at less.

Two pictures of it must agree (`tests/streams/marks/test_twin.py`): this one keeps every holder and asks all of them
after each act. Pure.

A *stair* is a closed holder strictly above all that closed before it. A holder *leads* if it is a stair, or open and
above the last stair, and if enough holders with GMV above 0 closed before it. From this follows the alert's state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.alerts import State
from streams.marks import acts
from streams.marks.acts import Close, Holder, Raise, Terms

_LIVE = {State.PROVISIONAL, State.CONFIRMED, State.REINSTATED}


class Change(NamedTuple):
    """An alert's new state: one entry of the outbox."""

    holder: Holder
    value: int
    evidence: str
    state: State
    revision: int
    previous: tuple[str, int] | None
    cause: str | None
    by: tuple[str, int | None] | None = None


class Move(NamedTuple):
    """What an act did to the holder `id`.

    `value` is its value now, None if it left; `late` the cause of an alert if it had closed before; `gave_way` tells
    that others may profit.
    """

    id: str
    value: int | None
    fell: bool = False
    late: str | None = None
    gave_way: bool = False


class Standing(NamedTuple):
    """A holder as it stands. `withdrawn` keeps only its version."""

    holder: Holder
    value: int
    evidence: str
    version: int
    closed: bool
    sold: bool
    withdrawn: bool = False

    @property
    def place(self) -> tuple[int, str]:
        return self.holder.order_ms, self.holder.id


def next_state(state: State | None, leads: bool, closed: bool, fell: bool) -> State | None:
    """The state that follows. `fell`: the holder's own value did, just now. None: there is no alert."""
    if leads and not closed:
        return State.PROVISIONAL
    if leads:
        if state in (None, State.PROVISIONAL):
            return State.CONFIRMED
        return state if state in _LIVE else State.REINSTATED
    if state in _LIVE:
        return State.RETRACTED if fell else State.SUPERSEDED
    return state


def cause_of(state: State, above: bool, itself: bool, move: Move) -> str | None:
    """Why a holder came to a state (`facts.Fact.cause`) by a move of `itself` or of another; None if in its time."""
    if state is State.RETRACTED:
        return "fell"
    if state is State.SUPERSEDED:
        return "history" if above else "reached"
    if state is State.PROVISIONAL:
        return None
    if not itself:
        return "freed" if move.gave_way else "history"
    return move.late or ("rose" if state is State.REINSTATED else None)


@dataclass(slots=True)
class RankingTwin:
    """One ranking, everything kept. `falls`: values may also fall (`acts.Ranking.falls`)."""

    terms: Terms
    falls: bool
    watermark_ms: int = 0
    standings: dict[str, Standing] = field(default_factory=dict)
    alerts: dict[str, tuple[State, int]] = field(default_factory=dict)

    # -- what may happen -----------------------------------------------------------------------
    def act(self, act: acts.Move, watermark_ms: int) -> list[Change]:
        """Apply one act; returns the changes of alerts that follow, in the order of the outbox."""
        self.watermark_ms = max(self.watermark_ms, watermark_ms)
        if isinstance(act, Raise):
            return self._raise(act)
        if isinstance(act, Close):
            return self._close(act.holder_id)
        return self._withdraw(act.holder_id, act.version)

    def _raise(self, act: Raise) -> list[Change]:
        old = self.standings.get(act.holder.id)
        if self.falls and old and old.version > act.version:
            return []  # a newer raise has said more
        new = Standing(act.holder, act.value, act.evidence, act.version, self._due(act.holder), act.sold)
        if not self.falls and old:
            new = _grown(old, new)
        return self._put(old, new)

    def _close(self, holder_id: str) -> list[Change]:
        old = self.standings.get(holder_id)
        if old is None or old.withdrawn or old.closed or not self._due(old.holder):
            return []
        return self._put(old, old._replace(closed=True))

    def _withdraw(self, holder_id: str, version: int) -> list[Change]:
        old = self.standings.get(holder_id)
        if old and old.version > version:
            return []
        blank = Standing(Holder(holder_id, 0, 0, None, 0), 0, "", version, closed=False, sold=False)
        self.standings[holder_id] = (old or blank)._replace(version=version, withdrawn=True)
        changes = []
        state, revision = self.alerts.get(holder_id, (None, 0))
        if old and state in _LIVE:
            changes.append(self._tell(old, State.RETRACTED, revision + 1, None, "withdrawn"))
        return changes + self._judge_all(Move(holder_id, None, gave_way=True))

    # -- what follows --------------------------------------------------------------------------
    def stairs(self) -> list[Standing]:
        """Closed holders strictly above all that closed before them, in closing order."""
        stairs: list[Standing] = []
        for standing in self._closed():
            if standing.value > (stairs[-1].value if stairs else 0):
                stairs.append(standing)
        return stairs

    def final_set(self) -> set[str]:
        """Holders whose alert is confirmed or reinstated."""
        return {holder for holder, (state, _) in self.alerts.items() if state in (State.CONFIRMED, State.REINSTATED)}

    def _due(self, holder: Holder) -> bool:
        return holder.close_ms + self.terms.lateness_ms <= self.watermark_ms

    def _awaits_closing(self, standing: Standing) -> bool:
        """Open, but due: it is left to the act that closes it, what it would be until then is old news."""
        return not standing.closed and self._due(standing.holder)

    def _closed(self) -> list[Standing]:
        closed = [each for each in self.standings.values() if each.closed and not each.withdrawn]
        return sorted(closed, key=lambda each: each.place)

    def _put(self, old: Standing | None, new: Standing) -> list[Change]:
        self.standings[new.holder.id] = new
        return self._judge_all(self._move(None if old and old.withdrawn else old, new))

    def _move(self, old: Standing | None, new: Standing) -> Move:
        if old is None:
            return Move(new.holder.id, new.value)
        fell = new.value < old.value
        late = ("late" if new.value > old.value else "moved") if self.falls and old.closed else None
        moved = new.holder.order_ms != old.holder.order_ms or (old.closed and not new.closed)
        return Move(new.holder.id, new.value, fell, late, fell or moved)

    def _judge_all(self, move: Move) -> list[Change]:
        stairs = self.stairs()
        here = [each for each in self.standings.values() if not each.withdrawn and not self._awaits_closing(each)]
        changes = []
        for standing in sorted(here, key=lambda each: each.place):
            change = self._judge(standing, stairs, move)
            changes += [change] if change else []
        return changes

    def _judge(self, standing: Standing, stairs: list[Standing], move: Move) -> Change | None:
        state, revision = self.alerts.get(standing.holder.id, (None, 0))
        earlier = [stair for stair in stairs if not standing.closed or stair.place < standing.place]
        top = earlier[-1] if earlier else None
        above = standing.value > (top.value if top else 0)
        itself = standing.holder.id == move.id
        new = next_state(state, above and self._has_history(standing), standing.closed, itself and move.fell)
        if new is None or new == state:
            return None
        cause = cause_of(new, above, itself, move)
        by = (move.id, move.value) if cause == "freed" else None
        return self._tell(standing, new, revision + 1, top, cause, by)

    def _has_history(self, standing: Standing) -> bool:
        earlier = [each for each in self._closed() if each.sold]
        if standing.closed:
            earlier = [each for each in earlier if each.place < standing.place]
        return len(earlier) >= self.terms.min_history

    def _tell(
        self,
        on: Standing,
        state: State,
        revision: int,
        top: Standing | None,
        cause: str | None,
        by: tuple[str, int | None] | None = None,
    ) -> Change:
        self.alerts[on.holder.id] = (state, revision)
        previous = (top.holder.id, top.value) if top else None
        return Change(on.holder, on.value, on.evidence, state, revision, previous, cause, by)


def _grown(old: Standing, new: Standing) -> Standing:
    """Where values only grow, a smaller one is an older one (of equals the earlier stays); what is closed stays so."""
    stays = (old.value, -old.holder.start_ms) > (new.value, -new.holder.start_ms)
    kept = old._replace(holder=new.holder._replace(start_ms=old.holder.start_ms, end_ms=old.holder.end_ms))
    return (kept if stays else new)._replace(version=new.version, closed=old.closed or new.closed)
