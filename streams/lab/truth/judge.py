"""One partition, record by record: counted, a resend or a reject."""

from collections.abc import Iterable
from typing import NamedTuple

from streams.lab.truth.model import PartitionCount, Record, Rules
from streams.lab.truth.validate import Event, Refused, read_event

#: an event time further ahead of its arrival than this is not believed
TRUST_AHEAD_MS = 5 * 60_000


class Counted(NamedTuple):
    """An event that counts. `first_refund`: it is the first accepted refund of its order."""

    event: Event
    arrival_ms: int
    first_refund: bool


class PartitionJudge:
    """Judges the records of one partition, which must come in the order of their offsets."""

    def __init__(self, topic: str, partition: int, rules: Rules) -> None:
        self.count = PartitionCount(topic, partition)
        self.counted: list[Counted] = []
        self._rules = rules
        self._last_copy_ms: dict[str, int] = {}
        self._refunded_fen: dict[str, int] = {}

    def judge_all(self, records: Iterable[Record]) -> None:
        """Judge `records`; the outcome is in `count` and `counted`."""
        for record in records:
            self.count.consumed += 1
            try:
                self._judge(record)
            except Refused as refused:
                reason = str(refused)
                self.count.rejected[reason] = self.count.rejected.get(reason, 0) + 1

    def _judge(self, record: Record) -> None:
        event = read_event(record.topic, record.value, record.arrival_ms, self._rules.offset_ms)
        last_ms = self._last_copy_ms.get(event["event_id"])
        if last_ms is not None and record.arrival_ms - last_ms <= self._rules.dedupe_ms:
            self.count.resends += 1
        else:
            first_refund = event["event_type"] == "order.refunded" and self._take_back(event)
            self.counted.append(Counted(event, record.arrival_ms, first_refund))
            self.count.counted += 1
        self._last_copy_ms[event["event_id"]] = record.arrival_ms
        self.count.arrival_ms = max(self.count.arrival_ms, record.arrival_ms)
        if event["event_time_ms"] <= record.arrival_ms + TRUST_AHEAD_MS:
            self.count.trusted_ms = max(self.count.trusted_ms or 0, event["event_time_ms"])

    def _take_back(self, event: Event) -> bool:
        """Enter a refund of the order; True if it is the first. Raises Refused if less than that is left."""
        order_id = event["order_id"]
        before_fen = self._refunded_fen.get(order_id)
        if (before_fen or 0) + event["refund_fen"] > event["amount_fen"]:
            raise Refused("refund_exceeds_order")
        self._refunded_fen[order_id] = (before_fen or 0) + event["refund_fen"]
        return before_fen is None
