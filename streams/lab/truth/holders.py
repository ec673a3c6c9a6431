"""The closed holders of every ranking: hours, spans of 60 minutes, sessions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from streams.lab.truth.counting import DAY_MS, HOUR_MS, MINUTE_MS, start_of
from streams.lab.truth.model import Ranking, Rules, Tally
from streams.lab.truth.sessions import Session

GROSS: Final = "gmv.paid.gross.v1"
NET: Final = "gmv.paid.net.v1"
_HOUR_SCOPES: Final = ("platform", "cluster", "category", "anchor", "session")
_ROLLING_SCOPES: Final = ("platform", "cluster", "category", "anchor")
#: record scope -> the field of `session.started` that names it
_DECLARED: Final = (
    ("anchor", "anchor_id"), ("merchant", "merchant_id"), ("cluster", "cluster_id"), ("category", "category"),
)  # fmt: skip
_MINUTES_A_DAY: Final = 1440

Tallies = Mapping[Tally, dict[str, int]]


class Holder(NamedTuple):
    """A candidate of a ranking; holders are in the order of (`order_ms`, `id`). `closes_ms` is its window's end."""

    order_ms: int
    id: str
    kind: str
    start_ms: int
    end_ms: int | None
    closes_ms: int
    value_fen: int


def all_holders(tallies: Tallies, sessions: Mapping[str, Session], rules: Rules) -> Iterator[tuple[Ranking, Holder]]:
    """Every holder with GMV above 0, open ones too."""
    yield from _hours(tallies, rules)
    yield from _spans(tallies, rules)
    yield from _sessions(tallies, sessions)


def _hours(tallies: Tallies, rules: Rules) -> Iterator[tuple[Ranking, Holder]]:
    for (dimension, id, grain, start_ms), counters in tallies.items():
        if grain == "hour" and dimension in _HOUR_SCOPES and id != "(none)" and counters["gmv_fen"] > 0:
            end_ms = start_ms + HOUR_MS
            name = _local(start_ms, rules).strftime("%Y-%m-%dT%H")
            holder = Holder(start_ms, name, "hour", start_ms, end_ms, end_ms, counters["gmv_fen"])
            yield Ranking("peak.hour", GROSS, dimension, id), holder


def _spans(tallies: Tallies, rules: Rules) -> Iterator[tuple[Ranking, Holder]]:
    days: defaultdict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0] * _MINUTES_A_DAY)
    for (dimension, id, grain, start_ms), counters in tallies.items():
        if grain == "minute" and dimension in _ROLLING_SCOPES and id != "(none)" and counters["gmv_fen"] > 0:
            day_ms = start_of(start_ms, DAY_MS, rules)
            days[dimension, id, day_ms][(start_ms - day_ms) // MINUTE_MS] = counters["gmv_fen"]
    for (dimension, id, day_ms), minutes in days.items():
        first, value_fen = best_span(minutes)
        start_ms = day_ms + first * MINUTE_MS
        name = _local(day_ms, rules).strftime("%Y-%m-%d")
        holder = Holder(day_ms, name, "span", start_ms, start_ms + HOUR_MS, day_ms + DAY_MS, value_fen)
        yield Ranking("peak.rolling", GROSS, dimension, id), holder


def best_span(minutes: Sequence[int]) -> tuple[int, int]:
    """The first minute and the sum of the best 60 of a day's 1,440 minutes in a row, the earliest of equals."""
    total = sum(minutes[:60])
    best_first, best = 0, total
    for first in range(1, len(minutes) - 59):
        total += minutes[first + 59] - minutes[first - 1]
        if total > best:
            best_first, best = first, total
    return best_first, best


def _sessions(tallies: Tallies, sessions: Mapping[str, Session]) -> Iterator[tuple[Ranking, Holder]]:
    for session_id, session in sessions.items():
        counters = tallies.get(Tally("session", session_id, "session", 0))
        if session.started is None or counters is None or counters["gmv_fen"] <= 0 or session_id == "(none)":
            continue
        start_ms, end_ms = session.started["event_time_ms"], session.end_ms
        for metric, value_fen in ((GROSS, counters["gmv_fen"]), (NET, counters["net_gmv_fen"])):
            holder = Holder(end_ms, session_id, "session", start_ms, session.declared_end_ms, end_ms, value_fen)
            for dimension, id in _scopes(session):
                yield Ranking("record.session", metric, dimension, id), holder


def _scopes(session: Session) -> Iterable[tuple[str, str]]:
    started = session.started or {}
    yield "platform", "all"
    for dimension, name in _DECLARED:
        if started.get(name) not in (None, "(none)"):
            yield dimension, started[name]


def _local(time_ms: int, rules: Rules) -> datetime:
    return datetime.fromtimestamp((time_ms + rules.offset_ms) // 1000, UTC)
