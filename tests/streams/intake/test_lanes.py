"""Lanes: chunks of a partition in their order, joined to what one settle takes in, partitions side by side."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

import streams.intake.lanes
from streams.intake.chunk import Chunk
from streams.intake.lanes import AT_ONCE, SETTLES_WAITING, Lanes, next_chunk
from tests.streams.intake.making import Rec

TP0, TP1, TP2 = (TP("orders", number) for number in range(3))


def chunk(start: int, end: int, epoch: int = 1, tp: TP = TP0, highwater: int = 0) -> Chunk:
    records = [Rec(offset, 0, b"", b"") for offset in range(start, end)]
    return Chunk(tp, epoch, start, end, highwater or end, records)


def spans(chunks: Iterable[Chunk]) -> list[tuple[int, int]]:
    return [(each.start, each.end) for each in chunks]


# -- joining and splitting -------------------------------------------------------------------------
def test_what_continues_is_joined() -> None:
    waiting = deque([chunk(0, 2), chunk(2, 5)])
    joined = next_chunk(waiting, 10)
    assert (joined.start, joined.end, len(joined.records), len(waiting)) == (0, 5, 5, 0)


def test_the_end_of_the_log_is_that_of_the_last() -> None:
    waiting = deque([chunk(0, 2), chunk(2, 5)._replace(highwater=2_000)])
    assert next_chunk(waiting, 10).highwater == 2_000


@pytest.mark.parametrize(("most", "joined"), [(4, (0, 2)), (5, (0, 5)), (6, (0, 5))])
def test_no_more_than_a_settle_takes_in_is_joined(most: int, joined: tuple[int, int]) -> None:
    assert spans([next_chunk(deque([chunk(0, 2), chunk(2, 5)]), most)]) == [joined]


def test_chunks_of_two_epochs_are_not_joined() -> None:
    assert spans([next_chunk(deque([chunk(0, 2), chunk(2, 5, epoch=2)]), 10)]) == [(0, 2)]


def test_a_gap_between_chunks_stays_to_be_seen() -> None:
    assert spans([next_chunk(deque([chunk(0, 2), chunk(3, 5)]), 10)]) == [(0, 2)]


def test_a_long_chunk_is_cut_and_offsets_without_a_record_go_to_the_part_before_them() -> None:
    holed = Chunk(TP0, 1, 0, 9, 9, [Rec(offset, 0, b"", b"") for offset in (0, 1, 4, 5)])
    waiting = deque([holed])
    assert spans([next_chunk(waiting, 2), next_chunk(waiting, 2)]) == [(0, 4), (4, 9)]


@given(st.lists(st.integers(1, 9), min_size=1), st.integers(1, 12))
def test_every_record_comes_out_once_and_in_order(sizes: list[int], most: int) -> None:
    ends = [sum(sizes[: at + 1]) for at in range(len(sizes))]
    waiting = deque(chunk(end - size, end) for end, size in zip(ends, sizes, strict=True))
    taken = []
    while waiting:
        taken.append(next_chunk(waiting, most))
    assert [record.offset for each in taken for record in each.records] == list(range(ends[-1]))
    assert all(len(each.records) <= most for each in taken)
    assert [each.start for each in taken[1:]] == [each.end for each in taken[:-1]]


# -- lanes -----------------------------------------------------------------------------------------
class Settling:
    """Settles wait until they are let go; what was taken is kept."""

    def __init__(self) -> None:
        self.taken: list[Chunk] = []
        self.go = asyncio.Event()

    async def take(self, chunk: Chunk) -> None:
        self.taken.append(chunk)
        await self.go.wait()


@pytest.fixture
def settling() -> Settling:
    return Settling()


async def until_quiet() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_comes_during_a_settle_is_the_next_one(settling: Settling) -> None:
    lanes = Lanes(settling.take, 100)
    await lanes.put(chunk(0, 3))
    await until_quiet()
    await lanes.put(chunk(3, 5))
    await lanes.put(chunk(5, 6))
    settling.go.set()
    await until_quiet()
    assert spans(settling.taken) == [(0, 3), (3, 6)]


async def test_partitions_are_settled_side_by_side_but_not_all_of_them(settling: Settling) -> None:
    lanes = Lanes(settling.take, 100)
    for tp in (TP0, TP1, TP2):
        await lanes.put(chunk(0, 3, tp=tp))
    await until_quiet()
    assert [each.tp for each in settling.taken] == [TP0, TP1][:AT_ONCE]
    settling.go.set()
    await until_quiet()
    assert [each.tp for each in settling.taken] == [TP0, TP1, TP2]


async def test_who_brings_more_than_may_wait_is_kept_waiting(settling: Settling) -> None:
    lanes = Lanes(settling.take, 4)
    for start in range(0, 4 * (SETTLES_WAITING + 1), 4):
        await lanes.put(chunk(start, start + 4))
        await until_quiet()
    end = 4 * (SETTLES_WAITING + 1)
    bringing = asyncio.ensure_future(lanes.put(chunk(end, end + 1)))
    await until_quiet()
    assert not bringing.done()
    settling.go.set()
    await bringing
    await until_quiet()
    assert spans(settling.taken)[-1] == (end, end + 1)


async def test_what_may_wait_is_shared_by_all_partitions(settling: Settling) -> None:
    lanes = Lanes(settling.take, 4)
    for number in range(AT_ONCE + SETTLES_WAITING):
        await lanes.put(chunk(0, 4, tp=TP("orders", number)))
        await until_quiet()
    bringing = asyncio.ensure_future(lanes.put(chunk(0, 1, tp=TP("orders", 99))))
    await until_quiet()
    assert not bringing.done()
    settling.go.set()
    await bringing
    await until_quiet()
    assert len(settling.taken) == AT_ONCE + SETTLES_WAITING + 1


async def test_a_log_that_goes_on_is_waited_for_until_it_is_a_whole_settle(settling: Settling) -> None:
    lanes = Lanes(settling.take, 6)
    await lanes.put(chunk(0, 3, highwater=100))
    await until_quiet()
    assert settling.taken == []
    await lanes.put(chunk(3, 6, highwater=100))
    await until_quiet()
    assert spans(settling.taken) == [(0, 6)]


async def test_a_log_that_is_fully_read_is_not_waited_for(settling: Settling) -> None:
    lanes = Lanes(settling.take, 100)
    await lanes.put(chunk(0, 3, highwater=5))
    await lanes.put(chunk(3, 5, highwater=5))
    await until_quiet()
    assert spans(settling.taken) == [(0, 5)]


async def test_a_log_that_goes_on_but_does_not_come_is_waited_for_only_a_moment(
    settling: Settling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams.intake.lanes, "GATHER_S", 0.001)
    lanes = Lanes(settling.take, 100)
    await lanes.put(chunk(0, 3, highwater=100))
    await asyncio.sleep(0.1)
    assert spans(settling.taken) == [(0, 3)]


async def test_closing_ends_what_is_under_way_and_lets_nothing_begin(settling: Settling) -> None:
    lanes = Lanes(settling.take, 100)
    for tp in (TP0, TP1, TP2):
        await lanes.put(chunk(0, 3, tp=tp))
    await until_quiet()
    await lanes.close()
    settling.go.set()
    await until_quiet()
    assert [each.tp for each in settling.taken] == [TP0, TP1]
