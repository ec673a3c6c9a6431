"""From which records a value can be recomputed."""

from streams.marks.evidence import evidence_ranges, evidence_text

FIRSTS = {0: {8: 100, 9: 40}, 1: {9: 7}, 2: {}}


def test_it_runs_from_the_first_record_of_the_hours_to_the_fence() -> None:
    text = evidence_text("orders", {0: 200, 1: 8, 2: 50}, FIRSTS, (8, 9))
    assert evidence_ranges(text) == [("orders", 0, 40, 199), ("orders", 1, 7, 7)]


def test_a_partition_without_records_of_those_hours_is_left_out() -> None:
    assert evidence_ranges(evidence_text("orders", {0: 200, 1: 8}, FIRSTS, (8,))) == [("orders", 0, 100, 199)]
    assert evidence_ranges(evidence_text("orders", {0: 200, 1: 8}, FIRSTS, (7,))) == []


def test_a_fence_that_has_not_reached_the_hour_has_nothing_of_it() -> None:
    assert evidence_ranges(evidence_text("orders", {0: 100, 1: 7}, FIRSTS, (8, 9))) == [("orders", 0, 40, 99)]
    assert evidence_ranges(evidence_text("orders", {1: 7}, FIRSTS, (9,))) == []
