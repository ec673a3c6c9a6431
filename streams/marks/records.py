"""Step 6, peaks and records: a changed session to raises of `record.session` in every scope it declares. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from schemas.alerts import GROSS, NET, Rule
from streams.marks.acts import Act, Holder, Raise, Ranking, Reach, Withdraw
from streams.tally.counters import NONE_ID, PLATFORM_ID
from streams.tally.sessions import END_OF_ID, Scopes
from streams.tally.windows import HOUR_MS, Zone

#: a session without a declared end ends this long after its last sign of life
SILENCE_MS = 6 * HOUR_MS

#: a scope, as (dimension, id)
Scope = tuple[str, str]

_decode = msgspec.json.Decoder(Scopes).decode


class Sums(NamedTuple):
    """Paid and refunded fen of one hour of a session."""

    gmv_fen: int
    refund_fen: int


class Session(NamedTuple):
    """What the store knows of a session (`Keys.session`, `streams/tally/sessions.py`). Hours are local indexes."""

    id: str
    started: str
    ended: str
    first_ms: int
    last_ms: int
    hours: Mapping[int, Sums]


class Total(NamedTuple):
    """A session's own total, and the hours that it is from."""

    gross_fen: int
    net_fen: int
    hours: tuple[int, ...]


def parse_record_mark(member: str) -> str:
    """The session id of a member of `changed:records`, `session|<id>`. Raises `ValueError` on what no settle writes."""
    kind, separator, session_id = member.partition("|")
    if kind != "session" or not separator:
        raise ValueError(f"{member!r} is no changed mark of records (valid: session|…)")
    return session_id


def declared_scopes(started: str) -> list[Scope]:
    """The scopes that the least `session.started` declares; none without one. Null ids are left out."""
    return list(_declared(started)) if started else []


@lru_cache(16_384)
def _declared(started: str) -> tuple[Scope, ...]:
    scopes = _declaration(started)
    ids = {
        "anchor": scopes.anchor_id,
        "merchant": scopes.merchant_id,
        "cluster": scopes.cluster_id,
        "category": scopes.category,
        "platform": PLATFORM_ID,
    }
    return tuple((dimension, id) for dimension, id in ids.items() if id is not None and id != NONE_ID)


def _declaration(started: str) -> Scopes:
    """The text is time, event id, JSON; the id may hold the sign that ends it, JSON never does (it escapes it)."""
    return _decode(started[started.rindex(END_OF_ID) + 1 :])


def declared_end_ms(session: Session) -> int | None:
    """The declared end, None while there is none."""
    return int(session.ended[:15]) if session.ended else None


def total(zone: Zone, session: Session, tail_ms: int) -> Total:
    """Sum the hours that begin before the declared end + `tail_ms`; all of them while none is declared."""
    end_ms = declared_end_ms(session)
    counted = {
        hour: sums
        for hour, sums in session.hours.items()
        if end_ms is None or zone.start_ms("hour", hour) < end_ms + tail_ms
    }
    gross_fen = sum(sums.gmv_fen for sums in counted.values())
    net_fen = gross_fen - sum(sums.refund_fen for sums in counted.values())
    return Total(gross_fen, net_fen, tuple(sorted(hour for hour, sums in counted.items() if any(sums))))


def session_holder(session: Session) -> Holder:
    """The session as a holder: from its start (else its first sign of life) to its end, at which it closes."""
    end_ms = declared_end_ms(session)
    start_ms = int(session.started[:15]) if session.started else session.first_ms
    close_ms = session.last_ms + SILENCE_MS if end_ms is None else end_ms
    return Holder(session.id, close_ms, start_ms, end_ms, close_ms)


def scopes_to_place(session: Session, totals: Total, placed: Collection[Scope]) -> Sequence[Scope]:
    """The scopes in whose rankings the session belongs now: all declared, once it sold something."""
    scopes = declared_scopes(session.started)
    return scopes if totals.gross_fen else [scope for scope in scopes if scope in placed]


def session_acts(
    session: Session, totals: Total, scopes: Collection[Scope], placed: Collection[Scope], evidence: str, version: int
) -> list[Act]:
    """Raise the session in its `scopes` by both metrics, and take it out where an earlier idea of its start had put it.

    `placed` are the scopes in which it was ever raised. It never leaves them: whoever still raises it there by an old
    reading is outlived by a withdrawal with a newer version.
    """
    holder = session_holder(session)
    acts: list[Act] = []
    for metric, value in ((GROSS, totals.gross_fen), (NET, totals.net_fen)):
        for dimension, id in scopes:
            acts.append(Raise(_ranking(metric, dimension, id), holder, value, evidence, version, totals.gross_fen))
        for dimension, id in sorted(set(placed) - set(scopes)):
            acts.append(Withdraw(_ranking(metric, dimension, id), session.id, version))
    return acts


def milestone_acts(
    session: Session, totals: Total, sums_fen: Collection[int], evidence: str, version: int
) -> list[Reach]:
    """Each of `sums_fen` that a session has reached, gross."""
    reached = [sum for sum in sums_fen if totals.gross_fen >= sum]
    if not reached or session.id == NONE_ID:
        return []
    ranking = Ranking(Rule.MILESTONE, GROSS, "session", session.id, "sum")
    of = session_holder(session)
    return [
        Reach(ranking, of._replace(id=f"{session.id}/{sum}"), totals.gross_fen, evidence, version) for sum in reached
    ]


@lru_cache(65_536)
def _ranking(metric: str, dimension: str, id: str) -> Ranking:
    return Ranking(Rule.RECORD_SESSION, metric, dimension, id, "session")
