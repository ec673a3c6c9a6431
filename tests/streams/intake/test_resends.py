"""The resend memory: the horizon to the millisecond, chains of copies, replays."""

from hypothesis import given
from hypothesis import strategies as st

from streams.intake.resends import ResendMemory

HORIZON_MS = 900_000


def test_the_first_copy_is_no_resend() -> None:
    assert not ResendMemory(HORIZON_MS).is_resend("a", 0, 1_000)


def test_a_copy_exactly_at_the_horizon_is_a_resend() -> None:
    memory = ResendMemory(HORIZON_MS)
    memory.is_resend("a", 0, 1_000)
    assert memory.is_resend("a", 1, 1_000 + HORIZON_MS)


def test_a_copy_a_millisecond_later_is_a_new_event() -> None:
    memory = ResendMemory(HORIZON_MS)
    memory.is_resend("a", 0, 1_000)
    assert not memory.is_resend("a", 1, 1_001 + HORIZON_MS)


def test_an_arrival_that_goes_back_counts_as_that_of_the_records_around_it() -> None:
    """What forgets goes by the largest arrival. Compared by its own, a copy would be one until it is forgotten."""
    for behind_ms, is_resend in ((HORIZON_MS, True), (HORIZON_MS + 1, False)):
        memory = ResendMemory(HORIZON_MS)
        memory.is_resend("a", 0, 1_000)
        memory.is_resend("b", 1, 1_000 + behind_ms)
        assert memory.is_resend("a", 2, 999) is is_resend
        assert memory.is_resend("a", 3, 1_000 + behind_ms)


def test_each_copy_begins_the_horizon_anew() -> None:
    memory = ResendMemory(HORIZON_MS)
    copies = [memory.is_resend("a", offset, 1_000 + offset * HORIZON_MS) for offset in range(5)]
    assert copies == [False, True, True, True, True]


def test_a_copy_at_the_same_offset_is_the_same_record_read_again() -> None:
    memory = ResendMemory(HORIZON_MS)
    memory.is_resend("a", 7, 1_000)
    assert not memory.is_resend("a", 7, 1_000)


def test_a_forgotten_copy_makes_no_resend() -> None:
    memory = ResendMemory(HORIZON_MS)
    memory.is_resend("a", 0, 1_000)
    memory.forget("a")
    assert not memory.is_resend("a", 1, 2_000)


def test_memory_is_bounded_by_two_horizons() -> None:
    memory = ResendMemory(1_000)
    for offset in range(100_000):
        memory.is_resend(f"event-{offset}", offset, offset)
    assert len(memory) <= 2_001


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 700)), max_size=60))
def test_it_agrees_with_the_definition(events: list[tuple[str, int]]) -> None:
    memory, arrival_ms, last = ResendMemory(1_000), 0, {}
    for offset, (event_id, gap_ms) in enumerate(events):
        arrival_ms += gap_ms
        expected = event_id in last and arrival_ms - last[event_id] <= 1_000
        assert memory.is_resend(event_id, offset, arrival_ms) == expected
        last[event_id] = arrival_ms
