"""What is stored of a tally as the state that is told."""

import pytest

from streams.feed.states import Declared, Distinct, ReadAt, Terms, by_code, by_hour, hour_state, session_state
from streams.marks.records import SILENCE_MS
from streams.tally.windows import DAY_MS, HOUR_MS, SHANGHAI

TERMS = Terms(SHANGHAI, 120_000, 30 * DAY_MS)
HOUR = 20_453 * 24 + 20
START_MS = SHANGHAI.start_ms("hour", HOUR)
CLOSES_MS = START_MS + HOUR_MS + 120_000


@pytest.mark.parametrize(
    ("watermark_ms", "final"), [(None, False), (CLOSES_MS - 1, False), (CLOSES_MS, True), (CLOSES_MS + 1, True)]
)
def test_an_hour_is_final_once_the_watermark_has_passed_its_end_and_the_lateness(
    watermark_ms: int | None, final: bool
) -> None:
    state = hour_state(TERMS, ("city", "a", HOUR), {"g": 5}, Distinct(), ReadAt(7, watermark_ms))
    assert (state.start_ms, state.end_ms, state.closes_ms) == (START_MS, START_MS + HOUR_MS, CLOSES_MS)
    assert (state.as_of_ms, state.final, state.version) == (watermark_ms, final, 7)


def test_absent_counters_are_zero_and_net_is_the_difference() -> None:
    state = hour_state(TERMS, ("city", "a", HOUR), {"g": 50, "r": 20, "b": 5}, Distinct(3), ReadAt(7, None))
    assert (state.gmv_fen, state.net_gmv_fen, state.net_gmv_booked_fen, state.units) == (50, 30, 45, 0)
    assert (state.buyers, state.merchants, state.anchors) == (3, None, None)


def test_nothing_stored_is_no_state_and_a_stored_zero_is_one() -> None:
    assert by_code([None] * 8) is None
    assert by_code([b"0", *[None] * 7]) == {"g": 0}


def session(started: str, ended: str, hours: dict[int, dict[str, int]], watermark_ms: int | None = None) -> object:
    declared = Declared(started, ended, START_MS, START_MS + 5)
    return session_state(TERMS, "s", declared, hours, 9, ReadAt(7, watermark_ms))


def test_a_session_is_the_sum_of_its_hours() -> None:
    state = session("", "", {HOUR: {"g": 5, "p": 1}, HOUR + 1: {"g": 6}})
    assert (state.gmv_fen, state.orders_paid, state.buyers) == (11, 1, 9)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("hours_after", "counts"), [(-1, True), (0, False), (1, False)])
def test_hours_that_begin_30_days_after_the_declared_end_do_not_count_for_it(hours_after: int, counts: bool) -> None:
    ended = f"{START_MS:015d}|e\0"
    late = HOUR + 30 * 24 + hours_after
    state = session("", ended, {HOUR: {"g": 5}, late: {"g": 7}})
    assert state.gmv_fen == (12 if counts else 5)  # type: ignore[attr-defined]


def test_a_session_without_a_declared_end_closes_after_its_silence() -> None:
    silent_ms = START_MS + 5 + SILENCE_MS + 120_000
    for watermark_ms, final in ((silent_ms - 1, False), (silent_ms, True)):
        state = session(f"{START_MS:015d}|e\0{{}}", "", {}, watermark_ms)
        assert (state.start_ms, state.end_ms) == (START_MS, None)  # type: ignore[attr-defined]
        assert (state.closes_ms, state.final) == (silent_ms, final)  # type: ignore[attr-defined]


def test_a_declared_end_closes_a_session() -> None:
    state = session("", f"{START_MS:015d}|e\0", {}, START_MS + 120_000)
    assert (state.end_ms, state.closes_ms, state.final) == (START_MS, START_MS + 120_000, True)  # type: ignore[attr-defined]


def test_the_hash_of_a_sessions_hours_is_read_by_hour_and_code() -> None:
    flat = [b"490000g", b"5", b"490000p", b"1", b"490001g", b"6"]
    assert by_hour(flat) == {490_000: {"g": 5, "p": 1}, 490_001: {"g": 6}}
