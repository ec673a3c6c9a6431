"""How many rejects stop a partition: below, equal, above; and wherever chunks end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import streams.intake.limits
from streams.intake.limits import SHARE_OF_RECORDS, RejectLimits


def look(limits: RejectLimits, outcomes: str, start: int = 0) -> str | None:
    """Show one chunk to the limits: a letter a record, x for a reject; offsets begin at `start`."""
    return limits.look(len(outcomes), [(at, start + at) for at, letter in enumerate(outcomes) if letter == "x"])


@pytest.mark.parametrize(
    ("outcomes", "last"),
    [("xxx", None), ("xxcx", None), ("xxxx", 3), ("xxxxxx", 3), ("cxxxxc", 4), ("xxxcxxx", None), ("", None)],
)
def test_so_many_in_a_row_stop_it(outcomes: str, last: int | None) -> None:
    said = None if last is None else f"4 rejects in a row, the last at offset {last}"
    assert look(RejectLimits(4, 0), outcomes) == said


def test_a_limit_of_one_stops_at_the_first() -> None:
    assert look(RejectLimits(1, 0), "cx") == "1 rejects in a row, the last at offset 1"


#: every second record of many: in no row, and one half of all
HALF = "xc" * (SHARE_OF_RECORDS // 2)


@pytest.mark.parametrize(("share", "stops"), [(49, True), (50, True), (51, False), (100, False), (0, False)])
def test_the_share_is_that_of_the_last_ten_thousand_records(share: int, stops: bool) -> None:
    assert (look(RejectLimits(1_000, share), HALF) is not None) == stops


def test_a_few_records_are_no_share_of_ten_thousand() -> None:
    """All of the first 4,999 are less than half of what the share is taken of."""
    limits = RejectLimits(1_000_000, 50)
    assert look(limits, "x" * 4_999) is None
    assert look(limits, "x", 4_999) == "50 % of the last 10,000 records are rejects, the last at offset 4999"


def test_a_reject_leaves_the_window_with_its_ten_thousandth_successor() -> None:
    def limits() -> RejectLimits:
        return RejectLimits(1_000_000, 1)

    hundred = "x" * 99 + "c" * (SHARE_OF_RECORDS - 100)
    assert look(limits(), hundred + "x") is not None
    assert look(limits(), hundred + "cx") is None


def test_all_of_them_is_a_hundred_percent() -> None:
    assert look(RejectLimits(1_000_000, 100), "x" * (SHARE_OF_RECORDS - 1) + "c" + "x" * 9_999) is None
    assert look(RejectLimits(1_000_000, 100), "c" + "x" * SHARE_OF_RECORDS) is not None


@given(st.text("xc", max_size=60), st.lists(st.integers(1, 9), max_size=30))
def test_where_chunks_end_decides_nothing_but_the_chunk_in_hand(outcomes: str, sizes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams.intake.limits, "SHARE_OF_RECORDS", 20)
        whole, cut = RejectLimits(5, 40), RejectLimits(5, 40)
        at, said = 0, None
        for size in [*sizes, len(outcomes)]:
            said = said or look(cut, outcomes[at : at + size], at)
            at += size
        assert said == look(whole, outcomes)


@given(st.text("xc", max_size=60))
def test_it_agrees_with_the_definition(outcomes: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams.intake.limits, "SHARE_OF_RECORDS", 20)
        ends = range(1, len(outcomes) + 1)
        row = any(outcomes[:end].endswith("xxxxx") for end in ends)
        share = any(outcomes[max(0, end - 20) : end].count("x") >= 8 for end in ends)
        assert (look(RejectLimits(5, 40), outcomes) is not None) == (row or share)
