"""The rules of a ranking, on the twin and on the script alike."""

from collections.abc import Callable, Sequence

import pytest

from streams.marks.acts import Act, Close, Holder, Raise, Ranking, Terms, Withdraw

LATENESS_MS = 120
TERMS = Terms(LATENESS_MS, 3)
FREE = Terms(LATENESS_MS, 0)
#: windows of the tests are 1,000 ms long; holder n is [n * 1000, (n + 1) * 1000)
LONG_AGO, FAR = 0, 10**9


def closes(number: int) -> int:
    """The watermark at which holder `number` closes."""
    return (number + 1) * 1_000 + LATENESS_MS


def up(
    ranking: Ranking,
    number: int,
    value: int,
    version: int = 1,
    ends: int | None = None,
    id: str = "",
    gross: int | None = None,
) -> Raise:
    """Raise the holder `number`."""
    end = (number + 1) * 1_000 if ends is None else ends
    holder = Holder(id or f"h{number}", end, number * 1_000, end, end)
    return Raise(ranking, holder, value, f"e{value}", version, gross)


def past(ranking: Ranking, *values: int) -> list[Act]:
    """Holders 1, 2, 3, … with these values."""
    return [up(ranking, number, value) for number, value in enumerate(values, 1)]


def states(told: Sequence) -> list[str]:
    """Changes as "holder state"."""
    return [f"{each.holder} {each.state}" for each in told]


@pytest.fixture(params=["record", "peak"])
def ranking(request: pytest.FixtureRequest) -> Ranking:
    """Either kind of ranking: what only says "raise" holds for both."""
    return request.getfixturevalue(request.param)


# -- open holders ------------------------------------------------------------------------------
@pytest.mark.parametrize(("value", "expected"), [(29, []), (30, []), (31, ["h4 provisional"])])
async def test_an_open_holder_alerts_strictly_above_the_top(make: Callable, ranking: Ranking, value, expected) -> None:
    it = make(ranking, TERMS)
    await it.act(*past(ranking, 10, 20, 30), watermark_ms=closes(3))
    assert states(await it.act(up(ranking, 4, value), watermark_ms=closes(3))) == expected


@pytest.mark.parametrize(("earlier", "expected"), [(2, []), (3, ["h9 provisional"]), (4, ["h9 provisional"])])
async def test_a_scope_needs_history(make: Callable, ranking: Ranking, earlier, expected) -> None:
    it = make(ranking, TERMS)
    await it.act(*past(ranking, *[10] * earlier), watermark_ms=closes(8))
    assert states(await it.act(up(ranking, 9, 50), watermark_ms=closes(8))) == expected


async def test_holders_without_sales_are_no_history(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, TERMS)
    await it.act(*past(ranking, 10, 0, 10, 0), watermark_ms=closes(8))
    assert await it.act(up(ranking, 9, 50), watermark_ms=closes(8)) == []


@pytest.mark.parametrize(("gross", "expected"), [(0, []), (1, ["h9 provisional"])])
async def test_history_has_gmv_whatever_refunds_leave_of_it(
    make: Callable, record: Ranking, gross: int, expected: list[str]
) -> None:
    it = make(record, TERMS)
    sold = [up(record, 1, 10), up(record, 2, 0, gross=10), up(record, 3, min(0, gross - 1), gross=gross)]
    await it.act(*sold, watermark_ms=closes(8))
    assert states(await it.act(up(record, 9, 50), watermark_ms=closes(8))) == expected
    assert await it.act(up(record, 1, -5, version=2, gross=10), watermark_ms=closes(8)) == []


async def test_history_that_comes_late_opens_the_mouth_of_all_above(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, TERMS)
    await it.act(*past(ranking, 10, 10), watermark_ms=closes(8))
    assert await it.act(up(ranking, 9, 50), up(ranking, 10, 60), watermark_ms=closes(8)) == []
    told = await it.act(up(ranking, 3, 5), watermark_ms=closes(8))
    assert states(told) == ["h9 provisional", "h10 provisional"]


async def test_a_raise_without_a_change_of_state_tells_nothing(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, FREE)
    assert states(await it.act(up(ranking, 1, 10), watermark_ms=LONG_AGO)) == ["h1 provisional"]
    assert await it.act(up(ranking, 1, 20, version=2), watermark_ms=LONG_AGO) == []
    [told] = await it.act(Close(ranking, "h1", 2_000), watermark_ms=closes(1))
    assert (told.state, told.value, told.revision, told.evidence) == ("confirmed", 20, 2, "e20")


async def test_two_open_holders_may_both_be_above(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, FREE)
    told = await it.act(up(ranking, 1, 20), up(ranking, 2, 10), watermark_ms=LONG_AGO)
    assert states(told) == ["h1 provisional", "h2 provisional"]


async def test_nothing_is_worth_nothing(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, FREE)
    assert await it.act(up(ranking, 1, 0), watermark_ms=LONG_AGO) == []
    assert await it.act(up(ranking, 1, 0), watermark_ms=FAR) == []


# -- closing -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("early_ms", "expected"), [(1, ["h1 provisional"]), (0, ["h1 confirmed"]), (-1, ["h1 confirmed"])]
)
async def test_a_holder_closes_when_the_watermark_reaches_its_end_and_the_lateness(
    make: Callable, ranking: Ranking, early_ms, expected
) -> None:
    it = make(ranking, FREE)
    assert states(await it.act(up(ranking, 1, 10), watermark_ms=closes(1) - early_ms)) == expected


async def test_closing_before_it_is_due_does_nothing(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, FREE)
    await it.act(up(ranking, 1, 10), watermark_ms=LONG_AGO)
    assert await it.act(Close(ranking, "h1", 2_000), watermark_ms=closes(1) - 1) == []
    assert states(await it.act(Close(ranking, "h1", 2_000), watermark_ms=closes(1))) == ["h1 confirmed"]
    assert await it.act(Close(ranking, "h1", 2_000), watermark_ms=closes(1)) == []


async def test_a_better_one_that_closes_takes_over_from_the_open(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, FREE)
    await it.act(up(ranking, 1, 20), up(ranking, 2, 10), watermark_ms=LONG_AGO)
    told = await it.act(Close(ranking, "h1", 2_000), watermark_ms=closes(1))
    assert states(told) == ["h1 confirmed", "h2 superseded"]
    assert (told[1].previous, told[1].cause) == (("h1", 20), "reached")


async def test_an_open_holder_that_is_due_is_told_of_when_it_closes(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, FREE)
    await it.act(up(ranking, 1, 10), up(ranking, 2, 30), up(ranking, 3, 20), watermark_ms=LONG_AGO)
    assert states(await it.act(up(ranking, 4, 40, version=2), watermark_ms=closes(3))) == ["h4 provisional"]
    told = await it.act(Close(ranking, "h2", 3_000), watermark_ms=closes(3))
    assert states(told) == ["h2 confirmed"], "h3 is beaten, but its own closing says so"
    assert states(await it.act(Close(ranking, "h3", 4_000), watermark_ms=closes(3))) == ["h3 superseded"]


async def test_each_stair_stays_confirmed_when_the_next_is_reached(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, FREE)
    told = await it.act(*past(ranking, 10, 10, 30, 20, 40), watermark_ms=FAR)
    assert states(told) == ["h1 confirmed", "h3 confirmed", "h5 confirmed"]
    assert [each.previous for each in told] == [None, ("h1", 10), ("h3", 30)]


async def test_the_watermark_of_a_worker_that_lags_opens_nothing_again(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, FREE)
    await it.act(up(ranking, 1, 10), watermark_ms=closes(1))
    assert await it.act(up(ranking, 1, 11, version=2), watermark_ms=LONG_AGO) == []


@pytest.mark.parametrize(("id", "expected"), [("a", {"a"}), ("c", {"b", "c"})])
async def test_holders_that_end_together_close_by_their_ids(make: Callable, record: Ranking, id, expected) -> None:
    it = make(record, FREE)
    await it.act(up(record, 1, 10, id="b"), up(record, 1, 20, id=id), watermark_ms=FAR)
    assert await it.final_set() == expected


@pytest.mark.parametrize(("first", "second"), [("B", "a"), ("Z", "é"), ("é", "中"), ("a", "ab"), ("a|b", "a}b")])
async def test_ids_order_by_their_bytes(make: Callable, record: Ranking, first, second) -> None:
    it = make(record, FREE)
    await it.act(up(record, 1, 10, id=second), up(record, 1, 10, id=first), watermark_ms=FAR)
    assert await it.final_set() == {first}


# -- late raises -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "expected"),
    [(29, []), (30, ["h2 confirmed", "h3 superseded"]), (31, ["h2 confirmed", "h3 superseded"])],
)
async def test_a_late_raise_that_ties_or_beats_a_later_stair_supersedes_it(
    make: Callable, ranking: Ranking, value, expected
) -> None:
    it = make(ranking, FREE)
    await it.act(*past(ranking, 29, 10, 30), watermark_ms=FAR)
    told = await it.act(up(ranking, 2, value, version=2), watermark_ms=FAR)
    assert states(told) == expected
    if told:
        assert (told[1].previous, told[1].value) == (("h2", value), 30)


async def test_a_superseded_holder_that_rises_is_reinstated(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, FREE)
    await it.act(*past(ranking, 10, 30), watermark_ms=FAR)
    assert states(await it.act(up(ranking, 1, 30, version=2), watermark_ms=FAR)) == ["h2 superseded"]
    assert states(await it.act(up(ranking, 2, 31, version=3), watermark_ms=FAR)) == ["h2 reinstated"]
    assert (await it.alerts())["h2"] == ("reinstated", 3)


async def test_one_late_hour_may_push_off_many(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, FREE)
    await it.act(*past(ranking, 1, 10, 20, 30, 40), watermark_ms=FAR)
    told = await it.act(up(ranking, 1, 35, version=2), watermark_ms=FAR)
    assert states(told) == ["h2 superseded", "h3 superseded", "h4 superseded"]
    assert await it.final_set() == {"h1", "h5"}


async def test_late_history_gives_a_stair_its_alert(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, Terms(LATENESS_MS, 2))
    assert await it.act(up(ranking, 2, 10), up(ranking, 3, 20), watermark_ms=FAR) == []
    [told] = await it.act(up(ranking, 1, 5), watermark_ms=FAR)
    assert (told.holder, told.state, told.evidence, told.previous) == ("h3", "confirmed", "e20", ("h2", 10))


async def test_history_is_what_closed_earlier_not_what_came_earlier(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, Terms(LATENESS_MS, 1))
    await it.act(up(ranking, 5, 10), up(ranking, 1, 20), watermark_ms=FAR)
    assert await it.final_set() == set()


async def test_more_history_than_is_kept_in_hand(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, Terms(LATENESS_MS, 16))
    await it.act(*past(ranking, *range(1, 41)), watermark_ms=FAR)
    assert await it.final_set() == {f"h{number}" for number in range(17, 41)}


# -- values that only grow ---------------------------------------------------------------------
async def test_where_values_only_grow_a_smaller_one_is_an_older_one(make: Callable, peak: Ranking) -> None:
    it = make(peak, FREE)
    await it.act(up(peak, 1, 10, version=5), watermark_ms=LONG_AGO)
    assert await it.act(up(peak, 1, 3, version=9), watermark_ms=LONG_AGO) == []
    [told] = await it.act(Close(peak, "h1", 2_000), watermark_ms=FAR)
    assert told.value == 10
    assert await it.act(up(peak, 1, 3, version=9), watermark_ms=FAR) == []
    assert await it.final_set() == {"h1"}


async def test_of_equal_spans_the_earlier_stays(make: Callable, peak: Ranking) -> None:
    it = make(peak, FREE)
    for start_ms, evidence in ((300, "late"), (100, "early"), (200, "middle")):
        await it.act(Raise(peak, Holder("day", 0, start_ms, start_ms + 60, 1_000), 10, evidence, 1), watermark_ms=1)
    [told] = await it.act(Close(peak, "day", 1_000), watermark_ms=FAR)
    assert told.evidence == "early"


# -- values that fall --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "expected"), [(21, []), (20, ["h3 retracted"]), (19, ["h3 retracted"]), (-5, ["h3 retracted"])]
)
async def test_a_record_that_falls_to_what_it_beat_is_retracted(
    make: Callable, record: Ranking, value, expected
) -> None:
    it = make(record, FREE)
    await it.act(*past(record, 10, 20, 30), watermark_ms=FAR)
    told = await it.act(up(record, 3, value, version=2), watermark_ms=FAR)
    assert states(told) == expected
    if told:
        assert (told[0].previous, told[0].cause, told[0].value) == (("h2", 20), "fell", value)


async def test_a_fall_lets_in_those_it_had_kept_out(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    await it.act(*past(record, 10, 40, 15, 30, 25, 35, 39, 50), watermark_ms=FAR)
    told = await it.act(up(record, 2, 20, version=2), watermark_ms=FAR)
    assert states(told) == ["h4 confirmed", "h6 confirmed", "h7 confirmed"]
    assert await it.final_set() == {"h1", "h2", "h4", "h6", "h7", "h8"}


async def test_what_a_fall_let_in_a_rise_pushes_out(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    await it.act(*past(record, 40, 30), watermark_ms=FAR)
    assert states(await it.act(up(record, 1, 20, version=2), watermark_ms=FAR)) == ["h2 confirmed"]
    assert states(await it.act(up(record, 1, 35, version=3), watermark_ms=FAR)) == ["h2 superseded"]
    assert states(await it.act(up(record, 1, 10, version=4), watermark_ms=FAR)) == ["h2 reinstated"]


async def test_a_top_that_falls_lets_open_ones_above(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    await it.act(up(record, 1, 40), up(record, 8, 30), up(record, 9, 35), watermark_ms=closes(1))
    told = await it.act(up(record, 1, 30, version=2), watermark_ms=closes(1))
    assert states(told) == ["h9 provisional"]
    assert states(await it.act(up(record, 1, 35, version=3), watermark_ms=closes(1))) == ["h9 superseded"]


async def test_an_open_holder_that_falls_is_retracted(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    await it.act(up(record, 1, 10), up(record, 2, 20), watermark_ms=closes(1))
    assert states(await it.act(up(record, 2, 10, version=2), watermark_ms=closes(1))) == ["h2 retracted"]
    assert states(await it.act(up(record, 2, 11, version=3), watermark_ms=closes(1))) == ["h2 provisional"]


async def test_history_that_falls_away_takes_the_alert(make: Callable, record: Ranking) -> None:
    it = make(record, Terms(LATENESS_MS, 2))
    await it.act(*past(record, 10, 20, 30), up(record, 9, 50), watermark_ms=closes(3))
    told = await it.act(up(record, 1, 0, version=2), watermark_ms=closes(3))
    assert [(each.holder, each.state, each.cause) for each in told] == [("h3", "superseded", "history")]
    told = await it.act(up(record, 2, -1, version=2), watermark_ms=closes(3))
    assert [(each.holder, each.state, each.cause) for each in told] == [("h9", "superseded", "history")]


async def test_history_is_recalled_when_most_of_it_fell_away(make: Callable, record: Ranking) -> None:
    it = make(record, TERMS)
    await it.act(*past(record, *[10] * 20), up(record, 30, 50), watermark_ms=FAR)
    told = await it.act(*(up(record, number, 0, version=2) for number in range(1, 19)), watermark_ms=FAR)
    assert states(told) == ["h30 superseded"]


# -- order and scope that change ---------------------------------------------------------------
async def test_an_older_reading_is_left_out(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    await it.act(up(record, 1, 10, version=5), watermark_ms=LONG_AGO)
    assert await it.act(up(record, 1, 0, version=4), watermark_ms=LONG_AGO) == []
    assert states(await it.act(up(record, 1, 0, version=5), watermark_ms=LONG_AGO)) == ["h1 retracted"]


async def test_a_session_whose_end_moves_takes_its_new_place(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    await it.act(up(record, 1, 30), up(record, 2, 20), watermark_ms=FAR)
    told = await it.act(up(record, 1, 30, version=2, ends=3_500), watermark_ms=FAR)
    assert states(told) == ["h2 confirmed"]
    told = await it.act(up(record, 1, 20, version=3, ends=3_500), watermark_ms=FAR)
    assert states(told) == ["h1 retracted"]


async def test_a_session_that_closed_may_open_again(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    assert states(await it.act(up(record, 1, 30), watermark_ms=closes(1))) == ["h1 confirmed"]
    told = await it.act(up(record, 1, 30, version=2, ends=5_000), watermark_ms=closes(1))
    assert states(told) == ["h1 provisional"]
    told = await it.act(up(record, 2, 40), watermark_ms=closes(2))
    assert states(told) == ["h2 confirmed", "h1 superseded"]
    assert await it.act(Close(record, "h1", 2_000), watermark_ms=closes(2)) == []
    assert await it.act(Close(record, "h1", 5_000), watermark_ms=FAR) == []
    assert await it.final_set() == {"h2"}


async def test_a_withdrawn_session_leaves_as_if_it_had_never_been_there(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    await it.act(up(record, 1, 30), up(record, 2, 20), up(record, 9, 25), watermark_ms=closes(2))
    told = await it.act(Withdraw(record, "h1", 2), watermark_ms=closes(2))
    assert states(told) == ["h1 retracted", "h2 confirmed", "h9 provisional"]
    assert told[0].cause == "withdrawn"
    assert await it.act(Withdraw(record, "h1", 3), watermark_ms=closes(2)) == []
    assert await it.act(up(record, 1, 30, version=2), watermark_ms=closes(2)) == []
    told = await it.act(up(record, 1, 30, version=4), watermark_ms=closes(2))
    assert states(told) == ["h1 reinstated", "h2 superseded", "h9 superseded"]


async def test_a_withdrawal_may_come_before_the_raise_it_answers(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    assert await it.act(Withdraw(record, "h1", 2), watermark_ms=LONG_AGO) == []
    assert await it.act(up(record, 1, 30, version=1), watermark_ms=LONG_AGO) == []
    assert states(await it.act(up(record, 1, 30, version=3), watermark_ms=LONG_AGO)) == ["h1 provisional"]


# -- why ---------------------------------------------------------------------------------------
def why(told: Sequence) -> list[tuple]:
    """Changes with their cause and who made it."""
    return [(each.holder, each.state, each.cause, each.by) for each in told]


async def test_what_wins_in_its_time_needs_no_reason(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, FREE)
    told = await it.act(up(ranking, 1, 10), watermark_ms=LONG_AGO)
    told += await it.act(Close(ranking, "h1", 2_000), watermark_ms=closes(1))
    assert why(told) == [("h1", "provisional", None, None), ("h1", "confirmed", None, None)]


async def test_a_session_that_passes_the_record_after_it_closed_is_late(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    await it.act(*past(record, 30, 20), watermark_ms=FAR)
    assert await it.act(up(record, 2, 30, version=2), watermark_ms=FAR) == []
    told = await it.act(up(record, 2, 31, version=3), watermark_ms=FAR)
    assert why(told) == [("h2", "confirmed", "late", None)]
    told = await it.act(up(record, 2, 30, version=4), watermark_ms=FAR)
    assert why(told) == [("h2", "retracted", "fell", None)]
    told = await it.act(up(record, 2, 40, version=5), watermark_ms=FAR)
    assert why(told) == [("h2", "reinstated", "late", None)]


async def test_one_that_gives_way_is_named(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    await it.act(*past(record, 40, 30), watermark_ms=FAR)
    told = await it.act(up(record, 1, 20, version=2), watermark_ms=FAR)
    assert why(told) == [("h2", "confirmed", "freed", ("h1", 20))]
    await it.act(up(record, 1, 50, version=3), watermark_ms=FAR)
    told = await it.act(Withdraw(record, "h1", 4), watermark_ms=FAR)
    assert why(told)[1:] == [("h2", "reinstated", "freed", ("h1", None))]


async def test_history_that_comes_late_is_the_reason(make: Callable, ranking: Ranking) -> None:
    it = make(ranking, Terms(LATENESS_MS, 1))
    assert await it.act(up(ranking, 2, 10), watermark_ms=FAR) == []
    told = await it.act(up(ranking, 1, 5), watermark_ms=FAR)
    assert why(told) == [("h2", "confirmed", "history", None)]


# -- large numbers, odd ids --------------------------------------------------------------------
async def test_money_stays_exact_up_to_the_largest_double(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    top = 2**53 - 2
    await it.act(up(record, 1, top), up(record, 2, top), up(record, 3, top + 1), watermark_ms=FAR)
    assert await it.final_set() == {"h1", "h3"}
    told = await it.act(up(record, 1, top - 1, version=2), watermark_ms=FAR)
    assert [(each.holder, each.value) for each in told] == [("h2", top)]


async def test_times_of_today_stay_exact(make: Callable, record: Ranking) -> None:
    it = make(record, FREE)
    end_ms = 1_767_200_400_123
    sessions = [
        Raise(record, Holder(id, end_ms + late, end_ms - 5, None, end_ms + late), value, "", 1)
        for id, late, value in (("a", 1, 20), ("b", 0, 10))
    ]
    await it.act(*sessions, watermark_ms=end_ms + LATENESS_MS)
    assert await it.final_set() == {"b"}
    await it.act(Close(record, "a", end_ms + 1), watermark_ms=end_ms + LATENESS_MS + 1)
    assert await it.final_set() == {"a", "b"}
