"""Step 2, admit: what the times of events say of those who send them: too late, too far ahead, a wrong clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from schemas.events import OrderEvent
from streams.intake.chunk import Record
from streams.tally.fold import Counted

#: a producer may name itself in this header of its records; nothing is decided by it
PRODUCER_HEADER = "hightide-producer"
#: names of producers become values of a label: so many at most, the rest is `OTHER`
MOST_PRODUCERS = 200
OTHER = "other"

_LONGEST_NAME = 64
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def late_orders(counted: Iterable[Counted], closed_before_ms: int) -> int:
    """How many order events count in an hour that ended at or before `closed_before_ms` (epoch ms, start of an hour).

    A refund is taken at its own time: that it restates an old hour is no lateness of anybody.
    """
    orders = (each.event for each in counted if type(each.event) is OrderEvent)
    return sum(_deciding_ms(event) < closed_before_ms for event in orders)


def _deciding_ms(event: OrderEvent) -> int:
    if event.event_type == "order.paid" and event.pay_time_ms is not None:
        return event.pay_time_ms
    return event.event_time_ms


class Producers:
    """The names under which producers are reported: safe ones, and the first `MOST_PRODUCERS` of them."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}

    def least_delays_ms(self, records: Sequence[Record], counted: Iterable[Counted]) -> Mapping[str, int]:
        """For each producer the smallest arrival less event time of its counted events in milliseconds.

        The smallest, because what else delays an event (queues, retries) only adds: below 0, its clock runs ahead.
        Records without headers cost one look each.
        """
        with_headers = [record for record in records if record.headers]
        named = {record.offset: name for record in with_headers if (name := self._name(record)) is not None}
        least: dict[str, int] = {}
        for each in counted if named else ():
            if (name := named.get(each.offset)) is not None:
                delay_ms = each.arrival_ms - each.event.event_time_ms
                least[name] = min(delay_ms, least.get(name, delay_ms))
        return least

    def _name(self, record: Record) -> str | None:
        for key, value in record.headers:
            if key == PRODUCER_HEADER:
                return self._known((value or b"")[:_LONGEST_NAME])
        return None

    def _known(self, value: bytes) -> str:
        name = self._names.get(value)
        if name is None:
            if len(self._names) >= MOST_PRODUCERS:
                return OTHER
            name = self._names[value] = _safe(value)
        return name


def _safe(value: bytes) -> str:
    """A name without anything that could be markup, a path or a terminal code."""
    return _UNSAFE.sub("_", value.decode(errors="replace")) or "_"
