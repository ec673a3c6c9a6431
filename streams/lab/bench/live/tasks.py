"""What the child processes of a live measurement are told, and what they answer. Times `_ms` are floats of epoch ms."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import msgspec

from streams.lab.bench.profile import Profile

#: the line that a child prints last, when its answer lies in the file that it was given
DONE: Final = "done"

T = TypeVar("T", bound=msgspec.Struct)


def main(type: type[T], work: Callable[[T], object]) -> None:
    """The main function of a child: the task and the file for the answer are on the command line."""
    task, answer = msgspec.json.decode(sys.argv[1], type=type), Path(sys.argv[2])
    answer.write_bytes(msgspec.json.encode(work(task)))
    print(DONE, flush=True)


class Produce(msgspec.Struct, frozen=True, kw_only=True):
    """Send `events_per_s` order events to `topic`, for `seconds` (0: until standard input ends).

    `ring` events are made before and sent round after round, numbered from `first_round`, so that ids never come
    twice. `probes` events are spread evenly over the time after `probes_from_s`.
    """

    kafka: str
    topic: str
    partitions: int
    profile: Profile
    seed: int
    ring: int
    first_round: int
    events_per_s: float
    seconds: float
    probes: int = 0
    probes_from_s: float = 0.0


class Batch(NamedTuple):
    """Records of one partition that were stamped `sent_ms` and acknowledged at `acked_ms`."""

    partition: int
    first_offset: int
    records: int
    sent_ms: float
    acked_ms: float


class SentProbe(NamedTuple):
    """Where a probe lies, and when it was stamped."""

    number: int
    partition: int
    offset: int
    sent_ms: float


class Sent(msgspec.Struct, frozen=True):
    """All that was acknowledged. `late_ms`: how far behind its schedule the producer was at worst."""

    batches: list[Batch]
    probes: list[SentProbe]
    late_ms: float


class WatchFences(msgspec.Struct, frozen=True):
    """Look at the fences of `topic` every `every_ms` until standard input ends."""

    redis: str
    group: str
    shards: int
    topic: str
    partitions: int
    every_ms: float


class Step(NamedTuple):
    """At `seen_ms` everything of `partition` below offset `next` was settled, in every shard."""

    partition: int
    next: int
    seen_ms: float


class WatchAlerts(msgspec.Struct, frozen=True):
    """Read the topic of alerts from its beginning until standard input ends."""

    kafka: str
    topic: str


class SeenAlert(NamedTuple):
    """One revision. `stamped_ms`: its record's time, set when the publisher sent it; `seen_ms`: when we had it."""

    rule: str
    metric: str
    state: str
    dimension: str
    scope_id: str
    event_time_ms: int | None
    detected_ms: int
    stamped_ms: int
    seen_ms: float
