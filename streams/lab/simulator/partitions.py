"""Which partition a record goes to and which offset it gets: Kafka's default partitioner, spelled out.

The truth of a run has to know partitions before the broker says so; `murmur2` is tested against aiokafka's.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from struct import unpack_from
from typing import NamedTuple

from streams.lab.simulator.planned import Planned

_MASK = 0xFFFFFFFF
_MIX = 0x5BD1E995


class Placed(NamedTuple):
    """A record as it lies in the log. `topic` is the contract's name, without prefix."""

    topic: str
    partition: int
    offset: int
    arrival_ms: int
    key: str
    value: bytes


def partition_of(key: str, partitions: int) -> int:
    """The partition that Kafka's default partitioner gives a record with `key` in a topic of `partitions`."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def place(records: Iterable[Planned], partitions: Mapping[str, int]) -> Iterator[Placed]:
    """Where each record will lie if the topics are empty before it. `partitions` maps topics to their numbers."""
    ends: defaultdict[tuple[str, int], int] = defaultdict(int)
    for topic, key, value, arrival_ms in records:
        partition = partition_of(key, partitions[topic])
        offset = ends[topic, partition]
        ends[topic, partition] = offset + 1
        yield Placed(topic, partition, offset, arrival_ms, key, value)


def murmur2(data: bytes) -> int:
    """The 32-bit hash of Kafka's Java client, unsigned."""
    length = len(data)
    words = length // 4
    value = 0x9747B28C ^ length
    for word in unpack_from(f"<{words}I", data):
        word = word * _MIX & _MASK
        value = (value * _MIX & _MASK) ^ ((word ^ (word >> 24)) * _MIX & _MASK)
    rest = data[words * 4 :]
    if rest:
        value = (value ^ int.from_bytes(rest, "little")) * _MIX & _MASK
    value = (value ^ (value >> 13)) * _MIX & _MASK
    return value ^ (value >> 15)
