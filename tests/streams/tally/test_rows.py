"""Rows: deltas to keys and fields, spread over shards by id."""

from streams.keys import shard_keys, shard_of
from streams.tally.fold import Deltas
from streams.tally.index import Ended
from streams.tally.rows import shard_rows
from streams.tally.sessions import SessionDelta

HOUR = 20_453 * 24 + 20
KEYS = [shard_keys("test", shard) for shard in range(3)]


def test_an_hour_is_two_digits_of_its_day() -> None:
    rows = shard_rows(Deltas(hours={("channel", "live", HOUR): [5, 1, 2, 0, 0, 0, 0, 0]}), KEYS[:1])[0]
    assert rows.sum_keys == [KEYS[0].hours("channel", 20_453, "live"), KEYS[0].totals()]
    assert rows.sums == [["20g", 5, "20p", 1, "20u", 2], ["channel:g", 5, "channel:p", 1]]


def test_a_session_keeps_all_its_hours_in_one_hash() -> None:
    rows = shard_rows(Deltas(hours={("session", "s", HOUR): [5, 1, 2, 0, 0, 0, 0, 0]}), KEYS[:1])[0]
    assert rows.sum_keys[0] == KEYS[0].session_hours("s")
    assert rows.sums[0] == [f"{HOUR}g", 5, f"{HOUR}p", 1, f"{HOUR}u", 2]
    assert rows.records == {"session|s"} and rows.peaks == [f"hour|{HOUR}|session|s"]


def test_a_minute_is_two_digits_of_its_hour() -> None:
    rows = shard_rows(Deltas(minutes={("anchor", "a", HOUR * 60 + 7): [5, 1, 0, 0, 0, 0, 0, 0]}), KEYS[:1])[0]
    assert rows.sum_keys == [KEYS[0].minutes("anchor", HOUR, "a")]
    assert rows.sums == [["07g", 5, "07p", 1]] and rows.peaks == [f"minute|{HOUR * 60 + 7}|anchor|a"]


def test_only_money_marks_a_peak_and_none_is_never_marked() -> None:
    created, paid = [0, 0, 0, 1, 0, 0, 0, 0], [5, 1, 0, 0, 0, 0, 0, 0]
    deltas = Deltas(
        hours={("cluster", "c", HOUR): created, ("cluster", "(none)", HOUR): paid, ("city", "x", HOUR): paid}
    )
    assert shard_rows(deltas, KEYS[:1])[0].peaks == []


def test_refunds_mark_their_session_for_the_net_record() -> None:
    deltas = Deltas(hours={("session", "s", HOUR): [0, 0, 0, 0, 0, 7, 1, 7]})
    assert shard_rows(deltas, KEYS[:1])[0].records == {"session|s"}


def test_sessions_and_rows_go_to_the_shard_of_their_id() -> None:
    ids = [f"s{n}" for n in range(50)]
    paid = [5, 1, 0, 0, 0, 0, 0, 0]
    deltas = Deltas(
        hours={("session", id, HOUR): paid for id in ids}, sessions={id: SessionDelta("", "", 1, 2) for id in ids}
    )
    for shard, rows in enumerate(shard_rows(deltas, KEYS)):
        mine = [id for id in ids if shard_of("session", id, 3) == shard]
        assert rows.sum_keys == [*(KEYS[shard].session_hours(id) for id in mine), KEYS[shard].totals()]
        assert rows.sums[-1] == ["session:g", 5 * len(mine), "session:p", len(mine)]
        assert rows.session_keys == [KEYS[shard].session(id) for id in mine]
        assert len(mine) > 5


def test_a_dimension_is_summed_over_its_ids_and_hours_not_over_its_minutes() -> None:
    refunded, paid = [0, 0, 0, 0, 0, 7, 1, 9], [5, 1, 2, 3, 4, 0, 0, 0]
    hours = {("city", "a", HOUR): paid, ("city", "b", HOUR): refunded, ("city", "b", HOUR + 1): paid}
    rows = shard_rows(Deltas(hours=hours, minutes={("anchor", "a", HOUR * 60): paid}), KEYS[:1])[0]
    assert rows.sum_keys[-1] == KEYS[0].totals()
    assert rows.sums[-1] == ["city:g", 10, "city:p", 2, "city:r", 7, "city:b", 9]


def test_what_has_no_money_needs_no_totals() -> None:
    rows = shard_rows(Deltas(hours={("city", "a", HOUR): [0, 0, 0, 1, 0, 0, 0, 0]}), KEYS[:1])[0]
    assert KEYS[0].totals() not in rows.sum_keys


def test_a_day_lists_the_ids_that_have_an_hour_in_it_once() -> None:
    paid = [5, 1, 0, 0, 0, 0, 0, 0]
    hours = {("city", "a", HOUR): paid, ("city", "a", HOUR + 1): paid, ("city", "é:1", HOUR + 24): paid}
    assert shard_rows(Deltas(hours=hours), KEYS[:1])[0].fields == {
        KEYS[0].ids("city", HOUR // 24): {b"a": b""},
        KEYS[0].ids("city", HOUR // 24 + 1): {"é:1".encode(): b""},
    }


def test_none_the_platform_and_sessions_are_in_no_list() -> None:
    paid = [5, 1, 0, 0, 0, 0, 0, 0]
    hours = {("city", "(none)", HOUR): paid, ("platform", "all", HOUR): paid, ("session", "s", HOUR): paid}
    assert shard_rows(Deltas(hours=hours), KEYS[:1])[0].fields == {}


def test_an_order_that_comes_to_an_ended_hour_is_noted_and_a_refund_of_it_is_not() -> None:
    paid, refunded = [5, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 7, 1, 0]
    hours = {
        ("platform", "all", HOUR): paid,
        ("platform", "all", HOUR - 1): refunded,
        ("platform", "all", HOUR + 1): paid,
    }
    assert shard_rows(Deltas(hours=hours), KEYS[:1], Ended(HOUR + 1, 1_234))[0].fields == {
        KEYS[0].late("platform", HOUR // 24): {b"%02dall" % (HOUR % 24): b"1234"},
    }


def test_lists_lie_in_the_shard_of_their_ids() -> None:
    hours = {("city", f"c{n}", HOUR): [5, 1, 0, 0, 0, 0, 0, 0] for n in range(30)}
    for shard, rows in enumerate(shard_rows(Deltas(hours=hours), KEYS)):
        mine = {f"c{n}".encode() for n in range(30) if shard_of("city", f"c{n}", 3) == shard}
        assert {*rows.fields[KEYS[shard].ids("city", HOUR // 24)]} == mine
