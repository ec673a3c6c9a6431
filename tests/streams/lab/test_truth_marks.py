"""The truth on small logs: how far time has come, who leads, which alerts stand."""

from hashlib import sha256

import pytest

from streams.lab.truth import Leader, Ranking, Rules, Tally, Truth
from streams.lab.truth.holders import best_span
from tests.streams.lab.logs import Log, paid, refunded, session, t

GROSS, NET = "gmv.paid.gross.v1", "gmv.paid.net.v1"
ALL_HOURS = Ranking("peak.hour", GROSS, "platform", "all")


def peaks(truth: Truth, ranking: Ranking = ALL_HOURS) -> dict[str, int]:
    """Holder -> value of the final set of one ranking."""
    return {each.holder: each.value_fen for each in truth.alerts if each[1:5] == ranking}


def close(log: Log, clock: str = "36:00") -> Log:
    """A last event that moves the watermark to `clock`, in every topic."""
    log.sales(clock, 0)
    return log


# -- the watermark --------------------------------------------------------------------------------
def test_the_watermark_is_the_least_of_the_partitions_largest_times() -> None:
    log = Log()
    log.order(paid("o1", t("12:00:30"), 1), t("12:00:30"), partition=0)
    log.order(paid("o2", t("12:00:10"), 1), t("12:00:31"), partition=0)
    log.order(paid("o3", t("12:00:20"), 1), t("12:00:20"), partition=1)
    assert log.truth().watermark_ms == t("12:00:20")


@pytest.mark.parametrize(("behind_ms", "watermark"), [(59_999, "12:00"), (60_000, "12:10")])
def test_a_partition_is_idle_after_a_minute(behind_ms: int, watermark: str) -> None:
    log = Log()
    log.order(paid("o1", t("12:10"), 1), t("12:10"), partition=0)
    log.order(paid("o2", t("12:00"), 1), t("12:10") - behind_ms, partition=1)
    assert log.truth().watermark_ms == t(watermark)


@pytest.mark.parametrize(("ahead_ms", "trusted"), [(300_000, True), (300_001, False)])
def test_a_clock_more_than_five_minutes_ahead_counts_but_moves_nothing(ahead_ms: int, trusted: bool) -> None:
    log = Log()
    log.sales("12:00", 1)
    log.order(paid("o2", t("12:01"), 10) | {"event_time_ms": t("12:01") + ahead_ms}, t("12:01"))
    truth = log.truth()
    assert truth.watermark_ms == (t("12:01") + ahead_ms if trusted else t("12:00"))
    assert truth.tallies[Tally("platform", "all", "hour", t("12:00"))]["gmv_fen"] == 11


def test_rejects_move_neither_the_watermark_nor_the_arrival_clock() -> None:
    log = Log()
    log.order(paid("o1", t("12:00"), 1), partition=0)
    log.order(paid("o2", t("12:00:05"), 1), partition=1)
    log.order(paid("o3", t("12:20"), -1), partition=1)
    assert log.truth().watermark_ms == t("12:00")


def test_without_a_trusted_event_there_is_no_watermark_and_nothing_closes() -> None:
    log = Log()
    log.sales("12:00", -1)
    truth = log.truth()
    assert (truth.watermark_ms, truth.rankings, truth.alerts) == (None, {}, [])


# -- hours ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("clock", "closed"), [("14:01:59.999", False), ("14:02", True)])
def test_an_hour_closes_at_its_end_plus_the_lateness(clock: str, closed: bool) -> None:
    log = Log()
    log.sales("13:30", 5)
    log.sales(clock, 1)
    assert (ALL_HOURS in log.truth().rankings) is closed


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3], {}),
        ([1, 2, 3, 4], {"2025-12-31T03": 4}),
        ([1, 2, 0, 3, 4], {"2025-12-31T04": 4}),
        ([5, 2, 3, 5], {}),
        ([5, 2, 3, 6, 6, 7], {"2025-12-31T03": 6, "2025-12-31T05": 7}),
        ([9, 2, 3, 6, 9, 10], {"2025-12-31T05": 10}),
    ],
)
def test_a_peak_is_strictly_above_three_or_more_earlier_hours(values: list[int], expected: dict[str, int]) -> None:
    log = Log()
    for number, fen in enumerate(values):
        log.sales(f"{number:02d}:30", fen)
    assert peaks(close(log).truth()) == expected


@pytest.mark.parametrize(("history", "count"), [(0, 4), (1, 3), (3, 1), (4, 0)])
def test_the_history_that_is_asked_for(history: int, count: int) -> None:
    log = Log()
    for number in range(4):
        log.sales(f"{number:02d}:30", number + 1)
    assert len(peaks(close(log).truth(Rules(min_history=history)))) == count


def test_the_first_of_equals_leads_and_is_the_previous_one() -> None:
    log = Log()
    for number, fen in enumerate([7, 3, 7, 9]):
        log.sales(f"{number:02d}:30", fen)
    truth = close(log).truth()
    (alert,) = (each for each in truth.alerts if each[1:5] == ALL_HOURS)
    assert alert.previous == Leader("2025-12-31T00", 7)
    assert truth.rankings[ALL_HOURS] == Leader("2025-12-31T03", 9)
    name = "peak.hour|gmv.paid.gross.v1|platform|all|2025-12-31T03"
    assert alert.alert_id == sha256(name.encode()).hexdigest()[:32]
    assert (alert.start_ms, alert.end_ms) == (t("03:00"), t("04:00"))


def test_a_late_payment_raises_an_hour_that_was_closed() -> None:
    log = Log()
    for number, fen in enumerate([1, 2, 3, 4, 5]):
        log.sales(f"{number:02d}:30", fen)
    late = paid("late", t("03:30"), 1)
    close(log).order(late, t("36:00:01"))
    assert peaks(log.truth()) == {"2025-12-31T03": 5}


def test_none_is_in_no_ranking() -> None:
    log = Log()
    for number in range(5):
        log.sales(f"{number:02d}:30", number + 1)
    scopes = {(ranking.dimension, ranking.id) for ranking in close(log).truth().rankings}
    assert scopes == {("platform", "all"), ("category", "womens-wear")}


# -- spans ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("minutes", "first", "value"),
    [
        ({}, 0, 0),
        ({0: 5}, 0, 5),
        ({1439: 5}, 1380, 5),
        ({100: 5, 159: 5}, 100, 10),
        ({100: 5, 160: 5}, 41, 5),
        ({100: 5, 160: 6}, 101, 6),
        ({100: 5, 159: 5, 300: 10}, 100, 10),
    ],
)
def test_the_best_sixty_minutes_of_a_day_the_earliest_of_equals(
    minutes: dict[int, int], first: int, value: int
) -> None:
    assert best_span([minutes.get(minute, 0) for minute in range(1440)]) == (first, value)


def test_the_holder_of_a_day_is_its_best_span() -> None:
    log = Log()
    for day, fen in (("2025-12-27", 1), ("2025-12-28", 2), ("2025-12-29", 3)):
        log.sales("10:00", fen, day)
    log.sales("20:40", 2)
    log.sales("21:39", 2)
    truth = close(log).truth()
    (alert,) = (each for each in truth.alerts if each[1:5] == ("peak.rolling", GROSS, "platform", "all"))
    assert (alert.holder, alert.holder_kind, alert.value_fen) == ("2025-12-31", "span", 4)
    assert (alert.start_ms, alert.end_ms) == (t("20:40"), t("21:40"))
    assert not any(each.rule == "peak.hour" and each.holder == "2025-12-31T20" for each in truth.alerts)


def test_a_day_is_open_until_it_ends() -> None:
    log = Log()
    log.sales("10:00", 1)
    log.sales("24:01:59", 1)
    assert not any(ranking.rule == "peak.rolling" for ranking in log.truth().rankings)


# -- sessions -------------------------------------------------------------------------------------
MERCHANT = Ranking("record.session", GROSS, "merchant", "m1")


def show(log: Log, session_id: str, start: str, end: str | None, fen: int, day: str = "2025-12-31") -> None:
    """A whole session with one payment at its start."""
    log.session(session("started", session_id, t(start, day)))
    log.sales(start, fen, day, session_id=session_id)
    if end is not None:
        log.session(session("ended", session_id, t(end, day)))


def history(log: Log) -> None:
    for number in range(3):
        show(log, f"s{number}", f"{number:02d}:10", f"{number:02d}:20", 10 + number)


def test_a_session_above_three_earlier_ones_is_a_record_in_all_its_scopes() -> None:
    log = Log()
    history(log)
    show(log, "s9", "04:00", "12:00", 13)
    truth = close(log).truth()
    won = {(each.dimension, each.scope_id, each.metric) for each in truth.alerts if each.holder == "s9"}
    scopes = [("anchor", "a1"), ("merchant", "m1"), ("cluster", "c1"), ("category", "womens-wear"), ("platform", "all")]
    assert won == {(*scope, metric) for scope in scopes for metric in (GROSS, NET)}
    (alert,) = (each for each in truth.alerts if each[1:5] == MERCHANT)
    assert (alert.start_ms, alert.end_ms, alert.previous) == (t("04:00"), t("12:00"), Leader("s2", 12))


def test_null_scopes_are_left_out_and_the_least_start_decides() -> None:
    log = Log()
    log.session(session("started", "s1", t("01:00"), event_id="b", anchor_id="wrong"))
    log.session(session("started", "s1", t("01:00"), event_id="a", merchant_id=None, cluster_id=None), t("01:01"))
    log.session(session("started", "s1", t("02:00"), event_id="0", anchor_id="late"))
    log.sales("01:30", 5, session_id="s1")
    rankings = {each[2:] for each in close(log).truth().rankings if each.rule == "record.session"}
    assert rankings == {("anchor", "a1"), ("category", "womens-wear"), ("platform", "all")}


def test_a_session_without_a_start_has_hours_but_no_record() -> None:
    log = Log()
    log.sales("01:30", 5, session_id="s1")
    log.session(session("ended", "s1", t("02:00")))
    rankings = close(log).truth().rankings
    assert Ranking("peak.hour", GROSS, "session", "s1") in rankings
    assert not any(each.rule == "record.session" for each in rankings)


def test_the_first_declared_end_counts() -> None:
    log = Log()
    show(log, "s1", "01:00", "03:00", 5)
    log.session(session("ended", "s1", t("02:00"), event_id="earlier"), t("04:00"))
    log.session(session("ended", "s1", t("05:00"), event_id="later"))
    # the end of the log is past 02:02, not past 03:02
    log.records = [record for record in log.records if record.arrival_ms <= t("04:00")]
    log.order(paid("o", t("02:02"), 0), t("04:00"), partition=1)
    log.session(session("anchor_changed", "other", t("02:02")), t("04:00"), partition=1)
    truth = log.truth()
    assert truth.watermark_ms == t("02:02")
    assert truth.rankings[MERCHANT] == Leader("s1", 5)


@pytest.mark.parametrize(("clock", "closed"), [("08:01:59.999", False), ("08:02", True)])
def test_an_end_that_never_comes_is_six_hours_after_the_last_sign_of_life(clock: str, closed: bool) -> None:
    log = Log()
    log.session(session("started", "s1", t("01:00")))
    log.session(session("anchor_changed", "s1", t("01:30")))
    log.sales("02:00", 5, session_id="s1")
    log.sales(clock, 1)
    assert (MERCHANT in log.truth().rankings) is closed


def test_sessions_are_in_the_order_of_their_ends_then_ids() -> None:
    log = Log()
    show(log, "z", "01:00", "06:00", 50)
    for name in ("d", "c", "b", "a"):
        show(log, name, "02:00", "05:00", ord(name))
    # a, b, c, d close together in this order, z last; each is above those before
    assert peaks(close(log).truth(), MERCHANT) == {"d": 100}


def test_orders_paid_after_the_end_still_count() -> None:
    log = Log()
    show(log, "s1", "01:00", "02:00", 5)
    log.sales("03:30", 7, session_id="s1")
    assert close(log).truth().rankings[MERCHANT] == Leader("s1", 12)


@pytest.mark.parametrize(
    ("end", "pay", "total"),
    [("20:30", "20:59:59", 15), ("20:30", "21:00", 5), ("21:00", "20:59:59", 15), ("21:00", "21:00", 5)],
)
def test_a_session_counts_the_hours_that_begin_before_thirty_days_after_its_end(end: str, pay: str, total: int) -> None:
    log = Log()
    show(log, "s1", "12:00", end, 5, "2025-12-01")
    log.sales(pay, 10, "2025-12-31", session_id="s1")
    truth = close(log).truth()
    assert truth.tallies[Tally("session", "s1", "session", 0)]["gmv_fen"] == total
    assert truth.rankings[MERCHANT] == Leader("s1", total)
    hours = [value["gmv_fen"] for key, value in truth.tallies.items() if key[:3] == ("session", "s1", "hour")]
    assert sum(hours) == 15


def test_refunds_move_net_only() -> None:
    log = Log()
    history(log)
    log.session(session("started", "s9", t("04:00")))
    order = paid("big", t("04:10"), 20, session_id="s9")
    log.order(order)
    log.session(session("ended", "s9", t("05:00")))
    close(log).order(refunded(order, 1, t("37:00"), 8), t("37:00"))
    truth = log.truth()
    assert peaks(truth, MERCHANT) == {"s9": 20}
    assert peaks(truth, MERCHANT._replace(metric=NET)) == {}
    assert truth.rankings[MERCHANT._replace(metric=NET)] == Leader("s2", 12)


def test_a_session_that_gave_everything_back_is_history_in_net_terms_too() -> None:
    log = Log()
    history(log)
    returned = paid("returned", t("03:10"), 5, session_id="s3")
    log.session(session("started", "s3", t("03:05")))
    log.order(returned)
    log.order(refunded(returned, 1, t("03:20"), 5))
    log.session(session("ended", "s3", t("03:30")))
    show(log, "s4", "04:10", "04:20", 99)
    truth = close(log).truth(Rules(min_history=4))
    assert peaks(truth, MERCHANT) == {"s4": 99}
    assert peaks(truth, MERCHANT._replace(metric=NET)) == {"s4": 99}
    assert peaks(close(log).truth(Rules(min_history=5)), MERCHANT) == {}


def test_what_is_worth_nothing_in_net_terms_leads_nothing() -> None:
    log = Log()
    returned = paid("returned", t("03:10"), 5, session_id="s3")
    log.session(session("started", "s3", t("03:05")))
    log.order(returned)
    log.order(refunded(returned, 1, t("03:20"), 5))
    log.session(session("ended", "s3", t("03:30")))
    truth = close(log).truth(Rules(min_history=0))
    assert peaks(truth, MERCHANT) == {"s3": 5}
    assert peaks(truth, MERCHANT._replace(metric=NET)) == {}
    assert MERCHANT._replace(metric=NET) not in truth.rankings
