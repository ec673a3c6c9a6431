"""Which rejects are meant: each filter below, at and above its edge."""

from typing import Any

import pytest

from schemas.rejects import Reason
from streams.rejects.choice import Choice, instant_ms, offsets
from streams.tally.windows import SHANGHAI
from tests.streams.rejects.making import ARRIVAL_MS, reject

NOW_MS = ARRIVAL_MS


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({}, True),
        ({"reasons": frozenset({Reason.CURRENCY, Reason.NOT_JSON})}, True),
        ({"reasons": frozenset({Reason.NOT_JSON})}, False),
        ({"topic": "t.orders"}, True),
        ({"topic": "orders"}, False),
        ({"partition": 1}, True),
        ({"partition": 0}, False),
        ({"offsets": (7, 7)}, True),
        ({"offsets": (8, None)}, False),
        ({"offsets": (7, None)}, True),
        ({"offsets": (0, 6)}, False),
        ({"offsets": (0, 7)}, True),
        ({"since_ms": ARRIVAL_MS + 7_000}, True),
        ({"since_ms": ARRIVAL_MS + 7_001}, False),
        ({"until_ms": ARRIVAL_MS + 7_000}, False),
        ({"until_ms": ARRIVAL_MS + 7_001}, True),
        ({"topic": "t.orders", "partition": 1, "offsets": (8, 9)}, False),
    ],
)
def test_all_filters_must_hold(fields: dict[str, Any], matches: bool) -> None:
    assert Choice(**fields).matches(reject(7)) == matches
    assert Choice(**fields).narrows == bool(fields)


def test_partition_zero_is_a_filter() -> None:
    assert Choice(partition=0).narrows


@pytest.mark.parametrize(("text", "meant"), [("7", (7, 7)), ("7-7", (7, 7)), ("7-9", (7, 9)), ("7-", (7, None))])
def test_offsets_are_one_a_range_or_open(text: str, meant: tuple[int, int | None]) -> None:
    assert offsets(text) == meant


@pytest.mark.parametrize("text", ["", "-", "-7", "a", "7-6", "7--9", "1e3", "７"])
def test_other_offsets_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no offset|ends before"):
        offsets(text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("90s", NOW_MS - 90_000),
        ("2h", NOW_MS - 7_200_000),
        ("7d", NOW_MS - 604_800_000),
        ("1735660805123", 1_735_660_805_123),
        ("2025-01-01", 1_735_660_800_000),
        ("2025-01-01T00:00:05.123", 1_735_660_805_123),
        ("2024-12-31T16:00:00Z", 1_735_660_800_000),
        ("2025-01-01T00:00+08:00", 1_735_660_800_000),
    ],
)
def test_times_are_ago_local_zoned_or_epoch(text: str, instant: int) -> None:
    assert instant_ms(text, SHANGHAI, NOW_MS) == instant


@pytest.mark.parametrize("text", ["", "yesterday", "2w", "1735660805", "2025-13-01", "-2h"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: 2h"):
        instant_ms(text, SHANGHAI, NOW_MS)
