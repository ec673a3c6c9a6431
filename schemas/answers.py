"""What the HTTP API answers: tallies, sessions, rankings, alerts, problems. `schemas/live.py` has what it streams.

Money is integer fen, time integer epoch milliseconds. Unknown is null, and `reasons` says why, by field; it is never 0.
`as_of_ms` is the watermark at which everything in an answer was read, null while there is none.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.alerts import Alert, Holder, HolderKind, Scope

Fen = Annotated[int, Meta(description="fen, 1/100 yuan")]
Ms = Annotated[int, Meta(description="epoch milliseconds")]
Count = Annotated[int, Meta(ge=0)]
Reasons = Annotated[dict[str, str], Meta(description="field that is null -> why")]

Grain = Literal["minute", "hour", "day"]


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted of a window. `net_gmv_fen` is restated to the hour of payment, `…_booked_…` that of the refund.

    All are null below the retention floor. `buyers`, `merchants` and `anchors` are distinct and estimated (a sketch,
    off by 0.8 % at most times); null where no sketch is kept.
    """

    gmv_fen: Fen | None
    orders_paid: int | None
    units: int | None
    orders_created: int | None
    orders_cancelled: int | None
    refund_fen: Fen | None
    orders_refunded: int | None
    net_gmv_fen: Fen | None
    refund_booked_fen: Fen | None
    net_gmv_booked_fen: Fen | None
    buyers: Count | None
    merchants: Count | None
    anchors: Count | None
    reasons: Reasons


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One window of a tally, `[start_ms, end_ms)`.

    `final`: it is closed (the watermark passed its end plus the lateness), and no order of it came after that. Refunds
    may still restate its net sums, for as long as hours take them.
    """

    start_ms: Ms
    end_ms: Ms
    final: bool
    counters: Counters


class Tallies(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive windows of one tally, oldest first; `next` is the cursor of those that follow, null at the end."""

    dimension: str
    id: str
    grain: Grain
    metric: str
    as_of_ms: Ms | None
    windows: list[Window]
    next: str | None


class Best(msgspec.Struct, frozen=True):
    """What stands at the top of a ranking: closed, and above all that closed before it."""

    holder: Holder
    value_fen: Fen


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A scope that a session (or hour) competes in: its best so far, and how much history it has.

    `history` are earlier holders with sales, counted up to 16; an alert needs `needed` of them. `best` is null while
    nothing has closed.
    """

    scope: Scope
    best: Best | None
    history: Count
    needed: Count


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What the `session.started` of a session said; all null if it never came."""

    start_ms: Ms | None = None
    anchor_id: str | None = None
    merchant_id: str | None = None
    cluster_id: str | None = None
    category: str | None = None
    room_id: str | None = None
    title: str | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session. `state`: open, ended (orders still count, it is not closed) or closed.

    `total` is of the orders that count for it: those paid up to 30 days after its end. `final`: closed, and no order
    came after that. `end_ms` is null while no end is declared. `hours` are its windows with sales, oldest first.
    """

    session_id: str
    state: Literal["open", "ended", "closed"]
    declared: Declared
    end_ms: Ms | None
    last_ms: Ms | None
    metric: str
    as_of_ms: Ms | None
    final: bool
    total: Counters
    hours: list[Window]
    records: list[Standing]
    reasons: Reasons


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a ranking of ids. `value` is what it is ranked by: fen, a number, or a growth in percent.

    `before` is the value of the window that growth compares with (the same hour a day before, the day a week before,
    the same days of the year before); null where nothing is known of it, and where the ranking is not by growth.
    """

    rank: Count
    id: str
    value: float | int | None
    gmv_fen: Fen | None
    orders_paid: int | None
    before: int | None
    reasons: Reasons


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """Ids ranked in one window. `ids` is how many were compared."""

    ranking: str
    by: str
    window: str
    start_ms: Ms
    end_ms: Ms
    as_of_ms: Ms | None
    final: bool
    metric: str
    ids: Count
    rows: list[Row]
    next: str | None


class HolderRow(msgspec.Struct, frozen=True, kw_only=True):
    """An hour or session in the ranking of its scope. `state`: open (it still may grow) or closed."""

    rank: Count
    holder: Holder
    state: Literal["open", "closed"]
    value_fen: Fen


class HolderRanking(msgspec.Struct, frozen=True, kw_only=True):
    """The best hours or sessions of a scope; `since_ms` is from when on they are compared, null: ever."""

    ranking: str
    kind: HolderKind
    scope: Scope
    by: str
    as_of_ms: Ms | None
    metric: str
    since_ms: Ms | None
    best: Best | None
    rows: list[HolderRow]
    next: str | None


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """How many clusters passed a sum in the year to date, and which; `year` is a local one."""

    year: int
    above_fen: Fen
    as_of_ms: Ms | None
    metric: str
    count: Count
    rows: list[Row]
    next: str | None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An alert's revision as it was published. `entry` orders them: it is the cursor, and part of `Last-Event-ID`."""

    entry: str
    alert: Alert


class Alerts(msgspec.Struct, frozen=True, kw_only=True):
    """Revisions of alerts, newest first. `next` is the cursor of older ones, null once there are none.

    A page may be short, even empty, and still have a `next`: so much is looked through at a time, and no more.
    """

    alerts: list[Told]
    next: str | None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457: what is wrong with a request, or with the answer. `detail` says what to do."""

    type: str
    title: str
    status: int
    detail: str


class Healthy(msgspec.Struct, frozen=True, kw_only=True):
    """The process lives."""

    alive: bool


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the board can answer, and if not, why."""

    ready: bool
    reasons: list[str]
