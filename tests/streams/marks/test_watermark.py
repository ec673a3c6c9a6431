"""How far event time is read."""

import pytest

from streams.marks.watermark import (
    IDLE_MS,
    SETTLE_MS,
    FullyRead,
    Progress,
    merge_shards,
    quiet_watermark_ms,
    watermark_ms,
)

#: arrivals and event times of the tests: seconds after a start
T = 1_767_200_400_000


def t(seconds: float) -> int:
    return T + int(seconds * 1_000)


def part(number: int, trusted: int, arrival: int, unread: bool = False, topic: str = "orders") -> Progress:
    """A partition with this trusted event time and last arrival (epoch ms; 0 = none)."""
    return Progress(topic, number, 10, trusted, arrival, unread)


def read(*partitions: Progress) -> set[tuple[str, int]]:
    """All that say of themselves that they are fully read."""
    return {each.place for each in partitions if not each.unread}


def told(*partitions: Progress) -> int | None:
    return watermark_ms(partitions, read(*partitions))


def test_it_is_the_smallest_of_the_largest() -> None:
    assert told(part(0, t(9), t(10)), part(1, t(5), t(10)), part(0, t(7), t(9), topic="live-sessions")) == t(5)


def test_without_partitions_or_records_there_is_none() -> None:
    assert told() is None
    assert told(part(0, 0, 0), part(1, 0, 0)) is None


def test_an_empty_partition_does_not_hold_it_back_once_it_is_known_to_be_empty() -> None:
    assert told(part(0, t(9), t(10)), part(1, 0, 0)) == t(9)
    assert told(part(0, t(9), t(10)), part(1, 0, 0, unread=True)) is None


def test_rejects_alone_hold_nothing_back() -> None:
    assert told(part(0, t(9), t(10)), part(1, 0, t(10))) == t(9)


@pytest.mark.parametrize(("behind_ms", "expected"), [(IDLE_MS - 1, t(5)), (IDLE_MS, t(99)), (IDLE_MS + 1, t(99))])
def test_a_partition_is_idle_when_its_last_arrival_is_a_minute_behind(behind_ms: int, expected: int) -> None:
    assert told(part(0, t(99), t(100)), part(1, t(5), t(100) - behind_ms)) == expected


def test_what_lies_unread_is_never_idle() -> None:
    assert told(part(0, t(999), t(1_000)), part(1, t(5), t(6), unread=True)) == t(5)
    assert told(part(0, t(999), t(1_000)), part(1, 0, 0, unread=True)) is None


def test_the_newest_arrival_may_be_a_reject() -> None:
    assert told(part(0, 0, t(1_000)), part(1, t(5), t(6))) is None
    assert told(part(0, 0, t(1_000)), part(1, t(5), t(6)), part(2, t(990), t(995))) == t(990)


def test_documented_a_live_watermark_may_be_above_that_of_a_replay_until_the_log_passes_it() -> None:
    """A partition is silent for a minute and fully read, so the others go on; then it brings what is older than that.

    Live, the watermark stays where it was (it never falls) and what came counts as late. A replay that reads all at
    once never sees the minute of silence: it ends lower, and has closed fewer windows. It closes the rest, with the
    same values, as soon as the partition has come as far: no final set differs below both watermarks.
    """
    silent, others = part(1, t(100), t(100)), part(0, t(190), t(190))
    live = told(silent, others)
    assert live == t(190)
    older = silent._replace(trusted_ms=t(150), arrival_ms=t(195))
    replay = told(older, others)
    assert replay == t(150)
    further = [each._replace(trusted_ms=t(250), arrival_ms=t(300)) for each in (older, others)]
    assert told(*further) == t(250)


# -- the clock ---------------------------------------------------------------------------------
@pytest.mark.parametrize(("now", "expected"), [(69.999, None), (70, t(10)), (200, t(140))])
def test_when_all_is_quiet_the_clock_moves_it(now: float, expected: int | None) -> None:
    partitions = [part(0, t(5), t(10)), part(1, 0, 0)]
    assert quiet_watermark_ms(partitions, read(*partitions), 60_000, t(now)) == expected


def test_the_clock_has_no_say_when_it_is_off_or_something_is_unread_or_nothing_ever_came() -> None:
    partitions = [part(0, t(5), t(10)), part(1, t(5), t(10), unread=True)]
    assert quiet_watermark_ms(partitions[:1], read(*partitions), 0, t(999)) is None
    assert quiet_watermark_ms(partitions, read(*partitions), 60_000, t(999)) is None
    assert quiet_watermark_ms([part(0, 0, 0)], {("orders", 0)}, 60_000, t(999)) is None


# -- looks -------------------------------------------------------------------------------------
def test_a_partition_is_believed_to_be_read_after_two_looks_that_agree() -> None:
    looks = FullyRead()
    quiet, busy = part(0, t(5), t(10)), part(0, t(5), t(10), unread=True)
    assert looks.look([quiet], 0) == set()
    assert looks.look([quiet], SETTLE_MS - 1) == set()
    assert looks.look([quiet], SETTLE_MS) == {("orders", 0)}
    assert looks.look([busy], SETTLE_MS + 1) == set()
    assert looks.look([quiet], SETTLE_MS + 2) == set()
    assert looks.look([quiet], 2 * SETTLE_MS + 1) == set()
    assert looks.look([quiet], 2 * SETTLE_MS + 2) == {("orders", 0)}


def test_a_clock_that_steps_back_makes_it_wait_again() -> None:
    looks = FullyRead()
    quiet = part(0, t(5), t(10))
    looks.look([quiet], 10_000)
    assert looks.look([quiet], 1_000) == set()
    assert looks.look([quiet], 1_000 + SETTLE_MS) == {("orders", 0)}


def test_a_partition_that_went_back_is_not_read_whatever_its_flag_says() -> None:
    looks = FullyRead()
    here = part(0, t(5), t(10))
    looks.look([here], 0)
    assert looks.look([here._replace(next=9)], SETTLE_MS) == set()
    assert looks.look([here._replace(next=9)], 9 * SETTLE_MS) == set()
    looks.look([here], 10 * SETTLE_MS)
    assert looks.look([here], 11 * SETTLE_MS) == {here.place}


# -- shards ------------------------------------------------------------------------------------
def test_the_shard_that_lags_decides() -> None:
    ahead, behind = part(0, t(9), t(10)), part(0, t(5), t(6))._replace(next=7)
    assert merge_shards([{ahead.place: ahead}, {behind.place: behind}]) == [behind._replace(unread=True)]
    assert merge_shards([{behind.place: behind}, {behind.place: behind}]) == [behind]
    [missing] = merge_shards([{ahead.place: ahead}, {}])
    assert missing.unread
    assert not missing.trusted_ms
