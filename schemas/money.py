"""The one place where fen become text and text becomes fen.

People get yuan in both notations, because 亿 gets mistranslated: `¥107.50 M (1.075 亿)`.
"""

import re
from typing import Final

FEN: Final = 100
WAN: Final = 10_000
MILLION: Final = 1_000_000
YI: Final = 100_000_000

_YUAN = re.compile(r"([+-]?)¥?(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2}))?", re.ASCII)


def yuan_text(fen: int) -> str:
    """An amount for people: exact below 10,000 yuan, in two notations from there on.

    From 10,000 yuan the amount is `¥123.45 K (12.345 万)`, from a million `¥107.50 M (1.075 亿)`. Digits that are not
    shown are cut off, never rounded up, and both notations are cut at the same digit (10 yuan in K, 1 万 in M): so no
    text claims money that is not there, reaches a mark that was not reached, or contradicts itself.
    """
    sign = "-" if fen < 0 else ""
    yuan = abs(fen) // FEN
    if yuan < WAN:
        return exact_text(fen)
    step, unit = (10, "K") if yuan < MILLION else (WAN, "M")
    shown = yuan // step * step
    return f"{sign}¥{shown // (100 * step):,}.{shown // step % 100:02d} {unit} ({sign}{_chinese(shown)})"


def exact_text(fen: int) -> str:
    """An amount to the fen: `¥1,299.00`."""
    sign, amount = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}¥{amount // FEN:,}.{amount % FEN:02d}"


def parse_yuan(text: str) -> int:
    """Yuan as people write them (`1299`, `1,299.5`, `¥-12.30` is not one, `-¥12.30` is) to fen.

    Raises `ValueError` on anything else: more than two decimals, a unit, an exponent.
    """
    match = _YUAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no amount of yuan (valid: 1299, 1,299.50, -¥12.30)")
    sign, whole, decimals = match.groups()
    fen = int(whole.replace(",", "")) * FEN + int((decimals or "").ljust(2, "0"))
    return -fen if sign == "-" else fen


def _chinese(yuan: int) -> str:
    unit, name = (WAN, "万") if yuan < YI else (YI, "亿")
    whole, rest = divmod(yuan, unit)
    decimals = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0")
    return f"{whole}.{decimals} {name}" if decimals else f"{whole} {name}"
