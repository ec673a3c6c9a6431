"""Rows of rankings: order, ties, pages, and growth that is never made up."""

from streams.board.leaders import Sum, Values
from streams.board.rows import NO_BASE, NOT_KEPT, grown_by, growth_row, in_order, page_of, rows_of

SUMS = {"b": Sum(500, 1), "a": Sum(500, 9), "c": Sum(700, 2)}
VALUES = Values(SUMS, {"a": 3, "b": 1, "c": 3})


def test_the_greatest_comes_first_and_equals_by_their_id() -> None:
    assert in_order(VALUES, "gmv") == ["c", "a", "b"]
    assert in_order(VALUES, "orders") == ["a", "c", "b"]
    assert in_order(VALUES, "buyers") == ["a", "c", "b"]


def test_pages_follow_each_other_without_gap_or_double_and_ranks_go_on() -> None:
    order, cursor, seen = in_order(VALUES, "gmv"), 0, []
    while True:
        page, next = page_of(order, {"cursor": cursor, "limit": 2})
        seen += [(row.rank, row.id, row.value) for row in rows_of(page, VALUES, "gmv", cursor)]
        if next is None:
            break
        cursor = int(next)
    assert seen == [(1, "c", 700), (2, "a", 500), (3, "b", 500)]
    assert page_of(order, {"cursor": 3, "limit": 2}) == ([], None)


def test_growth_is_a_percentage_of_what_was() -> None:
    row = growth_row(1, "a", Sum(150, 1), Sum(100, 1), NO_BASE, kept=True)
    assert (row.value, row.before, row.reasons) == (50.0, 100, {})
    assert growth_row(1, "a", Sum(0, 0), Sum(100, 1), NO_BASE, kept=True).value == -100.0


def test_without_anything_before_there_is_no_growth_and_it_says_why() -> None:
    row = growth_row(1, "a", Sum(150, 1), None, NO_BASE, kept=True)
    assert (row.value, row.before, row.reasons) == (None, 0, {"value": NO_BASE})
    row = growth_row(1, "a", Sum(150, 1), None, NOT_KEPT, kept=False)
    assert (row.value, row.before, row.reasons) == (None, None, {"value": NOT_KEPT, "before": NOT_KEPT})
    assert grown_by(Sum(150, 1), Sum(0, 4)) < grown_by(Sum(0, 0), Sum(100, 1)), "what began comes behind what fell"
