"""The counters of every window, one event after the other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Final, NamedTuple

from streams.lab.truth.judge import Counted
from streams.lab.truth.model import Rules, Tally
from streams.lab.truth.sessions import Session
from streams.lab.truth.validate import Event

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
_MINUTES_KEPT_MS: Final = 3 * DAY_MS

#: dimension -> the field of an order event that holds its id
ID_FIELDS: Final = {
    "province": "province", "city": "city", "cluster": "cluster_id", "category": "category",
    "merchant": "merchant_id", "anchor": "anchor_id", "session": "session_id", "channel": "channel",
}  # fmt: skip
WITH_MINUTES: Final = ("platform", "cluster", "category", "anchor", "session")

COUNTERS: Final = (
    "gmv_fen", "orders_paid", "units", "orders_created", "orders_cancelled",
    "refund_fen", "orders_refunded", "refund_booked_fen",
)  # fmt: skip

#: the fields of a `Tally`, before it is given their names
Window = tuple[str, str, str, int]


class Part(NamedTuple):
    """What an event adds to the windows that hold `time_ms`."""

    time_ms: int
    adds: dict[str, int]


def count_tallies(
    counted: Iterable[Counted], sessions: Mapping[str, Session], rules: Rules
) -> dict[Tally, dict[str, int]]:
    """Every tally that any event of `counted` touches, all ten counters of it."""
    sums: defaultdict[Window, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTERS, 0))
    for event, arrival_ms, first_refund in counted:
        ids = ids_of(event)
        for time_ms, adds in parts_of(event, first_refund):
            for window in _windows(ids, time_ms, arrival_ms, sessions, rules):
                counters = sums[window]
                for name, value in adds.items():
                    counters[name] += value
    for counters in sums.values():
        counters["net_gmv_fen"] = counters["gmv_fen"] - counters["refund_fen"]
        counters["net_gmv_booked_fen"] = counters["gmv_fen"] - counters["refund_booked_fen"]
    return {Tally(*window): counters for window, counters in sums.items()}


def parts_of(event: Event, first_refund: bool) -> list[Part]:
    """What an event counts and where; session events count nothing."""
    match event["event_type"]:
        case "order.created":
            return [Part(event["event_time_ms"], {"orders_created": 1})]
        case "order.cancelled":
            return [Part(event["event_time_ms"], {"orders_cancelled": 1})]
        case "order.paid":
            adds = {"gmv_fen": event["amount_fen"], "orders_paid": 1, "units": event["quantity"]}
            return [Part(event["pay_time_ms"], adds)]
        case "order.refunded":
            restated = {"refund_fen": event["refund_fen"], "orders_refunded": int(first_refund)}
            booked = {"refund_booked_fen": event["refund_fen"]}
            return [Part(event["pay_time_ms"], restated), Part(event["event_time_ms"], booked)]
    return []


def ids_of(event: Event) -> list[tuple[str, str]]:
    """The nine (dimension, id) of an order event; a null id is "(none)"."""
    named = [(dimension, event.get(name) or "(none)") for dimension, name in ID_FIELDS.items()]
    return [("platform", "all"), *named]


def start_of(time_ms: int, length_ms: int, rules: Rules) -> int:
    """The start of the local window of `length_ms` that holds `time_ms`; it is half-open."""
    return (time_ms + rules.offset_ms) // length_ms * length_ms - rules.offset_ms


def _windows(
    ids: list[tuple[str, str]], time_ms: int, arrival_ms: int, sessions: Mapping[str, Session], rules: Rules
) -> Iterator[Window]:
    for window in least_windows(ids, time_ms, arrival_ms, rules):
        yield window
        dimension, id, grain, start_ms = window
        if grain == "hour":
            yield dimension, id, "day", start_of(start_ms, DAY_MS, rules)
            if dimension == "session" and start_ms < total_until_ms(sessions.get(id), rules):
                yield "session", id, "session", 0


def least_windows(ids: list[tuple[str, str]], time_ms: int, arrival_ms: int, rules: Rules) -> Iterator[Window]:
    """The hours and minutes that `time_ms` lies in. Days, and totals of sessions, are sums of hours."""
    minute_ms = start_of(time_ms, MINUTE_MS, rules)
    hour_ms = start_of(time_ms, HOUR_MS, rules)
    minutes_kept = arrival_ms - time_ms <= _MINUTES_KEPT_MS
    for dimension, id in ids:
        yield dimension, id, "hour", hour_ms
        if minutes_kept and dimension in WITH_MINUTES:
            yield dimension, id, "minute", minute_ms


def total_until_ms(session: Session | None, rules: Rules) -> float:
    """A session's total takes every hour that begins before its declared end and 30 days more."""
    end_ms = None if session is None else session.declared_end_ms
    return inf if end_ms is None else end_ms + rules.tail_days * DAY_MS
