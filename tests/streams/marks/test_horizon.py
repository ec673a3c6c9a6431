"""Which watermark a reader may close holders by."""

from streams.keys import HISTORY
from streams.marks.horizon import Horizon


def test_with_every_mark_in_hand_the_watermark_is_applied_at_once() -> None:
    assert Horizon().advance(100, [7], [None]) == 100
    assert Horizon().advance(100, [7], [8]) == 100


def test_with_older_marks_left_it_waits_until_they_are_read() -> None:
    it = Horizon()
    assert it.advance(100, [7], [7]) == 0
    assert it.advance(200, [9], [6]) == 0
    assert it.advance(300, [11], [8]) == 100, "what came up to version 7 is read: the watermark of then"
    assert it.advance(400, [12], [11]) == 100
    assert it.advance(500, [13], [12]) == 300, "and so on: marks that never end do not stop it"


def test_when_it_catches_up_it_takes_the_latest() -> None:
    it = Horizon()
    it.advance(100, [7], [3])
    assert it.advance(200, [9], [None]) == 200
    assert it.advance(300, [11], [9]) == 200


def test_every_source_counts() -> None:
    it = Horizon()
    assert it.advance(100, [7, 3], [None, 3]) == 0
    assert it.advance(200, [9, 5], [8, 4]) == 100


def test_it_does_not_fall_by_itself() -> None:
    it = Horizon()
    assert it.advance(100, [7], [None]) == 100
    assert it.advance(50, [8], [None]) == 100


def test_after_redis_went_back_it_begins_again_behind_the_marks() -> None:
    it = Horizon()
    assert it.advance(100, [7], [None]) == 100
    assert it.advance(40, [3], [1]) == 0, "a version below the last one seen: what comes is read again"
    assert it.advance(50, [4], [None]) == 50


def test_a_new_history_counts_as_having_gone_back_although_its_versions_are_higher() -> None:
    it = Horizon()
    assert it.advance(100, [7], [None]) == 100
    assert it.advance(40, [HISTORY + 3], [HISTORY + 1]) == 0
