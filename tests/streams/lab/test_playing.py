"""Playing: slices, pace and partitions, without a broker."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streams.lab.simulator.pace import Pace
from streams.lab.simulator.partitions import Placed, murmur2, partition_of, place
from streams.lab.simulator.planned import ORDERS, SESSIONS, Planned
from streams.lab.simulator.play import SLICE_MS, slices


@given(key=st.text(min_size=1), partitions=st.integers(1, 64))
def test_the_partition_is_that_of_kafkas_default_partitioner(key: str, partitions: int) -> None:
    numbers = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key.encode(), numbers, numbers)


@pytest.mark.parametrize(
    ("data", "value"),
    # from the tests of Apache Kafka's Java client (UtilsTest.testMurmur2)
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536), (b"abc", 479470107)],
)
def test_murmur2_has_the_values_of_the_java_client(data: bytes, value: int) -> None:
    assert murmur2(data) == value % 2**32


def test_offsets_count_up_in_each_partition() -> None:
    records = [Planned(topic, key, b"", 5) for topic in (ORDERS, SESSIONS) for key in ("a", "b", "c", "a")]
    placed = list(place(records, {ORDERS: 2, SESSIONS: 1}))
    assert [(each.offset) for each in placed if each.topic == SESSIONS] == [0, 1, 2, 3]
    first, *_, again = (each for each in placed if each.topic == ORDERS)
    assert first == Placed(ORDERS, partition_of("a", 2), 0, 5, "a", b"")
    assert again.partition == first.partition
    assert again.offset > first.offset


def test_slices_are_cut_at_multiples_of_their_length() -> None:
    arrivals = [0, 29_999, 30_000, 30_000, 95_000]
    runs = list(slices(Planned(ORDERS, "k", b"", arrival_ms) for arrival_ms in arrivals))
    assert [[each.arrival_ms for each in run] for run in runs] == [[0, 29_999], [30_000, 30_000], [95_000]]
    assert all(run[-1].arrival_ms - run[0].arrival_ms < SLICE_MS for run in runs)


class Wall:
    """A wall clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


async def test_a_factor_is_seconds_of_the_scenario_a_second() -> None:
    wall = Wall()
    pace = Pace(60.0, wall.now, wall.sleep)
    for time_ms in (1_000_000, 1_030_000, 1_060_000):
        await pace.until(time_ms)
    assert wall.slept == pytest.approx([0.5, 0.5])


async def test_a_late_player_catches_up_instead_of_waiting() -> None:
    wall = Wall()
    pace = Pace(60.0, wall.now, wall.sleep)
    await pace.until(0)
    wall.seconds += 2.0
    await pace.until(30_000)
    assert wall.slept == []
    await pace.until(60_000)
    await pace.until(120_000)
    assert wall.seconds == pytest.approx(102.0)


async def test_a_silent_night_is_cut_short() -> None:
    wall = Wall()
    pace = Pace(60.0, wall.now, wall.sleep)
    await pace.until(0)
    await pace.until(20 * 3_600_000)
    assert wall.slept == pytest.approx([1.0])


async def test_as_fast_as_possible_never_waits() -> None:
    wall = Wall()
    pace = Pace(None, wall.now, wall.sleep)
    await pace.until(0)
    await pace.until(60_000)
    assert wall.slept == []
