"""What an audit looks at: windows at a floor and above, below it none."""

import pytest

from streams.lab.audit.kept import Kept, common
from streams.lab.truth import Sketch, Tally
from streams.retention.policy import Floors
from streams.tally.windows import DAY_MS, HOUR_MS, MINUTE_MS, SHANGHAI

DAY = 20_000
FLOORS = Floors(
    minutes=DAY * 1_440,
    hours=(DAY - 1) * 24,
    long_hours=(DAY - 2) * 24,
    sketches=(DAY - 3) * 24,
    days=DAY - 4,
    sessions=DAY - 5,
)
KEPT = Kept(FLOORS, SHANGHAI)


def day_ms(before: int = 0) -> int:
    return SHANGHAI.start_ms("day", DAY - before)


@pytest.mark.parametrize(
    ("dimension", "grain", "first_ms", "length_ms"),
    [
        ("anchor", "minute", day_ms(), MINUTE_MS),
        ("session", "minute", day_ms(), MINUTE_MS),
        ("platform", "minute", day_ms(), MINUTE_MS),
        ("anchor", "hour", day_ms(1), HOUR_MS),
        ("merchant", "hour", day_ms(1), HOUR_MS),
        ("city", "hour", day_ms(1), HOUR_MS),
        ("platform", "hour", day_ms(2), HOUR_MS),
        ("province", "hour", day_ms(2), HOUR_MS),
        ("cluster", "hour", day_ms(2), HOUR_MS),
        ("category", "hour", day_ms(2), HOUR_MS),
        ("channel", "hour", day_ms(2), HOUR_MS),
        ("anchor", "day", day_ms(4), DAY_MS),
        ("platform", "day", day_ms(4), DAY_MS),
        ("session", "hour", day_ms(5), HOUR_MS),
        ("session", "day", day_ms(5), DAY_MS),
    ],
)
def test_a_tally_is_looked_at_from_its_floor_on(dimension: str, grain: str, first_ms: int, length_ms: int) -> None:
    assert KEPT.has(Tally(dimension, "x", grain, first_ms))
    assert KEPT.has(Tally(dimension, "x", grain, first_ms + length_ms))
    assert not KEPT.has(Tally(dimension, "x", grain, first_ms - length_ms))


@pytest.mark.parametrize(("grain", "first_ms"), [("hour", day_ms(3)), ("day", day_ms(4))])
@pytest.mark.parametrize("dimension", ["anchor", "platform"])
def test_a_sketch_too(dimension: str, grain: str, first_ms: int) -> None:
    assert KEPT.has(Sketch("buyers", dimension, "x", grain, first_ms))
    assert not KEPT.has(Sketch("buyers", dimension, "x", grain, first_ms - 1))


def test_without_a_purge_everything_is_looked_at() -> None:
    kept = Kept(Floors(), SHANGHAI).without([Tally("session", "s", "hour", 0)])
    assert kept.has(Tally("anchor", "x", "minute", 0))
    assert kept.has(Tally("session", "s", "session", 0))


def test_a_session_that_began_below_the_floor_is_not_looked_at_as_a_whole() -> None:
    tallies = [
        Tally("session", "old", "hour", day_ms(5) - HOUR_MS),
        Tally("session", "old", "hour", day_ms()),
        Tally("session", "new", "hour", day_ms(5)),
        Tally("anchor", "new", "hour", 0),
        Tally("session", "new", "minute", 0),
    ]
    kept = KEPT.without(tallies)
    assert kept.cut == {"old"}
    assert not kept.has(Tally("session", "old", "session", 0))
    assert not kept.has(Sketch("buyers", "session", "old", "session", 0))
    assert kept.has(Tally("session", "old", "hour", day_ms()))
    assert kept.has(Tally("session", "new", "session", 0))
    assert kept.has(Sketch("buyers", "session", "new", "session", 0))


def test_of_several_shards_the_highest_floors_count() -> None:
    assert common([Floors(minutes=60, days=3), Floors(minutes=120, days=2)]) == Floors(minutes=120, days=3)
    assert common([FLOORS]) == FLOORS
