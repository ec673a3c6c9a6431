"""What the value of an alert is a sum of, in the words of the truth. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from schemas.alerts import NET, Alert, Rule
from streams.lab.truth import Record, Rules, Tally
from streams.lab.truth.counting import MINUTE_MS, count_tallies, ids_of
from streams.lab.truth.judge import Counted
from streams.lab.truth.sessions import Session


@dataclass(frozen=True)
class Window:
    """The tallies of (`dimension`, `id`) whose `counter` adds up to an alert's value.

    A session's total depends on its declared end: it is what the alert says, `ended_ms`, None while there is none.
    """

    dimension: str
    id: str
    tallies: frozenset[Tally]
    counter: str
    ended_ms: int | None
    rules: Rules

    def value_fen(self, counted: Iterable[Counted]) -> int:
        """What these events add to the value."""
        ours = [each for each in counted if self._is_of(each.event)]
        sums = count_tallies(ours, self._sessions(), self.rules)
        return sum(sums[tally][self.counter] for tally in self.tallies & sums.keys())

    def order_of(self, record: Record) -> str | None:
        """The order of which the record pays or refunds something that it says is in here; None if it does not."""
        try:
            event = json.loads(record.value or b"")
            if event["event_type"] in ("order.paid", "order.refunded") and self._is_of(event):
                return str(event["order_id"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return None  # a reject, whatever came before it
        return None

    def _is_of(self, event: dict[str, Any]) -> bool:
        return event["event_type"].startswith("order.") and (self.dimension, self.id) in ids_of(event)

    def _sessions(self) -> dict[str, Session]:
        ended = None if self.ended_ms is None else {"event_time_ms": self.ended_ms, "event_id": ""}
        return {self.id: Session(ended=ended)} if self.dimension == "session" else {}


def window_of(alert: Alert, rules: Rules) -> Window:
    """The window of an alert of any rule."""
    holder = alert.holder
    if alert.rule in (Rule.RECORD_SESSION, Rule.MILESTONE):
        counter = "net_gmv_fen" if alert.metric == NET else "gmv_fen"
        session_id = alert.scope.id if alert.rule is Rule.MILESTONE else holder.id
        total = Tally("session", session_id, "session", 0)
        return Window("session", session_id, frozenset([total]), counter, holder.end_ms, rules)
    dimension, id = alert.scope.dimension, alert.scope.id
    if alert.rule is Rule.PEAK_HOUR:
        tallies = frozenset([Tally(dimension, id, "hour", holder.start_ms)])
    else:
        minutes = range(holder.start_ms, holder.end_ms or holder.start_ms, MINUTE_MS)
        tallies = frozenset(Tally(dimension, id, "minute", start_ms) for start_ms in minutes)
    return Window(dimension, id, tallies, "gmv_fen", None, rules)
