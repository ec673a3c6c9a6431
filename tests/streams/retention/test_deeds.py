"""What is done about which key: the names are made by the key table, so that the two can not part."""

import pytest

from streams.keys import shard_keys
from streams.retention.deeds import Deed, Forget, Merge, Remove, RollUp, Trim, deed
from streams.retention.policy import Floors

KEYS = shard_keys("hightide", 0)
#: day 1000 is the first that is kept as a day, 1400 the first with all hours
FLOORS = Floors(
    minutes=1_450 * 1_440,
    hours=1_400 * 24,
    long_hours=1_000 * 24,
    sketches=1_400 * 24,
    days=1_000,
    sessions=1_000,
    orders=1_400,
    first_offsets=1_300 * 24,
)
#: an id may hold anything
ODD = "a:1:hours:é|*"


def of(key: str, floors: Floors = FLOORS) -> Deed | None:
    return deed(key.removeprefix(KEYS.prefix), floors)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (KEYS.minutes("anchor", 1_450 * 24 - 1, ODD), Remove("minutes")),
        (KEYS.minutes("anchor", 1_450 * 24, ODD), None),
        (KEYS.minutes("session", 1_450 * 24 - 1, ODD), Remove("minutes")),
        (KEYS.hours("anchor", 1_399, ODD), RollUp("anchor", 1_399, ODD)),
        (KEYS.hours("anchor", 1_400, ODD), None),
        (KEYS.hours("city", 1_000, "(none)"), RollUp("city", 1_000, "(none)")),
        (KEYS.hours("merchant", 999, ODD), Remove("days")),
        (KEYS.hours("platform", 1_000, "all"), None),
        (KEYS.hours("platform", 999, "all"), Remove("days")),
        (KEYS.sketch("buyers", "anchor", 1_400 * 24 - 1, ODD), Merge("buyers", "anchor", 1_399, ODD)),
        (KEYS.sketch("buyers", "anchor", 1_400 * 24, ODD), None),
        (KEYS.sketch("merchants", "cluster", 1_399 * 24, ODD), Merge("merchants", "cluster", 1_399, ODD)),
        (KEYS.sketch("anchors", "cluster", 999 * 24 + 23, ODD), Remove("days")),
        (KEYS.days("anchor", 999, ODD), Remove("days")),
        (KEYS.days("anchor", 1_000, ODD), None),
        (KEYS.day_sketch("buyers", "anchor", 999, ODD), Remove("days")),
        (KEYS.day_sketch("anchors", "province", 1_000, ODD), None),
        (KEYS.ids("anchor", 999), Remove("days")),
        (KEYS.ids("anchor", 1_000), None),
        (KEYS.late("anchor", 999), Remove("days")),
        (KEYS.late("anchor", 1_000), None),
        (KEYS.orders("orders", 3, 1_400 // 16 - 1), Remove("orders")),
        (KEYS.orders("orders", 3, 1_400 // 16), None),
        (KEYS.attributions("orders", 3, 1_400 // 16 - 1), Remove("orders")),
        (KEYS.attributions("orders", 3, 1_400 // 16), None),
        (KEYS.redrive("orders", 3), None),
        (KEYS.first_offsets("orders", 3), Trim("first_offsets", 0)),
        (KEYS.session(ODD), Forget(ODD)),
        (KEYS.session_hours(ODD), Forget(ODD)),
        (KEYS.session_hours("(none)"), Trim("sessions", 1)),
    ],
)
def test_what_is_due(key: str, expected: Deed | None) -> None:
    assert of(key) == expected


def test_hours_of_long_kept_dimensions_go_with_their_own_floor() -> None:
    floors = FLOORS._replace(days=900)
    for dimension in ("platform", "province", "cluster", "category", "channel"):
        assert of(KEYS.hours(dimension, 999, "x"), floors) == Remove("long_hours")
        assert of(KEYS.hours(dimension, 1_000, "x"), floors) is None


@pytest.mark.parametrize(
    "key",
    [
        KEYS.fence("orders", 0),
        KEYS.partitions(),
        KEYS.sequence(),
        KEYS.settling(),
        KEYS.watermark(),
        KEYS.lease("purge"),
        KEYS.floors(),
        KEYS.swept(),
        KEYS.session_buyers("1"),
        KEYS.changed("peaks"),
        KEYS.ranking("peak.hour", "m", "session", "1"),
        KEYS.ranking_open("peak.hour", "m", "session", "1"),
        KEYS.ranking_closed("record.session", "m", "anchor", "1"),
        KEYS.placed("1"),
        KEYS.closing("peaks"),
        KEYS.judged("peaks"),
        KEYS.outbox(),
    ],
)
def test_everything_else_is_left_alone(key: str) -> None:
    assert of(key, Floors(*([10**9] * 8))) is None


@pytest.mark.parametrize(
    "name",
    [
        "minutes", "minutes:", "minutes:anchor", "minutes:anchor:7", "minutes:anchor:x:a", "minutes:anchor:-7:a",
        "hours", "hours:anchor", "hours:anchor:7", "hours:anchor:x:a", "days:anchor:x:a", "day-buyers:anchor:7",
        "buyers:anchor:7", "buyers:anchor:x:a", "orders:0", "orders:0:7", "attributions:0:x:orders",
        "selftest:0:hours:anchor:7:a", "unknown:anchor:7:a", "ids:anchor", "ids:anchor:7:8", "late:7",
    ],
)  # fmt: skip
def test_what_does_not_read_like_one_of_ours_is_left_alone(name: str) -> None:
    assert deed(name, Floors(*([10**9] * 8))) is None
