"""What a settle says has changed, and how it is read."""

import msgspec
import pytest

from streams.feed.names import Changed, text_of
from streams.keys import shard_keys
from streams.tally.fold import Deltas
from streams.tally.rows import shard_rows
from streams.tally.sessions import SessionDelta

HOUR = 20_453 * 24 + 20


def changed(*texts: bytes) -> Changed:
    found = Changed()
    for text in texts:
        found.add(text)
    return found


def test_what_a_settle_writes_is_read_as_it_was_meant() -> None:
    sums = [5, 1, 2, 0, 0, 0, 0, 0]
    deltas = Deltas(
        hours={("city", "a|b", HOUR): sums, ("session", "s", HOUR): sums, ("session", "(none)", HOUR): sums},
        sessions={
            "s": SessionDelta("", "", 1, 2),
            "t": SessionDelta("5|e", "", 1, 2),
            "u": SessionDelta("", "9", 1, 2),
        },
    )
    names = shard_rows(deltas, [shard_keys("test", 0)])[0].tallies
    found = changed(msgspec.msgpack.encode(names))
    assert found.hours == {("city", "a|b", HOUR), ("session", "s", HOUR), ("session", "(none)", HOUR)}
    assert found.sessions == {"s", "t", "u"}, "by its hour, its start and its end; what has no session is none"


def test_a_session_that_only_sold_is_named_once_by_its_hour() -> None:
    deltas = Deltas(hours={("session", "s", HOUR): [5] * 8}, sessions={"s": SessionDelta("", "", 1, 2)})
    assert shard_rows(deltas, [shard_keys("test", 0)])[0].tallies == [f"{HOUR}|session|s"]


def test_texts_are_joined_and_what_they_say_twice_counts_once() -> None:
    one, other = text_of([("city", "a", HOUR)], ["s"]), text_of([("city", "a", HOUR), ("city", "a", HOUR + 1)], ["s"])
    assert len(changed(one, other)) == 3


@pytest.mark.parametrize("text", [b"", b"\xa1x", msgspec.msgpack.encode(["x|city|a"])])
def test_what_no_settle_writes_is_refused(text: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, ValueError)):
        changed(text)
