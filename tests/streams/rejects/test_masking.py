"""No buyer's id gets through, whatever the bytes are; and what stands around it stays to be read."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.rejects.masking import masked


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b'{"buyer_id":"b-1","order_id":"o-1"}', b'{"buyer_id":"***","order_id":"o-1"}'),
        (b'{"order_id":"o-1","buyer_id" :\n "b-1"}', b'{"order_id":"o-1","buyer_id" :\n "***"}'),
        (b'{"buyer_id":"b\\"1\\\\","x":1}', b'{"buyer_id":"***","x":1}'),
        (b'{"buyer_id":null,"x":1}', b'{"buyer_id":null,"x":1}'),
        (b'{"buyer_id":17,"x":1}', b'{"buyer_id":***,"x":1}'),
        (b'{"buyer_id":["b-1",{"b":"]b-2"}],"x":1}', b'{"buyer_id":***,"x":1}'),
        (b'{"buyer_id":{"id":"b-1"},"x":1}', b'{"buyer_id":***,"x":1}'),
        (b'{"buyer_id":"b-1","buyer_id":"b-2"}', b'{"buyer_id":"***","buyer_id":"***"}'),
        (b'{"\\u0062uyer_id":"b-1"}', b'{"\\u0062uyer_id":"***"}'),
        (b'{"buyer\\u005fid":"b-1"}', b'{"buyer\\u005fid":"***"}'),
        (b'{"body":"{\\"buyer_id\\": \\"b-1\\", \\"x\\": 1}"}', b'{"body":"{\\"buyer_id\\": \\"***\\", \\"x\\": 1}"}'),
        (b"{'buyer_id': 'b-1', 'x': 1}", b"{'buyer_id': '***', 'x': 1}"),
        (b"order_id=o-1&buyer_id=b-1&x=1", b"order_id=o-1&buyer_id=***&x=1"),
        (b"buyer_id%22%3A%22b-1%22", b"buyer_id%22%3A***"),
        (b"buyerId: b-1, x: 1", b"buyerId: ***, x: 1"),
        (b'"BUYER-ID"="b-1"', b'"BUYER-ID"="***"'),
        (b'{"buyer_ids":["b-1"]}', b'{"buyer_ids":***}'),
        (b"{'buyer_id': {'}': 'b-1'}, 'x': 1}", b"{'buyer_id': ***"),
        (b'{"buyer_id":' + b"[" * 60_000, b'{"buyer_id":***'),
        (b'{"buyer_id":"b-1', b'{"buyer_id":"***'),
        (b'{"buyer_id":["b-1"', b'{"buyer_id":***'),
        (b'{"buyer_id":"b-1\\', b'{"buyer_id":"***\\'),
        (b"\xff\xfe buyer_id=\xffb-1 \xfe", b"\xff\xfe buyer_id=*** \xfe"),
        ('{"buyer_id":"b-1"}'.encode("utf-16-le"), b'{"buyer_id":"***"}'),
        (b'{"order_id":"o-1"}', b'{"order_id":"o-1"}'),
        (b"", b""),
        (b'{"buyer_id":', b'{"buyer_id":'),
        (b'{"buyer_id":""}', b'{"buyer_id":""}'),
        (b"the buyer idles: yes", b"the buyer idles: ***"),
    ],
)
def test_the_value_is_masked_and_nothing_else(raw: bytes, shown: bytes) -> None:
    assert masked(raw) == shown


def ways(value: object) -> list[bytes]:
    """An event with that buyer's id, in the shapes in which it reaches us."""
    event = {"order_id": "o-1", "buyer_id": value, "quantity": 1}
    text = json.dumps(event)
    return [
        text.encode(), json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        json.dumps(event, indent=2).encode(), json.dumps({"body": text}).encode(),
        json.dumps([json.dumps(text)]).encode(), repr(event).encode("utf-8", "surrogatepass"),
        text.encode("utf-16-le"), text.encode()[:-3],
    ]  # fmt: skip


@example("zq", '"\\')
@given(st.text(max_size=12), st.text(max_size=12))
def test_no_shape_of_json_lets_it_through(before: str, after: str) -> None:
    canary = "Canary7"
    for value in (before + canary + after, [before, canary + after], {before: canary, after: [canary]}):
        for raw in ways(value):
            assert b"canary" not in masked(raw).lower()
            assert b"order_id" in masked(raw)


@given(st.binary(max_size=80))
def test_any_bytes_can_be_masked(raw: bytes) -> None:
    assert b"buyer_id" in raw or len(masked(raw)) <= len(raw) + 3
