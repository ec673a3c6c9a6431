"""What the board streams at `/v1/stream`: one `snapshot`, then `change`s, as server-sent events.

A snapshot has every section; a change has those that are others now, each of them whole, so a reader replaces what it
holds by what comes: `Object.assign(state, change)`. Alerts alone are added to: each change brings the new ones.

The `id` of an event is `<board>.<number>.<entry>`. Sent back as `Last-Event-ID` it resumes: with the changes missed
while the same board still holds them, else with a snapshot whose `alerts` are exactly those after `<entry>`, which
it says in `alerts_after`.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from schemas.answers import Best, Count, Declared, Fen, Ms, Reasons, Standing, Told


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """How old what is shown is. `behind_ms` is the board's clock less the watermark, both null while there is none.

    `unread`: records lie in Kafka that are not counted yet. `store`: the store answers the board; while it does not,
    everything else is what was read last.
    """

    as_of_ms: Ms | None
    now_ms: Ms
    behind_ms: int | None
    unread: bool
    store: bool


class RunningHour(msgspec.Struct, frozen=True, kw_only=True):
    """The platform's hour in which the watermark lies. `best` is the best closed hour on record: the water line.

    `best` is null, with a reason, while no hour has closed. `id` is a local hour, as `2025-12-31T20`.
    """

    id: str
    start_ms: Ms
    end_ms: Ms
    gmv_fen: Fen
    net_gmv_fen: Fen
    orders_paid: Count
    buyers: Count
    best: Best | None
    reasons: Reasons


class Minutes(msgspec.Struct, frozen=True, kw_only=True):
    """GMV of the platform's last 60 minutes, oldest first; the last one is running. Null below the retention floor."""

    start_ms: Ms
    gmv_fen: list[Fen | None]


class Leader(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the running hour's ranking by GMV."""

    rank: Count
    id: str
    gmv_fen: Fen
    orders_paid: Count


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A channel of the running hour. `share` is of the platform's GMV, 0 to 1; null while that is 0."""

    id: str
    gmv_fen: Fen
    orders_paid: Count
    share: float | None


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has not closed. `recent_fen` is its GMV of the 10 whole minutes before the watermark's.

    `records` are its scopes, the widest first: what it would have to beat.
    """

    session_id: str
    declared: Declared
    end_ms: Ms | None
    gmv_fen: Fen
    net_gmv_fen: Fen
    orders_paid: Count
    recent_fen: Fen
    records: list[Standing]


class OpenSessions(msgspec.Struct, frozen=True, kw_only=True):
    """The open sessions with the most GMV; `count` is how many there are."""

    count: Count
    top: list[OpenSession]


class History(msgspec.Struct, frozen=True, kw_only=True):
    """How much history scopes have: without it there are no peaks and records."""

    hours: list[Standing]
    sessions: list[Standing]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything. `hour`, `minutes` and what follows are null while there is no watermark.

    `clusters` and `anchors` are null, too, while those of a new hour are still being read.
    """

    freshness: Freshness
    hour: RunningHour | None
    minutes: Minutes | None
    clusters: list[Leader] | None
    anchors: list[Leader] | None
    channels: list[Share] | None
    sessions: OpenSessions | None
    history: History | None
    #: oldest first
    alerts: list[Told]
    #: the entry that `alerts` follow without a gap; null: they are just the latest
    alerts_after: str | None


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sections that changed, each whole; of alerts the new ones, oldest first."""

    freshness: Freshness | UnsetType = UNSET
    hour: RunningHour | UnsetType | None = UNSET
    minutes: Minutes | UnsetType | None = UNSET
    clusters: list[Leader] | UnsetType | None = UNSET
    anchors: list[Leader] | UnsetType | None = UNSET
    channels: list[Share] | UnsetType | None = UNSET
    sessions: OpenSessions | UnsetType | None = UNSET
    history: History | UnsetType | None = UNSET
    alerts: list[Told] | UnsetType = UNSET
