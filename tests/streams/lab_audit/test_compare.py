"""How two sets of tallies differ, in words."""

from dataclasses import replace

import pytest

from streams.lab.audit.compare import differences, looked_at, truth_differences
from streams.lab.audit.store import Stored
from streams.lab.truth import Leader, PartitionCount, Ranking, Sketch, Tally, Truth
from streams.retention.policy import Floors
from streams.tally.windows import HOUR_MS, SHANGHAI

HOUR = Tally("anchor", "anchor-0001", "hour", 480_000 * HOUR_MS - SHANGHAI.offset_ms)
SKETCH = Sketch("buyers", "anchor", "anchor-0001", "hour", HOUR.start_ms)


def found(stored: Stored, truth: Truth) -> list[str]:
    return list(differences(stored, truth, looked_at(stored, truth, SHANGHAI)))


def test_equal_sets_do_not_differ() -> None:
    stored = Stored({HOUR: {"gmv_fen": 5, "units": 0}}, {SKETCH: 7})
    assert found(stored, Truth(tallies={HOUR: {"gmv_fen": 5, "units": 0}}, sketches={SKETCH: 7})) == []


def test_each_counter_that_differs_is_a_line() -> None:
    stored, truth = Stored({HOUR: {"gmv_fen": 5, "units": 1}}), Truth(tallies={HOUR: {"gmv_fen": 6, "units": 2}})
    assert found(stored, truth) == [
        f"anchor anchor-0001 hour {HOUR.start_ms}: gmv_fen is 5, should be 6",
        f"anchor anchor-0001 hour {HOUR.start_ms}: units is 1, should be 2",
    ]


def test_what_is_missing_and_what_is_too_much_differ() -> None:
    other = HOUR._replace(id="anchor-0002")
    lines = found(Stored({HOUR: {"gmv_fen": 5}}), Truth(tallies={other: {"gmv_fen": 6}}))
    assert [line.split(": ")[1] for line in lines] == ["gmv_fen is 5, should be 0", "gmv_fen is 0, should be 6"]


def test_a_window_of_zeros_is_as_good_as_none() -> None:
    assert found(Stored(), Truth(tallies={HOUR: {"gmv_fen": 0}})) == []
    assert found(Stored({HOUR: {"gmv_fen": 0}}), Truth()) == []


@pytest.mark.parametrize(
    ("estimate", "true", "differs"),
    [
        (0, 2, False), (0, 3, True), (5, 3, False), (6, 3, True), (60, 64, False), (59, 64, True),
        (1_040, 1_000, False), (1_041, 1_000, True), (960, 1_000, False), (959, 1_000, True),
    ],
)  # fmt: skip
def test_an_estimate_may_be_off_by_so_much(estimate: int, true: int, differs: bool) -> None:
    lines = found(Stored(sketches={SKETCH: estimate}), Truth(sketches={SKETCH: true}))
    should = f"distinct buyers are estimated as {estimate}, should be about {true}"
    assert lines == ([f"anchor anchor-0001 hour {HOUR.start_ms}: {should}"] if differs else [])


@pytest.mark.parametrize(("floor", "differs"), [(480_000, True), (480_001, False)])
def test_below_the_floor_nothing_is_compared(floor: int, differs: bool) -> None:
    stored = Stored({HOUR: {"gmv_fen": 5}}, {SKETCH: 9}, Floors(hours=floor, sketches=floor))
    truth = Truth(tallies={HOUR: {"gmv_fen": 6}}, sketches={SKETCH: 1})
    assert len(found(stored, truth)) == (2 if differs else 0)


@pytest.mark.parametrize("in_truth", [True, False])
def test_a_session_that_lost_hours_is_not_compared_as_a_whole(in_truth: bool) -> None:
    """Whether the purge has taken the hour already (it is in the truth alone) or not yet."""
    hour = {Tally("session", "s", "hour", 0): {"gmv_fen": 5}}
    stored = Stored({} if in_truth else hour, floors=Floors(sessions=1))
    truth = Truth(tallies={Tally("session", "s", "session", 0): {"gmv_fen": 5}, **(hour if in_truth else {})})
    assert found(stored, truth) == []
    assert len(found(replace(stored, floors=Floors()), truth)) == 2


# -- two truths --------------------------------------------------------------------------------
FULL = Truth(
    watermark_ms=5,
    partitions=[PartitionCount("orders", 0, 1, 1)],
    tallies={HOUR: {"gmv_fen": 5}},
    sketches={SKETCH: 7},
    rankings={Ranking("peak.hour", "m", "anchor", "a"): Leader("h", 5)},
)


def test_the_same_truth_does_not_differ_whatever_its_meta() -> None:
    assert list(truth_differences(FULL, replace(FULL, meta={"seed": 1}))) == []


@pytest.mark.parametrize("name", ["watermark_ms", "partitions", "tallies", "sketches", "rankings"])
def test_each_kind_of_thing_that_differs_is_a_line(name: str) -> None:
    lines = list(truth_differences(FULL, replace(FULL, **{name: getattr(Truth(), name)})))
    assert lines == [f"the log is not the one of the truth file: its {name} differ"]
