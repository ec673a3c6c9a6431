"""One partition, record by record: counted, a resend or a reject."""

from collections.abc import Iterable
from typing import NamedTuple

from streams.lab.truth.model import PartitionCount, Record, Rules
from streams.lab.truth.orders import BACK_MS, Copied, Known, Orders
from streams.lab.truth.validate import Event, Refused, read_event

#: an event time further ahead of its arrival than this is not believed
TRUST_AHEAD_MS = 5 * 60_000
#: a redriven record is remembered as long as rejects are kept
_ORIGIN_MS = 7 * 24 * 3_600_000


class Counted(NamedTuple):
    """An event that counts. `first_refund`: it is the first accepted refund of its order."""

    event: Event
    arrival_ms: int
    first_refund: bool


class PartitionJudge:
    """Judges the records of one partition, which must come in the order of their offsets."""

    def __init__(self, topic: str, partition: int, rules: Rules, orders: Known | None = None) -> None:
        self.count = PartitionCount(topic, partition)
        self.counted: list[Counted] = []
        self._rules = rules
        self._last_copy_ms: dict[str, int] = {}
        self._settled_origins: dict[str, list[int]] = {}
        self._orders = Orders(rules, orders)
        #: the largest arrival so far: copies are told by it, so that one that goes back is no exception
        self._now_ms = 0

    def judge_all(self, records: Iterable[Record], drive_again: bool = False) -> None:
        """Judge `records`; the outcome is in `count` and `counted`.

        With `drive_again`, the refunds that came before their orders follow at the end of the log, as a worker would
        drive them again; a log that a worker has read has them already.
        """
        for record in records:
            self.take(record)
        if drive_again:
            for record in self._orders.due:
                origin = record.origin or f"{record.topic}/{record.partition}/{record.offset}"
                self.take(record._replace(origin=origin))

    def take(self, record: Record) -> None:
        """Judge the next record."""
        self.count.consumed += 1
        try:
            self._judge(record)
        except Refused as refused:
            reason = str(refused)
            self.count.rejected[reason] = self.count.rejected.get(reason, 0) + 1

    def forget(self) -> None:
        """Drop what no later record asks for: copies from before the horizon."""
        since_ms = self._now_ms - self._rules.dedupe_ms
        self._last_copy_ms = {id: last_ms for id, last_ms in self._last_copy_ms.items() if last_ms >= since_ms}

    def _judge(self, record: Record) -> None:
        event = read_event(record.topic, record.value, record.arrival_ms, self._rules.offset_ms)
        self._now_ms = max(self._now_ms, record.arrival_ms)
        try:
            if self._is_copy(record, event):
                raise Copied
            event, first_refund = self._orders.judge(event, record)
        except Copied:
            self.count.resends += 1
        else:
            self.counted.append(Counted(event, record.arrival_ms, first_refund))
            self.count.counted += 1
        if record.origin is not None and not self._is_settled(record):
            self._settled_origins.setdefault(record.origin, []).append(record.arrival_ms)
        self._last_copy_ms[event["event_id"]] = self._now_ms
        self.count.arrival_ms = max(self.count.arrival_ms, record.arrival_ms)
        if event["event_time_ms"] <= record.arrival_ms + TRUST_AHEAD_MS:
            self.count.trusted_ms = max(self.count.trusted_ms or 0, event["event_time_ms"])

    def _is_copy(self, record: Record, event: Event) -> bool:
        last_ms = self._last_copy_ms.get(event["event_id"])
        recently = last_ms is not None and self._now_ms - last_ms <= self._rules.dedupe_ms
        return recently or self._is_settled(record)

    def _is_settled(self, record: Record) -> bool:
        """Whether a record that was driven again from the same reject is no reject any more."""
        settled_ms = self._settled_origins.get(record.origin or "", ())
        return any(-BACK_MS <= record.arrival_ms - at_ms <= _ORIGIN_MS for at_ms in settled_ms)
