"""Which rejects are meant: by reason, place and arrival. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import datetime, timedelta, timezone

from schemas.rejects import Reason, Rejected
from streams.tally.windows import Zone

_AGO = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_AGO_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_EPOCH_MS = re.compile(r"\d{12,14}", re.ASCII)
_OFFSETS = re.compile(r"(\d{1,18})(-(\d{1,18})?)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Filters that must all hold; None lets everything pass.

    `topic` is the full name of the topic that the record lay in, `offsets` are (first, last), both meant, last None:
    open. Arrivals are in `[since_ms, until_ms)`, epoch milliseconds.
    """

    reasons: frozenset[Reason] | None = None
    topic: str | None = None
    partition: int | None = None
    offsets: tuple[int, int | None] | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    @property
    def narrows(self) -> bool:
        """Whether there is any filter at all."""
        return any(getattr(self, each.name) is not None for each in fields(self))

    def matches(self, reject: Rejected) -> bool:
        """Whether this reject is meant."""
        return (
            (self.reasons is None or reject.reason in self.reasons)
            and (self.topic is None or reject.topic == self.topic)
            and (self.partition is None or reject.partition == self.partition)
            and (self.offsets is None or _within(reject.offset, *self.offsets))
            and (self.since_ms is None or reject.arrival_ms >= self.since_ms)
            and (self.until_ms is None or reject.arrival_ms < self.until_ms)
        )


def _within(offset: int, first: int, last: int | None) -> bool:
    return first <= offset and (last is None or offset <= last)


def offsets(text: str) -> tuple[int, int | None]:
    """ "7" is one offset, "7-9" are three, "7-" is open. Raises `ValueError`."""
    found = _OFFSETS.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no offset A, range A-B or open range A-")
    first = int(found[1])
    last = first if found[2] is None else None if found[3] is None else int(found[3])
    if last is not None and last < first:
        raise ValueError(f"{text!r} ends before it begins")
    return first, last


def instant_ms(text: str, zone: Zone, now_ms: int) -> int:
    """An instant in epoch ms: "2h" ago (s, m, h, d), epoch ms, or ISO 8601, local to `zone`. Raises `ValueError`."""
    if ago := _AGO.fullmatch(text):
        return now_ms - int(ago[1]) * _AGO_MS[ago[2]]
    if _EPOCH_MS.fullmatch(text):
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no time: 2h, 2025-12-31T21:00 or epoch milliseconds") from error
    local = timezone(timedelta(milliseconds=zone.offset_ms))
    return round((when if when.tzinfo else when.replace(tzinfo=local)).timestamp() * 1_000)
