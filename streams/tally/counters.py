"""The counters of a tally and the dimensions it is kept for: the one table of both.

A counter is stored under a one-letter code, so that a hash of a day's hours stays small. `net_gmv_fen`
and `net_gmv_booked_fen` are differences of two stored ones and are never stored.
"""

from typing import Final

#: one-letter code in Redis -> name everywhere else (contract, "Which time decides, and what is counted")
COUNTERS: Final = {
    "g": "gmv_fen",
    "p": "orders_paid",
    "u": "units",
    "c": "orders_created",
    "x": "orders_cancelled",
    "r": "refund_fen",
    "o": "orders_refunded",
    "b": "refund_booked_fen",
}

#: id of the one platform, and the id that stands for null in every other dimension
PLATFORM_ID: Final = "all"
NONE_ID: Final = "(none)"

#: every dimension, in the order in which rows are written
DIMENSIONS: Final = (
    "platform", "province", "city", "cluster", "category", "merchant", "anchor", "session", "channel",
)  # fmt: skip

#: dimensions that keep minutes beside hours (those with a rolling peak, and the session's own curve)
MINUTE_DIMENSIONS: Final = frozenset({"platform", "cluster", "category", "anchor", "session"})
#: scopes of `peak.hour`, of `peak.rolling` and of `record.session`
PEAK_HOUR_SCOPES: Final = frozenset({"platform", "cluster", "category", "anchor", "session"})
PEAK_ROLLING_SCOPES: Final = frozenset({"platform", "cluster", "category", "anchor"})
RECORD_SCOPES: Final = ("anchor", "merchant", "cluster", "category", "platform")

#: dimensions whose hours keep a sketch of distinct buyers; a session keeps one for its whole life
BUYER_HOUR_DIMENSIONS: Final = frozenset({"platform", "province", "cluster", "category", "anchor"})
#: dimensions whose hours keep sketches of trading merchants and of earning anchors
TRADER_HOUR_DIMENSIONS: Final = frozenset({"platform", "province", "cluster"})

#: counters that `Keys.totals` sums over a whole dimension: at a settled moment each is the same for all dimensions
TOTALS: Final = ("g", "p", "r", "b")


def with_net(counters: dict[str, int]) -> dict[str, int]:
    """Name every counter of a window, zeros included, and add the two net sums.

    `counters` maps codes to values; absent codes count as 0.
    """
    named = {name: counters.get(code, 0) for code, name in COUNTERS.items()}
    named["net_gmv_fen"] = named["gmv_fen"] - named["refund_fen"]
    named["net_gmv_booked_fen"] = named["gmv_fen"] - named["refund_booked_fen"]
    return named
