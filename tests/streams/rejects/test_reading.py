"""The last state of each key is what counts."""

from schemas.rejects import Reason, encode_rejected, reject_key
from streams.rejects.choice import Choice
from streams.rejects.reading import Reading
from tests.streams.rejects.making import reject

CURRENCY = Choice(reasons=frozenset({Reason.CURRENCY}))


def taken(*rejects: object, choice: Choice = CURRENCY, keep_bytes: bool = True) -> Reading:
    reading = Reading()
    for each in rejects:
        key = reject_key(each.topic, each.partition, each.offset)  # type: ignore[attr-defined]
        reading.take(key, encode_rejected(each), choice, keep_bytes)  # type: ignore[arg-type]
    return reading


def test_a_replay_is_the_same_reject() -> None:
    reading = taken(reject(1), reject(2), reject(1, detail="as judged later"))
    assert {each.offset: each.detail for each in reading.found.values()} == {
        2: "currency: not CNY", 1: "as judged later",
    }  # fmt: skip
    assert reading.read == 3


def test_one_whose_last_state_is_not_meant_is_not_meant() -> None:
    assert taken(reject(1), reject(1, reason=Reason.NOT_JSON)).found == {}
    assert len(taken(reject(1, reason=Reason.NOT_JSON), reject(1)).found) == 1


def test_bytes_are_kept_only_if_they_are_needed() -> None:
    (kept,), (bare,) = (taken(reject(1), keep_bytes=keep).found.values() for keep in (True, False))
    assert kept == reject(1)
    assert (bare.raw, bare.head, bare.key, bare.size_bytes) == (None, None, None, kept.size_bytes)


def test_what_is_no_reject_is_counted_and_left() -> None:
    reading = taken(reject(1))
    for value in (None, b"", b"no reject", b'{"topic":"t.orders"}'):
        reading.take(b"key", value, CURRENCY, True)
    assert (reading.read, reading.strangers, len(reading.found)) == (5, 4, 1)
