"""Probes: order events of which it is known beforehand that they cause alerts, to time the way there. Pure.

Each probe has an anchor of its own with just enough past hours and sessions to compare with. Its one live payment is
above all of them: it causes `peak.hour` and `record.session` of that anchor, and nothing else can.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schemas.alerts import GROSS, Rule
from streams.lab.bench.profile import Profile
from streams.lab.simulator.planned import ORDERS, SESSIONS, Planned, as_bytes
from streams.tally.windows import HOUR_MS, MINUTE_MS, Zone

#: what a probe causes, by the rule that finds it; of the metric and dimension below
RULES: Final = (Rule.PEAK_HOUR.value, Rule.RECORD_SESSION.value)
METRIC: Final = GROSS
DIMENSION: Final = "anchor"

_PAST_FEN, _NOW_FEN = 10_000, 20_000
#: probes share these, as anchors share clusters
_CLUSTERS = 20


def anchor_of(number: int) -> str:
    """The anchor of a probe, who is the scope of its alerts."""
    return f"probe-{number:05d}"


def probe(number: int, arrival_ms: int) -> tuple[bytes, bytes]:
    """Key and value of the payment that causes the alerts."""
    record = _payment(number, "now", _NOW_FEN, arrival_ms)
    return record.key.encode(), record.value


def past(probes: int, min_history: int, now_ms: int, zone: Zone) -> list[Planned]:
    """What must be read before: the probes' closed hours and sessions, and their open ones. In order of arrival."""
    records = [record for number in range(probes) for record in _past_of(number, min_history, now_ms, zone)]
    return sorted(records, key=lambda record: record.arrival_ms)


def _past_of(number: int, min_history: int, now_ms: int, zone: Zone) -> Iterator[Planned]:
    this_hour_ms = zone.start_ms("hour", zone.hour(now_ms))
    for back in range(1, min_history + 1):
        # one hour between, which may still be open
        start_ms = this_hour_ms - (back + 1) * HOUR_MS
        yield _session("session.started", number, str(back), start_ms)
        yield _payment(number, str(back), _PAST_FEN, start_ms + 10 * MINUTE_MS)
        yield _session("session.ended", number, str(back), start_ms + 50 * MINUTE_MS)
    yield _session("session.started", number, "now", this_hour_ms - HOUR_MS)


def started_sessions(profile: Profile, now_ms: int) -> Iterator[Planned]:
    """The sessions of a profile, on air for an hour: without them nothing of theirs would be in any ranking."""
    for number in range(profile.sessions):
        cluster = number % profile.clusters
        session_id, anchor_id = f"session-{number:04d}", f"anchor-{number % profile.anchors:04d}"
        scopes = {
            "merchant_id": f"merchant-{number % profile.merchants:04d}",
            "cluster_id": f"cluster-{cluster:04d}",
            "category": f"category-{cluster % profile.categories:02d}",
        }
        yield _started(session_id, anchor_id, now_ms - HOUR_MS, scopes)


def _started(session_id: str, anchor_id: str, time_ms: int, scopes: dict[str, str]) -> Planned:
    event = {
        "event_id": f"{session_id}-started",
        "event_type": "session.started",
        "event_time_ms": time_ms,
        "session_id": session_id,
        "room_id": f"room-{session_id}",
        "anchor_id": anchor_id,
        **scopes,
    }
    return Planned(SESSIONS, session_id, as_bytes(event), time_ms)


def _session(event_type: str, number: int, which: str, time_ms: int) -> Planned:
    session_id = f"probe-session-{number:05d}-{which}"
    event = {
        "event_id": f"{session_id}-{event_type}",
        "event_type": event_type,
        "event_time_ms": time_ms,
        "session_id": session_id,
        "room_id": f"probe-room-{number:05d}",
        "anchor_id": anchor_of(number),
        **_scopes(number),
    }
    return Planned(SESSIONS, session_id, as_bytes(event), time_ms)


def _payment(number: int, which: str, amount_fen: int, time_ms: int) -> Planned:
    order_id = f"probe-order-{number:05d}-{which}"
    event = {
        "event_id": f"{order_id}-paid",
        "event_type": "order.paid",
        "event_time_ms": time_ms,
        "order_id": order_id,
        "session_id": f"probe-session-{number:05d}-{which}",
        "room_id": f"probe-room-{number:05d}",
        "anchor_id": anchor_of(number),
        **_scopes(number),
        "channel": "live",
        "amount_fen": amount_fen,
        "quantity": 1,
        "currency": "CNY",
        "buyer_id": f"probe-buyer-{number:05d}",
        "pay_time_ms": time_ms,
    }
    return Planned(ORDERS, order_id, as_bytes(event), time_ms)


def _scopes(number: int) -> dict[str, str]:
    return {
        "merchant_id": f"probe-merchant-{number % _CLUSTERS}",
        "cluster_id": f"probe-cluster-{number % _CLUSTERS}",
        "category": "probes",
    }
