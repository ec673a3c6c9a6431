"""Personal data out of raw bytes: whatever looks like the value of a `buyer_id`, in JSON or not. Pure.

Rejects are what no parser understood, so none is asked. Where it is not clear where a value ends, more is masked.
"""

from __future__ import annotations

import json
import re
from typing import Final

MASK: Final = b"***"


def _letter(letter: str) -> str:
    """A letter as it is, or escaped as in JSON, however often that was escaped again."""
    return rf"(?:{letter}|\\{{1,9}}u00(?:{ord(letter):02x}|{ord(letter.upper()):02x}))"


_WORDS = ("".join(map(_letter, "buyer")), "".join(map(_letter, "id")))
_BETWEEN = r"(?:_|-|\s|\\{1,9}u005f|%5f)?"
#: everything is bounded, so that no bytes make a search of them long
#: the name, what may follow in it (buyer_ids), a quote that ends it, and what stands between it and its value
_NAME = re.compile(
    rf"""{_WORDS[0]}{_BETWEEN}{_WORDS[1]}[\w-]{{0,32}}(?:\\{{0,9}}["']|%22)?\s*(?:=>|:|=|%3a|%3d)\s*""".encode(),
    re.IGNORECASE,
)
_QUOTE = re.compile(rb"""\\*["']""")
_STRING = re.compile(rb"""(["'])(?:\\.|(?!\1)[^\\])*""", re.DOTALL)
_BARE = re.compile(rb"[^\s,;&}\]]*")
_JSON = json.JSONDecoder(strict=False)


def masked(value: bytes) -> bytes:
    """`value` with `***` for the value of every `buyer_id`; a null stays, NULs (as in UTF-16) are left out."""
    value = value.replace(b"\0", b"")
    kept, at = [], 0
    for name in _NAME.finditer(value):
        if name.end() < at:
            continue
        start, stop = _span(value, name.end())
        if value[start:stop] not in (b"null", b""):
            kept += [value[at:start], MASK]
            at = stop
    return b"".join([*kept, value[at:]])


def _span(value: bytes, at: int) -> tuple[int, int]:
    """Where the value that begins at `at` begins and ends, without its quotes."""
    quote = _QUOTE.match(value, at)
    if quote is not None:
        return quote.end(), _end_of_string(value, at, quote[0])
    if value[at : at + 1] in (b"[", b"{"):
        return at, _end_of_nested(value, at)
    bare = _BARE.match(value, at)
    return at, bare.end() if bare else at


def _end_of_string(value: bytes, at: int, quote: bytes) -> int:
    if len(quote) == 1:
        string = _STRING.match(value, at)
        return string.end() if string else len(value)
    # JSON inside JSON: its strings end at the same quote with as many backslashes
    end = re.compile(rb"(?<!\\)" + re.escape(quote)).search(value, at + len(quote))
    return end.start() if end else len(value)


def _end_of_nested(value: bytes, at: int) -> int:
    try:
        return at + _JSON.raw_decode(value[at:].decode("latin-1"))[1]
    except (ValueError, RecursionError):
        return len(value)  # a list or an object, but not in JSON: where it ends is not known
