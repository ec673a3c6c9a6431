"""What happens in one run, decided beforehand: a log, settings, the servers' moods, and faults by the clock.

A run is a function of its plan. `plan_of(seed)` draws one; a property test makes others, and shrinks them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from zlib import crc32

from streams.topics import LIVE_SESSIONS, ORDERS
from tests.simulation.events import HOUR_MS, MIDNIGHT_MS, MINUTE_MS, Events, as_bytes
from tests.simulation.kafka import Weather
from tests.simulation.redis import Trouble

ORDER_PARTITIONS = 2

#: errors that Redis can give in the middle of a script, with what was written before staying; "" is its death there
SCRIPT_ERRORS = (
    "",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "NOPERM User hightide has no permissions to run this command",
)


@dataclass(frozen=True)
class Arrival:
    """A record that is appended to its partition at `at_s` of the run. `skip` offsets before it are left empty."""

    at_s: float
    topic: str
    partition: int
    arrival_ms: int
    key: bytes
    value: bytes
    skip: int = 0


@dataclass(frozen=True)
class Fault:
    """Something that happens at `at_s`. `who` picks a worker or a shard, `long_s` is how long, `far` how much."""

    at_s: float
    kind: str
    who: int = 0
    long_s: float = 1.0
    far: float = 0.1
    error: str = ""


@dataclass(frozen=True)
class Plan:
    """One run. `seed` feeds every chance that is not written down here."""

    seed: int
    shards: int = 1
    workers: int = 1
    dedupe_ms: int = 8_000
    lateness_ms: int = 120_000
    min_history: int = 1
    reject_limit: int = 1_000
    max_rows: int = 8_000
    chunk_records: int = 50_000
    flags_s: float = 2.0
    marking_s: float = 1.5
    fetch_s: float = 1.0
    faults_until_s: float = 8.0
    order_index: bool = True
    refund_ms: int = 30 * 24 * HOUR_MS
    arrivals: tuple[Arrival, ...] = ()
    faults: tuple[Fault, ...] = ()
    trouble: Trouble = field(default_factory=Trouble)
    weather: Weather = field(default_factory=Weather)

    @property
    def live(self) -> bool:
        """Whether records arrive while the run goes on; else all are there from the start."""
        return any(arrival.at_s for arrival in self.arrivals)

    def calm(self) -> Plan:
        """The same without any fault."""
        calm = Weather(self.weather.longest_s, self.weather.longest_run)
        return replace(self, faults=(), trouble=Trouble(), weather=calm)


KINDS = {
    "kill": 5,
    "pause": 4,
    "leave": 2,
    "join": 2,
    "rebalance": 3,
    "redis away": 2,
    "redis back": 5,
    "shard back": 4,
    "flush": 1,
    "kafka away": 2,
    "trap": 3,
}
#: faults after which a log is not the one that was counted: the program must stop
LOG_KINDS = ("truncate", "rewrite", "retention")


def plan_of(seed: int) -> Plan:
    """The plan of a seed."""
    random = Random(seed)
    until_s = random.choice((3.0, 6.0))
    return Plan(
        seed,
        shards=random.choice((1, 1, 2, 3)),
        workers=random.choice((1, 1, 2, 2, 3)),
        dedupe_ms=(dedupe_ms := random.choice((0, 3_000, 8_000))),
        min_history=random.choice((0, 1, 1, 2)),
        max_rows=random.choice((8_000, 8_000, 60, 15)),
        order_index=random.random() < 0.8,
        marking_s=random.choice((1.5, 3.0, 4.0)),
        faults_until_s=until_s,
        arrivals=tuple(arrivals(random, dedupe_ms, until_s)),
        faults=tuple(faults(random, until_s)),
        trouble=trouble(random),
        weather=weather(random),
        chunk_records=random.choice((50_000, 30, 7, 1)),
    )


# -- the log -------------------------------------------------------------------------------------
def arrivals(random: Random, dedupe_ms: int, until_s: float) -> list[Arrival]:
    """Records in the order of their arrival.

    Half of the worlds are *live*: everything arrives within a minute, so that no partition ever counts as idle, while
    event time covers hours. In the others all records lie there from the start, and arrive over hours.
    """
    live = random.random() < 0.6
    number = random.randint(15, 40)
    events = Events(random, span_ms=random.choice((1, 3, 6)) * HOUR_MS)
    holes = random.random() < 0.2
    step_ms = min(40_000 // number, 1_500) if live else events.span_ms // number
    clock_ms = MIDNIGHT_MS + (events.span_ms + 20 * MINUTE_MS if live else 0)
    latest_ms = clock_ms + 59_000 if live else clock_ms + 10 * events.span_ms
    made = _first_of_each(clock_ms) if live else []
    for at in range(number):
        clock_ms = min(latest_ms, clock_ms + random.randrange(2 * step_ms))
        at_s = random.uniform(0, until_s) if live else 0.0
        topic, key, value, arrived_ms = _record(random, events, at / number, made, clock_ms, dedupe_ms)
        clock_ms = min(latest_ms, arrived_ms)
        partition = crc32(key) % ORDER_PARTITIONS if topic == ORDERS else 0
        skip = random.choice((0, 0, 0, 1, 3)) if holes else 0
        made.append(Arrival(at_s, topic, partition, clock_ms, key, value, skip))
    times = sorted(each.at_s for each in made)  # those of the first ones stay the first
    return [replace(each, at_s=at_s) for each, at_s in zip(made, times, strict=True)]


def _first_of_each(clock_ms: int) -> list[Arrival]:
    """A record in each partition, there before any worker.

    One that is empty holds nothing back while somebody said of it, lately, that it is. Lately is some seconds, which
    are hours of event time here.
    """
    session = {
        "event_id": "first",
        "event_type": "session.anchor_changed",
        "event_time_ms": MIDNIGHT_MS,
        "session_id": "s-0",
        "room_id": "room",
        "anchor_id": "a-0",
        "category": "k-0",
    }
    created = {
        "event_id": "first",
        "event_type": "order.created",
        "event_time_ms": MIDNIGHT_MS,
        "order_id": "o-first",
        "merchant_id": "m-0",
        "category": "k-0",
        "channel": "live",
        "amount_fen": 1,
        "quantity": 1,
        "currency": "CNY",
    }
    orders = [Arrival(0.0, ORDERS, number, clock_ms, b"first", as_bytes(created)) for number in range(ORDER_PARTITIONS)]
    return [*orders, Arrival(0.0, LIVE_SESSIONS, 0, clock_ms, b"s", as_bytes(session))]


def _record(
    random: Random, events: Events, share: float, made: list[Arrival], clock_ms: int, dedupe_ms: int
) -> tuple[str, bytes, bytes, int]:
    """Topic, key, value and arrival of the next record: something new, or a copy of an earlier one."""
    chance = random.random()
    if made and chance < 0.2:
        copied = random.choice(made[-10:]) if chance > 0.06 else made[-1]
        edge_ms = copied.arrival_ms + dedupe_ms + random.choice((-1, 0, 1))
        if random.random() < 0.5 and clock_ms <= edge_ms <= clock_ms + 10_000:
            clock_ms = edge_ms
        return copied.topic, copied.key, copied.value, clock_ms
    if chance > 0.78:
        session = events.session(share)
        return LIVE_SESSIONS, b"s", as_bytes(session), clock_ms
    order: Any = events.order(share)
    key = order["order_id"].encode() if isinstance(order, dict) else b"%d" % random.randrange(9)
    return ORDERS, key, as_bytes(order), clock_ms


# -- moods and faults ----------------------------------------------------------------------------
def trouble(random: Random) -> Trouble:
    """How Redis misbehaves, if at all."""
    on = [random.random() < 0.4 for _ in range(4)]
    rate = random.choice((0.01, 0.04, 0.15))
    return Trouble(*(rate * each for each in on), longest_s=random.choice((0.002, 0.02, 0.2)))


def weather(random: Random) -> Weather:
    """How Kafka misbehaves, if at all."""
    return Weather(
        longest_s=random.choice((0.01, 0.1)),
        longest_run=random.choice((1, 4, 12, 60)),
        slow=random.choice((0.0, 0.0, 0.2)),
        hole_once=random.choice((0.0, 0.0, 0.15)),
        ack_lost=random.choice((0.0, 0.1)),
        refused=random.choice((0.0, 0.1)),
    )


def faults(random: Random, until_s: float) -> list[Fault]:
    """Faults by the clock: a few kinds a run, so that some runs have the same one many times."""
    if random.random() < 0.04:
        return [*_some(random, until_s, ["kill"]), Fault(random.uniform(1, until_s), random.choice(LOG_KINDS))]
    kinds = random.sample(list(KINDS), random.randint(1, 4))
    return _some(random, until_s, kinds)


def _some(random: Random, until_s: float, kinds: list[str]) -> list[Fault]:
    made = [
        Fault(
            random.uniform(0, until_s),
            random.choices(kinds, [KINDS[kind] for kind in kinds])[0],
            random.randrange(6),
            random.choice((0.2, 1.0, 3.0, 7.0)),
            random.choice((0.05, 0.2, 0.6, 1.0)),
            random.choice(SCRIPT_ERRORS),
        )
        for _ in range(random.randint(0, 7))
    ]
    return sorted(made, key=lambda fault: fault.at_s)
