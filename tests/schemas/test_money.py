"""Money as people read and write it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import exact_text, parse_yuan, yuan_text

YUAN = 100


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "¥0.00"),
        (1, "¥0.01"),
        (-1, "-¥0.01"),
        (129_900, "¥1,299.00"),
        (9_999 * YUAN + 99, "¥9,999.99"),
        (10_000 * YUAN, "¥10.00 K (1 万)"),
        (123_456 * YUAN, "¥123.45 K (12.345 万)"),
        (999_999 * YUAN + 99, "¥999.99 K (99.999 万)"),
        (1_000_000 * YUAN, "¥1.00 M (100 万)"),
        (2_500_000_000, "¥25.00 M (2500 万)"),
        (-2_500_000_000, "-¥25.00 M (-2500 万)"),
        (9_000_000_000, "¥90.00 M (9000 万)"),
        (99_999_999 * YUAN + 99, "¥99.99 M (9999 万)"),
        (100_000_000 * YUAN, "¥100.00 M (1 亿)"),
        (10_750_000_000, "¥107.50 M (1.075 亿)"),
        (1_540_000_000_000, "¥15,400.00 M (154 亿)"),
    ],
)
def test_amounts_for_people(fen: int, text: str) -> None:
    assert yuan_text(fen) == text


def shown_yuan(text: str) -> tuple[int, int]:
    """Both notations of a text back in yuan, by plain arithmetic on their digits."""
    western = re.match(r"¥([\d,]+)\.(\d\d) ([KM])", text)
    chinese = re.search(r"\((\d+)(?:\.(\d+))? ([万亿])\)", text)
    assert western is not None
    assert chinese is not None
    scale = {"K": 10, "M": 10_000}[western[3]]
    left = int(western[1].replace(",", "") + western[2]) * scale
    digits, unit = chinese[2] or "", {"万": 10_000, "亿": 100_000_000}[chinese[3]]
    return left, int(chinese[1] + digits) * unit // 10 ** len(digits)


@given(st.integers(10_000 * YUAN, 10**16))
def test_both_notations_agree_and_never_claim_more_than_there_is(fen: int) -> None:
    western, chinese = shown_yuan(yuan_text(fen))
    step = 10 if fen < 1_000_000 * YUAN else 10_000
    assert western == chinese
    assert western <= fen // YUAN < western + step


@given(st.integers(-(10**16), 10**16))
def test_the_exact_text_reads_back(fen: int) -> None:
    assert parse_yuan(exact_text(fen)) == fen


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("1299", 129_900),
        ("1,299.5", 129_950),
        (" ¥0.07 ", 7),
        ("-¥12.30", -1_230),
        ("+3", 300),
        ("107500000", 10_750_000_000),
    ],
)
def test_yuan_as_people_write_them(text: str, fen: int) -> None:
    assert parse_yuan(text) == fen


@pytest.mark.parametrize(
    "text", ["", "¥", "1.299,00", "1.005", "1e6", "1.075 亿", "12,34", "¥-12.30", "--1", "１２", "1."]
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="no amount of yuan"):
        parse_yuan(text)
