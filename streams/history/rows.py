"""Files of earlier holders, CSV or JSON lines, to rows, or to every mistake: line, field, value. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.alerts import Scope
from schemas.history import Imported, Provenance
from streams.marks.names import hour_id
from streams.tally.counters import NONE_ID, PEAK_HOUR_SCOPES, PLATFORM_ID, RECORD_SCOPES
from streams.tally.windows import HOUR_MS, Zone

#: the columns of a CSV file and the fields of a line of JSON
FIELDS: Final = ("kind", "dimension", "id", "start", "end", "session_id", "gmv_fen", "net_fen")
#: dimension that a row of a kind may have. The hours of a session can not be older than its own log
DIMENSIONS: Final = {"hour": tuple(sorted(PEAK_HOUR_SCOPES - {"session"})), "session": RECORD_SCOPES}
#: a thousand times the largest order: what a float of Lua still holds exactly
_MOST_FEN: Final = 10**15
_YEAR_2015_MS: Final = 1_420_070_400_000
_MOST_CHARACTERS: Final = 128


class Mistake(ValueError):
    """A field and what is wrong with it."""


@dataclass(slots=True)
class Parsed:
    """The rows of a file in its order, without repetitions; `mistakes` are lines for people, and then no row counts."""

    rows: list[Imported] = field(default_factory=list)
    repeated: int = 0
    mistakes: list[str] = field(default_factory=list)


def parse(text: str, name: str, origin: Provenance, zone: Zone, now_ms: int) -> Parsed:
    """Read a whole file, called `name` in mistakes. `now_ms`: what has not ended by then is not earlier.

    A file that begins with `{` is JSON lines, any other CSV with a line of names.
    """
    parsed, seen = Parsed(), dict[bytes, Imported]()
    for line, fields in _lines(text):
        try:
            row = _row(_checked(fields), of_line(origin, line), zone, now_ms)
            before = seen.get(row.key)
            if before is not None and before.says != row.says:
                raise Mistake(f"gmv_fen={row.gmv_fen}: line {before.origin.line} says {before.gmv_fen} of the same")
        except Mistake as mistake:
            parsed.mistakes.append(f"{name}:{line}: {mistake}")
            continue
        if before is None:
            seen[row.key] = row
        parsed.repeated += before is not None
    parsed.rows = list(seen.values())
    return parsed


def of_line(origin: Provenance, line: int) -> Provenance:
    """The same origin, of another line."""
    return Provenance(origin.file, origin.sha256, line, origin.author, origin.imported_at_ms)


def _lines(text: str) -> Iterator[tuple[int, Mapping[str, Any] | Mistake]]:
    """Line number and fields of each row that is not blank."""
    if text.lstrip().startswith("{"):
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield number, _object(line)
        return
    reader = csv.DictReader(io.StringIO(text), restkey="(more)", strict=True)
    try:
        for fields in reader:
            yield reader.line_num, {name: value for name, value in fields.items() if value not in (None, "")}
    except csv.Error as error:
        yield reader.line_num, Mistake(f"this is no line of CSV ({error})")


def _object(line: str) -> Mapping[str, Any] | Mistake:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Mistake(f"this is no JSON ({error})")
    if not isinstance(found, dict):
        return Mistake("this is no JSON object")
    return {name: value for name, value in found.items() if value is not None}


def _checked(fields: Mapping[str, Any] | Mistake) -> Mapping[str, Any]:
    if isinstance(fields, Mistake):
        raise fields
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown:
        raise Mistake(f"{unknown[0]}={fields[unknown[0]]!r}: there is no such field (valid: {', '.join(FIELDS)})")
    return fields


def _row(fields: Mapping[str, Any], origin: Provenance, zone: Zone, now_ms: int) -> Imported:
    kind = _one_of(fields, "kind", tuple(DIMENSIONS))
    dimension = _one_of(fields, "dimension", DIMENSIONS[kind])
    id = PLATFORM_ID if dimension == "platform" and "id" not in fields else _name(fields, "id")
    if dimension == "platform" and id != PLATFORM_ID:
        raise Mistake(f"id={id!r}: the platform's id is {PLATFORM_ID!r}")
    start_ms = _time(fields, "start", zone)
    end_ms = start_ms + HOUR_MS if kind == "hour" and "end" not in fields else _time(fields, "end", zone)
    if kind == "hour" and (start_ms != zone.start_ms("hour", zone.hour(start_ms)) or end_ms != start_ms + HOUR_MS):
        raise Mistake(f"start={fields['start']!r}: an hour begins at a full hour of {zone.name} and ends at the next")
    if not start_ms < end_ms <= now_ms:
        why = "it ends before it begins" if end_ms <= start_ms else "what has not ended is no history yet"
        raise Mistake(f"end={fields.get('end', fields['start'])!r}: {why}")
    holder = hour_id(zone.hour(start_ms)) if kind == "hour" else _name(fields, "session_id")
    gmv_fen, net_fen = _money(fields, "gmv_fen"), _money(fields, "net_fen") if "net_fen" in fields else None
    if net_fen is not None and (kind == "hour" or net_fen > gmv_fen):
        why = "hours are ranked by gross alone" if kind == "hour" else f"it is at most gmv_fen, {gmv_fen}"
        raise Mistake(f"net_fen={net_fen}: {why}")
    return Imported(
        kind=kind,  # type: ignore[arg-type]
        scope=Scope(dimension, id),
        id=holder,
        start_ms=start_ms,
        end_ms=end_ms,
        gmv_fen=gmv_fen,
        net_fen=net_fen,
        origin=origin,
    )


def _given(fields: Mapping[str, Any], name: str) -> Any:
    if name not in fields:
        raise Mistake(f"{name}: it is missing")
    return fields[name]


def _one_of(fields: Mapping[str, Any], name: str, valid: tuple[str, ...]) -> str:
    value = _given(fields, name)
    if value not in valid:
        raise Mistake(f"{name}={value!r}: valid are {', '.join(valid)}")
    return str(value)


def _name(fields: Mapping[str, Any], name: str) -> str:
    value = _given(fields, name)
    if not isinstance(value, str) or not 1 <= len(value) <= _MOST_CHARACTERS or value == NONE_ID:
        raise Mistake(f"{name}={value!r}: valid are 1 to {_MOST_CHARACTERS} characters, and not {NONE_ID}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Mistake(f"{name}={value!r}: half of a surrogate pair is no text") from error
    return value


def _money(fields: Mapping[str, Any], name: str) -> int:
    value = _given(fields, name)
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value
    if type(number) is not int or not 0 <= number <= _MOST_FEN:
        raise Mistake(f"{name}={value!r}: valid is a whole number of fen from 0 to {_MOST_FEN}")
    return number


def _time(fields: Mapping[str, Any], name: str, zone: Zone) -> int:
    value = _given(fields, name)
    text = str(value)
    try:
        time_ms = int(text) if text.isascii() and text.isdecimal() else _local_ms(text, zone)
    except (ValueError, OverflowError) as error:
        raise Mistake(f"{name}={value!r}: valid are 2025-12-31T20:00 (in {zone.name}) and epoch ms") from error
    if not _YEAR_2015_MS <= time_ms < 10**14:
        raise Mistake(f"{name}={value!r}: it lies before 2015, or is not in milliseconds")
    return time_ms


def _local_ms(text: str, zone: Zone) -> int:
    time = datetime.fromisoformat(text)
    offset = timedelta(milliseconds=zone.offset_ms) if time.tzinfo is None else timedelta()
    return (time.replace(tzinfo=time.tzinfo or UTC) - offset - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        milliseconds=1
    )
