"""Input that is meant to hurt: bytes of all kinds, batches that grow a thousandfold, copies at the edge (D1 to D4)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

import msgspec
from aiokafka import AIOKafkaProducer
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies

from streams.lab.simulator.planned import ORDERS, Planned
from streams.topics import Topics
from tests.chaos.trial import Fault
from tests.chaos.workers import TrialFailed
from tests.chaos.world import World

_BOMB_VALUE = bytes(1 << 20)
_BOMB_MB = 48
#: a worker that takes a bomb may need so much more for each of its megabytes: as it comes, and as records
_MB_FOR_A_MB = 3

_VALUES = strategies.one_of(
    strategies.none(),
    strategies.booleans(),
    strategies.integers(),
    strategies.floats(),
    strategies.text(max_size=200),
    strategies.lists(strategies.integers(), max_size=3),
    strategies.sampled_from(
        [10**12, 10**12 + 1, 2**53, 2**63, -(2**63), 10**30, -0.0, 1e308, "", "CNY", "live", "\ud7ff"]
    ),
)
#: what stands for a number that JSON's readers disagree about
_LITERALS = (b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-0", b"01", b"1.0", b"1e2", b"0x10", b"tru", b"9" * 400)


# -- D1 --------------------------------------------------------------------------------------------
async def fuzzed(world: World, chance: Random) -> None:
    """Thousands of records made of good ones: a field changed, bytes changed, cut, doubled; and bytes of no kind."""
    hurt = [*_changed_fields(world.records, chance), *_changed_bytes(world.records, chance), *_extremes(world.records)]
    hurt = [each for each in hurt if not _has_a_name_twice(each)]
    chance.shuffle(hurt)
    begin_ms, end_ms = world.records[0].arrival_ms, world.records[-1].arrival_ms
    placed = [
        Planned(ORDERS, f"fuzz-{number}", value, chance.randint(begin_ms, end_ms)) for number, value in enumerate(hurt)
    ]
    world.records = sorted([*world.records, *placed], key=lambda each: each.arrival_ms)
    worker = world.start_worker()
    world.start_playing()
    await world.until(chance.uniform(0.2, 0.8))
    if not worker.running:
        raise TrialFailed(f"the worker died of its input: {worker.said('')[-1:]}")
    world.notes.append(f"{len(hurt):,} hurt")


def _changed_fields(records: Sequence[Planned], chance: Random) -> list[bytes]:
    """One to three fields of an order event become something of hypothesis' making, or go."""
    orders = [msgspec.json.decode(each.value) for each in records if each.topic == ORDERS and _is_object(each.value)]
    names = sorted({name for order in orders[:200] for name in order})
    made: list[bytes] = []

    @seed(chance.getrandbits(64))
    @settings(
        max_examples=1_500, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        strategies.sampled_from(range(min(len(orders), 500))),
        strategies.dictionaries(strategies.sampled_from(names), _VALUES, min_size=1, max_size=3),
        strategies.sets(strategies.sampled_from(names), max_size=1),
    )
    def change(number: int, fields: dict[str, object], without: set[str]) -> None:
        order = {**orders[number], "event_id": f"fuzz-{len(made)}", **fields}
        try:
            made.append(msgspec.json.encode({name: value for name, value in order.items() if name not in without}))
        except (UnicodeEncodeError, msgspec.MsgspecError, OverflowError):
            return  # no JSON can be made of it

    change()
    return made


def _has_a_name_twice(value: bytes) -> bool:
    """The last of two counts; whether the first may be of a wrong type the contract does not say."""
    twice: list[str] = []

    def note(pairs: list[tuple[str, object]]) -> None:
        names = [name for name, _ in pairs]
        twice.extend(name for name in names if names.count(name) > 1)

    try:
        json.loads(value, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return False
    return bool(twice)


def _is_object(value: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(value), dict)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False


def _changed_bytes(records: Sequence[Planned], chance: Random) -> list[bytes]:
    values = [each.value for each in records]
    return [_bent(chance.choice(values), chance) for _ in range(1_500)]


def _bent(value: bytes, chance: Random) -> bytes:
    at, to = sorted(chance.randint(0, len(value)) for _ in range(2))
    return chance.choice(
        (
            value[:at] + chance.randbytes(chance.randint(1, 4)) + value[at + 1 :],
            value[:at],
            value[at:],
            value[:at] + value[to:],
            value[:to] + value[at:],
            value[:at] + chance.choice(_LITERALS) + value[to:],
            value.replace(b":", b":" + chance.choice(_LITERALS) + b",", 1),
            chance.randbytes(at),
        )
    )


def _extremes(records: Sequence[Planned]) -> Iterator[bytes]:
    """What JSON's readers stumble over."""
    good = next(each.value for each in records if each.topic == ORDERS and b"order.paid" in each.value)
    end = good.rindex(b"}")
    for literal in _LITERALS:
        yield good[:end] + b',"more":' + literal + b"}"
    yield from (b"[" * 10_000, b'{"a":' * 10_000, b"", b"null", b"{}", b"\xff\xfe", b"\xef\xbb\xbf" + good, good + good)
    yield good[:end] + b',"more":"' + b"x" * (1 << 20) + b'"}'
    yield good[:end] + b',"more":"\\ud800"}'


# -- D2 --------------------------------------------------------------------------------------------
async def bomb(world: World, chance: Random) -> None:
    """Batches that are small on the wire and large in memory: each record is refused, the worker's memory bounded."""
    worker = world.start_worker()
    world.start_playing()
    await world.until(chance.uniform(0.05, 0.5))
    before_mb = _peak_mb(worker.process.pid)
    await send_bombs(world, chance.sample(range(world.settings.partitions), 2), _BOMB_MB)
    await world.played()
    await world.until_true(lambda: _all(world), "the bombs were not settled")
    grew_mb = _peak_mb(worker.process.pid) - before_mb
    world.notes.append(f"{_BOMB_MB} MB twice: {grew_mb} MB more")
    if grew_mb > _MB_FOR_A_MB * _BOMB_MB * 2:
        raise TrialFailed(f"the worker grew by {grew_mb} MB")


async def send_bombs(world: World, partitions: Iterable[int], megabytes: int) -> None:
    """To each of these partitions one batch of a few kilobytes that unpacks to so many records of a megabyte."""
    producer = AIOKafkaProducer(
        bootstrap_servers=world.settings.kafka, compression_type="gzip", max_batch_size=megabytes << 21,
        max_request_size=megabytes << 21, request_timeout_ms=60_000,
    )  # fmt: skip
    await producer.start()
    try:
        for partition in partitions:
            batch = producer.create_batch()
            for _ in range(megabytes):
                batch.append(key=b"bomb", value=_BOMB_VALUE, timestamp=world.records[-1].arrival_ms)
            topic = Topics(world.settings.topic_prefix).orders
            await (await producer.send_batch(batch, topic, partition=partition))
            world.sent += megabytes
    finally:
        await producer.stop()


async def _all(world: World) -> bool:
    return sum(min(fence.next for fence in each) for each in (await world.fences()).values()) >= world.sent


def _peak_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) >> 10


# -- D3 --------------------------------------------------------------------------------------------
async def at_the_horizon(world: World, chance: Random) -> None:
    """Copies that come just before, at, and just after the end of the resend memory, also of copies; and a kill."""
    horizon_ms = world.settings.dedupe_s * 1000
    copies = []
    for record in chance.sample(world.records, len(world.records) // 4):
        at_ms = record.arrival_ms
        for _ in range(chance.randint(1, 3)):
            at_ms += horizon_ms + chance.choice((-1, 0, 1))
            copies.append(record._replace(arrival_ms=at_ms))
    world.records = sorted([*world.records, *copies], key=lambda each: each.arrival_ms)
    world.start_worker()
    world.start_playing()
    for share in sorted(chance.uniform(0.1, 0.9) for _ in range(2)):
        await world.until(share)
        world.workers[-1].kill()
        world.start_worker()
    world.notes.append(f"{len(copies):,} copies")


FAULTS = (
    Fault("fuzz", "D1", "three thousand records with fields and bytes changed", fuzzed),
    Fault("bomb", "D2", "batches that grow a thousandfold when they are unpacked", bomb),
    Fault("horizon", "D3", "copies at the resend horizon, 1 ms before and after it", at_the_horizon, {"dedupe_s": 300}),
)
