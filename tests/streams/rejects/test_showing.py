"""What people and machines see of rejects: the newest, in order, without personal data."""

import json
from base64 import b64decode

from schemas.rejects import MAX_BYTES, Reason
from streams.rejects.showing import as_json, newest, summary, table
from streams.tally.windows import SHANGHAI
from tests.streams.rejects.making import RAW, reject


def test_the_newest_are_those_that_arrived_last_in_the_order_of_arrival() -> None:
    rejects = [reject(3), reject(1), reject(2)]
    assert [each.offset for each in newest(rejects, 2)] == [2, 3]
    assert [each.offset for each in newest(rejects, 0)] == [1, 2, 3]
    assert newest([], 5) == []


def test_a_table_has_a_line_a_reject() -> None:
    lines = list(table([reject(0), reject(12, origin="t.orders/1/0")], SHANGHAI, raw=False))
    assert lines == [
        "arrival                        topic/partition/offset  reason    bytes  detail",
        "2025-01-01T00:00:05.123+08:00  t.orders/1/0            currency  38     currency: not CNY",
        "2025-01-01T00:00:17.123+08:00  t.orders/1/12           currency  38     currency: not CNY"
        " (driven again, first t.orders/1/0)",
    ]


def test_raw_bytes_are_masked_and_can_not_move_the_cursor() -> None:
    rejects = [
        reject(0),
        reject(1, b"\x1b[2J\xff buyer_id=b-0001\n"),
        reject(2, None),
        reject(3, b"x" * (MAX_BYTES + 1)),
    ]
    raws = list(table(rejects, SHANGHAI, raw=True))[2::2]
    assert raws == [
        '    {"buyer_id":"***","currency":"USD"}',
        "    \\x1b[2J\\xff buyer_id=***\\n",
        "    (no value)",
        f"    {'x' * 256} … (above 64 KiB, only its head was kept)",
    ]


def test_json_is_one_line_masked_unless_told_otherwise() -> None:
    told, open_ = json.loads(as_json(reject(5), False)), json.loads(as_json(reject(5), True))
    assert b64decode(told["raw"]) == b'{"buyer_id":"***","currency":"USD"}'
    assert b64decode(open_["raw"]) == RAW
    assert (told["masked"], open_["masked"]) == (True, False)
    assert {name for name in told if told[name] != open_[name]} == {"raw", "masked"}
    assert (told["topic"], told["offset"], told["reason"], told["origin"]) == ("t.orders", 5, "currency", None)
    assert "\n" not in as_json(reject(5, b"a\nb"), True)


def test_the_head_of_what_is_too_large_is_masked_too() -> None:
    told = json.loads(as_json(reject(5, b'{"buyer_id":"b-0001"' + b" " * MAX_BYTES), False))
    assert b"b-0001" not in b64decode(told["head"])
    assert told["raw"] is None


def test_a_summary_counts_by_reason_and_says_what_is_not_shown() -> None:
    rejects = [reject(0), reject(1), reject(2, reason=Reason.NOT_JSON)]
    assert summary(rejects, 3) == [
        "3 rejects",
        "  2 currency: the currency is not CNY",
        "  1 not_json: the bytes are no JSON object in UTF-8 (or one nested deeper than 512 levels)",
    ]
    assert summary(rejects, 2)[0] == "3 rejects, the 2 that arrived last are shown (--limit 0 shows all)"
