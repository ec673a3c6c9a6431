"""Rejects for people and for machines, without personal data unless that is asked for. Pure."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone

import msgspec

from schemas.rejects import Rejected
from streams.logs import escaped
from streams.rejects.masking import masked
from streams.tally.windows import Zone


def newest(rejects: Iterable[Rejected], limit: int) -> list[Rejected]:
    """The `limit` rejects that arrived last (0: all), in the order of their arrival."""
    ordered = sorted(rejects, key=lambda each: (each.arrival_ms, each.topic, each.partition, each.offset))
    return ordered[-limit:] if limit else ordered


def table(rejects: Sequence[Rejected], zone: Zone, raw: bool) -> Iterator[str]:
    """One line a reject under a head, each followed by its bytes, masked, if `raw`."""
    rows = [_row(each, zone) for each in rejects]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    yield _line(_HEAD, widths)
    for reject, row in zip(rejects, rows, strict=True):
        yield _line(row, widths)
        if raw:
            yield f"    {_printable(reject)}"


_HEAD = ("arrival", "topic/partition/offset", "reason", "bytes", "detail")


def _row(reject: Rejected, zone: Zone) -> tuple[str, ...]:
    local = timezone(timedelta(milliseconds=zone.offset_ms))
    when = datetime.fromtimestamp(reject.arrival_ms / 1000, local).isoformat(timespec="milliseconds")
    place = f"{reject.topic}/{reject.partition}/{reject.offset}"
    again = "" if reject.origin is None else f" (driven again, first {reject.origin})"
    return when, escaped(place), str(reject.reason), f"{reject.size_bytes:,}", escaped(reject.detail + again)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
    return "  ".join(cells).rstrip()


def _printable(reject: Rejected) -> str:
    kept = reject.raw if reject.head is None else reject.head
    if kept is None:
        return "(no value)"
    text = escaped(masked(b64decode(kept)).decode(errors="backslashreplace"))
    return text if reject.head is None else f"{text} … (above 64 KiB, only its head was kept)"


def as_json(reject: Rejected, unmasked: bool) -> str:
    """One line: the reject as in its topic, `raw` and `head` masked unless `unmasked`, and `masked` says which."""
    fields = msgspec.to_builtins(reject)
    if not unmasked:
        fields |= {name: _mask_base64(fields[name]) for name in ("raw", "head")}
    return json.dumps({**fields, "masked": not unmasked}, ensure_ascii=False)


def _mask_base64(text: str | None) -> str | None:
    return None if text is None else b64encode(masked(b64decode(text))).decode()


def summary(rejects: Iterable[Rejected], shown: int) -> list[str]:
    """How many there are of each reason, with what it means; the most frequent first."""
    counts = Counter(each.reason for each in rejects)
    total = counts.total()
    less = "" if shown == total else f", the {shown:,} that arrived last are shown (--limit 0 shows all)"
    width = len(f"{max(counts.values(), default=0):,}")
    lines = [f"  {count:>{width},} {reason}: {reason.meaning}" for reason, count in counts.most_common()]
    return [f"{total:,} rejects{less}", *lines]
