"""What may be asked: the parameters of a request, each read by a `Parser` that says what is valid. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.alerts import Rule, State
from schemas.events import MAX_ID
from streams.board.problems import Refused
from streams.tally.counters import DIMENSIONS

#: instants that can be asked for: up to the year 3000, so that no window lies outside what a date can be
LATEST_MS: Final = 32_503_680_000_000
MOST_ROWS: Final = 1_000
#: ranking -> dimension of its ids
RANKINGS: Final = {
    "platforms": "platform",
    "provinces": "province",
    "cities": "city",
    "clusters": "cluster",
    "categories": "category",
    "anchors": "anchor",
    "merchants": "merchant",
    "channels": "channel",
}
HOLDERS: Final = ("hours", "sessions")
_WHOLE = re.compile(r"\d{1,15}", re.ASCII)
_ENTRY = re.compile(r"\d{1,15}-\d{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `parse` raises ValueError with what is valid; `schema` is its JSON Schema."""

    name: str
    meaning: str
    parse: Callable[[str], Any]
    schema: Mapping[str, Any]
    default: Any = None


def one_of(name: str, options: tuple[str, ...], meaning: str, default: str | None = None) -> Parameter:
    """One of some words."""

    def parse(text: str) -> str:
        if text not in options:
            raise ValueError(f"valid: {', '.join(options)}")
        return text

    return Parameter(name, meaning, parse, {"type": "string", "enum": list(options)}, default)


def whole(name: str, meaning: str, least: int, most: int, default: int | None = None) -> Parameter:
    """A whole number in [least, most]."""

    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError(f"valid: a whole number from {least} to {most}")
        return int(text)

    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Parameter(name, meaning, parse, schema, default)


def instant(name: str, meaning: str) -> Parameter:
    """Epoch milliseconds."""
    return whole(name, f"{meaning}, epoch milliseconds", 0, LATEST_MS)


def text(name: str, meaning: str) -> Parameter:
    """An id: any characters, at most as long as ids may be."""

    def parse(value: str) -> str:
        if not 1 <= len(value) <= MAX_ID:
            raise ValueError(f"valid: 1 to {MAX_ID} characters")
        return value

    return Parameter(name, meaning, parse, {"type": "string", "minLength": 1, "maxLength": MAX_ID})


def entry(name: str, meaning: str) -> Parameter:
    """The id of an entry of the stream of alerts."""

    def parse(value: str) -> str:
        if not _ENTRY.fullmatch(value):
            raise ValueError("valid: an entry as answers have it, 118-0")
        return value

    return Parameter(name, meaning, parse, {"type": "string", "pattern": "^[0-9]{1,15}-[0-9]{1,15}$"})


def scope(name: str, meaning: str) -> Parameter:
    """`dimension:id`."""

    def parse(value: str) -> tuple[str, str]:
        dimension, colon, id = value.partition(":")
        if not colon or dimension not in DIMENSIONS or not 1 <= len(id) <= MAX_ID:
            raise ValueError(f"valid: dimension:id, the dimension being one of {', '.join(DIMENSIONS)}")
        return dimension, id

    schema = {"type": "string", "pattern": f"^({'|'.join(DIMENSIONS)}):[\\s\\S]{{1,{MAX_ID}}}$"}
    return Parameter(name, meaning, parse, schema)


DIMENSION = one_of("dimension", DIMENSIONS, "what the tally is of; the platform's id is `all`")
ID = text("id", "the id; `(none)` stands for null")
SESSION_ID = text("id", "the session")
GRAIN = one_of("grain", ("minute", "hour", "day"), "length of the windows", "hour")
FROM_MS = instant("from_ms", "first instant: the window that holds it is the first one")
TO_MS = instant("to_ms", "no window that begins at or after it; the default is the end of the running window")
CURSOR = whole("cursor", "`next` of the page before", 0, LATEST_MS)
LIMIT = whole("limit", "length of a page", 1, MOST_ROWS, 100)
RANKING = one_of(
    "ranking", (*RANKINGS, *HOLDERS, "passed"), "what is ranked: ids of a window, the best hours or sessions of a scope"
)
SCOPE = scope("scope", "of hours and sessions: whose they are; the default is platform:all")
BY = one_of(
    "by",
    ("gmv", "orders", "buyers", "merchants", "anchors", "growth", "net"),
    "what is ranked by; `net` is of hours and sessions alone, they take no other but gmv",
    "gmv",
)
WINDOW = one_of("window", ("hour", "day", "year"), "of ids: the window; `year` is the year to date", "hour")
AT_MS = instant("at_ms", "of ids: an instant in the window; the default is the watermark")
TOP = whole("limit", "length of a page", 1, MOST_ROWS, 10)
RANK = whole("cursor", "`next` of the page before", 0, 1_000_000_000, 0)
ABOVE_FEN = whole("above_fen", "of `passed`: the sum in fen; 100 million yuan unless said", 1, 10**15 - 1, 10**10)
SINCE = instant("since", "no alert whose state began before this")
RULE = text("rule", f"only this rule, as in {', '.join(rule.value for rule in Rule)}")
STATE = one_of("state", tuple(state.value for state in State), "only this state")
ALERT_SCOPE = scope("scope", "only this scope")
BEFORE = entry("cursor", "`next` of the page before")


def read(parameters: tuple[Parameter, ...], path: Mapping[str, str], query: list[tuple[str, str]]) -> dict[str, Any]:
    """The value of every parameter, its default where it was not given.

    Raises `Refused` (400) for a wrong value, one that was given twice, and one that there is not.
    """
    given = dict(query)
    if len(given) < len(query):
        twice = next(name for name, _ in query if sum(name == each for each, _ in query) > 1)
        raise Refused(400, f"{twice} is given twice", "invalid-parameter")
    by_name = {each.name: each for each in parameters}
    in_query = [each.name for each in parameters if each.name not in path]
    for name in given:
        if name not in in_query:
            known = ", ".join(in_query) or "none"
            raise Refused(400, f"{name}: there is no such parameter here (there are: {known})", "invalid-parameter")
    values = {}
    for name, parameter in by_name.items():
        value = path.get(name, given.get(name))
        values[name] = parameter.default if value is None else _parsed(parameter, value)
    return values


def _parsed(parameter: Parameter, value: str) -> Any:
    try:
        return parameter.parse(value)
    except ValueError as error:
        raise Refused(400, f"{parameter.name}: {error}", "invalid-parameter") from error
