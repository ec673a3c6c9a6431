"""What a scenario produces: one record of Kafka, as it will lie in the log."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

#: the two topics by their names in the contract; a topic prefix is added when they are played
ORDERS: Final = "orders"
SESSIONS: Final = "live-sessions"


class Planned(NamedTuple):
    """One record: `arrival_ms` becomes its Kafka timestamp, `key` decides its partition."""

    topic: str
    key: str
    value: bytes
    arrival_ms: int


#: msgspec rather than orjson: its bytes are as long as their content, and a scenario keeps 100,000 of them
_encoder = msgspec.json.Encoder()


def as_bytes(event: dict[str, object]) -> bytes:
    """The JSON of an event, its fields in the order given."""
    return _encoder.encode(event)


def in_arrival_order(records: Iterable[Planned], until_ms: int) -> Iterator[Planned]:
    """Sort records by arrival and leave out what would arrive at or after `until_ms`.

    Equal arrivals keep the order in which they were planned, so the result follows from the input alone.
    """
    kept = [record for record in records if record.arrival_ms < until_ms]
    kept.sort(key=lambda record: record.arrival_ms)
    return iter(kept)
