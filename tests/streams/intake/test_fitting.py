"""Whether the resend memory fits: below, equal, above; and that what an event is said to take is what it takes."""

import tracemalloc
from uuid import UUID

import pytest
from faust.types import TP

from streams.errors import MemoryShort
from streams.intake.fitting import BYTES_PER_EVENT, GENERATIONS, Fitting
from streams.intake.resends import ResendMemory

HERE, THERE = TP("orders", 0), TP("orders", 1)
EACH = GENERATIONS * BYTES_PER_EVENT


@pytest.mark.parametrize("allowed", [1_000 * EACH, 1_000 * EACH + 1, 1 << 40])
def test_what_fits_is_let_pass(allowed: int) -> None:
    Fitting(900, allowed).check({HERE: 400, THERE: 600})


def test_nothing_to_remember_always_fits() -> None:
    Fitting(0, 0).check({})
    Fitting(0, 0).check({HERE: 0})


def test_one_byte_less_is_refused_with_the_arithmetic_and_the_ways_out() -> None:
    in_horizon = {HERE: 900_000, THERE: 1_100_000}
    with pytest.raises(MemoryShort) as refused:
        Fitting(900, 2_000_000 * EACH - 1).check(in_horizon)
    assert refused.value.exit_code == 78
    assert str(refused.value) == (
        "the dedupe horizon does not fit into memory: the last HIGHTIDE_DEDUPE_S=900 s before the fences hold "
        "2,000,000 records in 2 partitions (2,222 a second; most in orders/1: 1,100,000), x 2 horizons kept x "
        "192 bytes an event = 732.4 MB, and 732.4 MB are allowed. Set a shorter HIGHTIDE_DEDUPE_S, start more "
        "workers (or more partitions) at once, or give the process more memory and HIGHTIDE_MEMORY_MB=733 or more"
    )


@pytest.mark.parametrize("events", [10_000, 40_000])
def test_an_event_takes_about_what_is_said(events: int) -> None:
    """Requested bytes; the allocator rounds them up by a tenth, so that resident ones are what is said."""
    tracemalloc.start()
    try:
        memory = ResendMemory(900_000)
        for number in range(events):
            memory.is_resend(str(UUID(int=number << 64)), 5_000_000 + number, 1_735_660_800_000)
        taken = tracemalloc.get_traced_memory()[0] / events
    finally:
        tracemalloc.stop()
    assert 0.65 * BYTES_PER_EVENT < taken <= BYTES_PER_EVENT
