"""The reading ledger: chunks cover the log without a gap, whatever is dropped and whatever is seeked."""

from collections import namedtuple
from itertools import pairwise

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.chunk import Chunk, StartAt
from streams.intake.ledger import ReadingLedger, Reread

TP0 = TP("orders", 0)
R = namedtuple("R", "offset")


def records(*offsets: int) -> list[R]:
    return [R(offset) for offset in offsets]


def started(offset: int = 10, epoch: int = 1) -> ReadingLedger:
    ledger = ReadingLedger()
    ledger.start(TP0, StartAt(offset, epoch))
    return ledger


def test_a_chunk_covers_exactly_what_was_read() -> None:
    chunk = started().take(TP0, records(10, 11, 12), position=13, highwater=20)
    assert chunk == Chunk(TP0, 1, 10, 13, 20, records(10, 11, 12))


def test_the_next_chunk_begins_where_the_last_one_ended() -> None:
    ledger = started()
    ledger.take(TP0, records(10, 11), 12, 20)
    chunk = ledger.take(TP0, records(12), 13, 20)
    assert isinstance(chunk, Chunk) and (chunk.start, chunk.end) == (12, 13)


def test_dropped_records_are_never_claimed_by_the_next_chunk() -> None:
    ledger = started()
    ledger.drop(TP0, 15)
    chunk = ledger.take(TP0, records(15), 16, 20)
    assert isinstance(chunk, Chunk) and chunk.start == 15


def test_records_of_a_partition_that_was_not_started_are_not_ours() -> None:
    assert ReadingLedger().take(TP0, records(1), 2, 2) is None


def test_a_hole_is_read_again_once_and_believed_when_it_comes_back() -> None:
    ledger = started()
    assert ledger.take(TP0, records(12, 13), 14, 20) == Reread(TP0, 10)
    chunk = ledger.take(TP0, records(12, 13), 14, 20)
    assert isinstance(chunk, Chunk) and (chunk.start, chunk.end) == (10, 14)


def test_a_hole_that_was_a_race_is_not_believed() -> None:
    ledger = started()
    ledger.take(TP0, records(12, 13), 14, 20)
    chunk = ledger.take(TP0, records(10, 11, 12, 13), 14, 20)
    assert isinstance(chunk, Chunk) and (chunk.start, chunk.end) == (10, 14)


def test_a_hole_inside_the_records_counts_as_one() -> None:
    assert started().take(TP0, records(10, 12), 13, 20) == Reread(TP0, 10)


def test_another_hole_is_not_the_one_that_was_seen() -> None:
    ledger = started()
    assert ledger.take(TP0, records(10, 12, 13), 14, 20) == Reread(TP0, 10)
    assert ledger.take(TP0, records(10, 11, 13), 14, 20) == Reread(TP0, 10)
    chunk = ledger.take(TP0, records(10, 11, 12, 13), 14, 20)
    assert isinstance(chunk, Chunk) and len(chunk.records) == 4


def test_holes_that_come_back_are_believed_however_long_the_answer_is() -> None:
    ledger = started()
    assert ledger.take(TP0, records(10, 12), 13, 20) == Reread(TP0, 10)
    assert ledger.take(TP0, records(10, 12, 14), 15, 20) == Reread(TP0, 10)
    chunk = ledger.take(TP0, records(10, 12), 13, 20)
    assert isinstance(chunk, Chunk) and chunk.end == 13
    assert ledger.take(TP0, records(14), 15, 20) == Reread(TP0, 13)


def test_a_range_without_any_record_is_a_hole_like_another() -> None:
    ledger = started()
    assert ledger.take(TP0, [], position=12, highwater=12) == Reread(TP0, 10)
    chunk = ledger.take(TP0, [], position=12, highwater=12)
    assert chunk == Chunk(TP0, 1, 10, 12, 12, [])


def test_a_range_that_had_no_record_only_once_is_not_believed() -> None:
    ledger = started()
    ledger.take(TP0, [], 12, 12)
    chunk = ledger.take(TP0, records(10, 11), 12, 12)
    assert isinstance(chunk, Chunk) and len(chunk.records) == 2


def test_records_from_before_the_start_are_never_believed() -> None:
    ledger = started()
    assert [ledger.take(TP0, records(0, 1), 2, 2) for _ in range(3)] == [Reread(TP0, 10)] * 3


def test_a_seek_begins_a_new_epoch_and_forgets_the_expectation() -> None:
    ledger = started()
    ledger.take(TP0, records(10, 11), 12, 20)
    ledger.start(TP0, StartAt(5, 2))
    chunk = ledger.take(TP0, records(5, 6), 7, 20)
    assert isinstance(chunk, Chunk) and (chunk.epoch, chunk.start) == (2, 5)


def test_partitions_that_went_away_are_forgotten() -> None:
    ledger = started()
    ledger.forget(keep=set())
    assert ledger.expected() == {}


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=30))
def test_chunks_and_drops_together_cover_the_log_once(fetches: list[tuple[int, bool]]) -> None:
    ledger, position, covered = started(0), 0, []
    for size, dropped in fetches:
        fetched = records(*range(position, position + size))
        position += size
        if dropped:
            ledger.drop(TP0, position)
            continue
        chunk = ledger.take(TP0, fetched, position, position)
        assert isinstance(chunk, Chunk)
        covered.append((chunk.start, chunk.end))
        assert [record.offset for record in chunk.records] == list(range(chunk.start, chunk.end))
    assert ledger.expected() == {TP0: position}
    assert all(end <= start for (_, end), (start, _) in pairwise(covered))
