"""What a reject keeps of a record."""

from base64 import b64decode
from hashlib import sha256

from schemas.rejects import (
    HEAD_BYTES,
    MAX_BYTES,
    MAX_KEY_BYTES,
    Reason,
    Rejected,
    decode_rejected,
    encode_rejected,
    reject_key,
    rejected,
)


def reject(value: bytes | None, key: bytes | None = b"sku-1") -> Rejected:
    return rejected(
        topic="orders", partition=2, offset=7, arrival_ms=5, key=key, value=value, reason=Reason.NOT_JSON, detail="why"
    )


def test_the_bytes_are_kept_whatever_they_are() -> None:
    value = bytes(range(256))
    kept = decode_rejected(encode_rejected(reject(value)))
    assert (b64decode(kept.raw or ""), kept.head, kept.size_bytes) == (value, None, 256)
    assert kept.sha256 == sha256(value).hexdigest()
    assert b64decode(kept.key or "") == b"sku-1"


def test_64_kib_are_kept_and_one_byte_more_is_a_head_and_a_hash() -> None:
    whole, larger = reject(b"x" * MAX_BYTES), reject(b"x" * MAX_BYTES + b"y")
    assert (b64decode(whole.raw or ""), whole.head) == (b"x" * MAX_BYTES, None)
    assert (larger.raw, b64decode(larger.head or "")) == (None, b"x" * HEAD_BYTES)
    assert (larger.size_bytes, larger.sha256) == (MAX_BYTES + 1, sha256(b"x" * MAX_BYTES + b"y").hexdigest())


def test_a_reject_fits_into_a_record_however_large_the_key_is() -> None:
    largest = reject(b"x" * MAX_BYTES, key=b"k" * 10_000_000)
    assert b64decode(largest.key or "") == b"k" * MAX_KEY_BYTES
    assert len(encode_rejected(largest)) < 2 * MAX_BYTES


def test_nothing_is_told_from_empty() -> None:
    nothing, empty = reject(None, key=None), reject(b"", key=b"")
    assert (nothing.raw, nothing.sha256, nothing.key, nothing.size_bytes) == (None, None, None, 0)
    assert (empty.raw, empty.sha256, empty.key, empty.size_bytes) == ("", sha256().hexdigest(), "", 0)


def test_the_key_is_the_place_of_the_record() -> None:
    assert reject_key("orders", 2, 7) == b"orders/2/7"


def test_a_reason_is_its_word_and_has_a_meaning_of_one_line() -> None:
    assert Reason("currency") is Reason.CURRENCY
    assert str(Reason.CURRENCY) == "currency"
    meanings = [reason.meaning for reason in Reason]
    assert all(meanings)
    assert len(set(meanings)) == len(Reason)
    assert not any("\n" in meaning for meaning in meanings)
