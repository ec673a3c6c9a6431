"""The end of a trial against the truth of its log: what was lost, what was counted twice, measured tally by tally."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.alerts import Alert, decode_alert
from schemas.rejects import origin_of
from streams.keys import shard_keys
from streams.lab.audit.alerts import alert_differences
from streams.lab.audit.compare import differences, looked_at
from streams.lab.audit.kept import Kept
from streams.lab.audit.store import Stored, read_stored
from streams.lab.simulator.run import rules_of
from streams.lab.truth import Record, Tally, Truth, compute_truth
from streams.tally.conservation import dimension_gap, read_totals
from streams.tally.sessions import TAIL_DAYS
from streams.topics import Topics
from tests.chaos.log import read_topics
from tests.chaos.workers import TrialFailed
from tests.chaos.world import World, now_s

#: a trial that has not come to rest by then will not
SETTLED_WITHIN_S = 90.0
#: alerts follow the tallies by moments
ALERTS_WITHIN_S = 15.0
#: counters that one event moves by one
EVENTS = ("orders_created", "orders_paid", "orders_cancelled", "orders_refunded")


@dataclass(slots=True)
class Outcome:
    """What the end of a trial is. All but `events` and `heal_s` must be 0 and empty.

    `lost` and `twice` are events; `missing` are alerts, `doubled` revisions that stand in the topic more than once.
    """

    events: int = 0
    lost: int = 0
    twice: int = 0
    missing: int = 0
    doubled: int = 0
    heal_s: float = 0.0
    differences: list[str] = field(default_factory=list)


async def outcome_of(world: World) -> Outcome:
    """Wait until everything sent is settled, detected and published, and compare. Raises `TrialFailed`."""
    await world.played()
    began = now_s()
    log = await _settled_log(world)
    heal_s = now_s() - began
    while True:
        outcome = await _compared(world, log, Outcome(heal_s=heal_s))
        # two that held the lease in turn may both have driven a refund again: then there is more to compare
        again = await _settled_log(world)
        if {place: len(each) for place, each in again.items()} == {place: len(each) for place, each in log.items()}:
            return outcome
        log = again


async def _compared(world: World, log: Log, outcome: Outcome) -> Outcome:
    outcome.events = sum(len(each) for each in log.values())
    if outcome.events < world.sent:
        raise TrialFailed(
            f"the log holds {outcome.events:,} of {world.sent:,} acknowledged records: the broker lost some"
        )
    truth = await asyncio.to_thread(_truth, world, log)
    await _compare_tallies(world, truth, outcome)
    await _compare_accounts(world, truth, {place: _end(each) - len(each) for place, each in log.items()}, outcome)
    await _compare_rejects(world, truth, outcome)
    await _compare_alerts(world, truth, outcome)
    return outcome


Log = Mapping[tuple[str, int], list[Record]]


# -- the end -------------------------------------------------------------------------------------
async def _settled_log(world: World) -> Log:
    """The input as it lies in the log, once all of it is settled and nothing waits."""
    settled_by = now_s() + SETTLED_WITHIN_S
    while now_s() < settled_by:
        world.keep_one_running()
        fences = await _fences(world)
        # first cheap questions: are there as many as were sent, at the same place in each shard, and nothing waiting
        if fences is None or sum(fences.values()) < world.sent or not await world.idle():
            await asyncio.sleep(0.05)
            continue
        log = await _read_input(world)
        if {place: _end(each) for place, each in log.items()} == fences and await world.idle():
            return log
    raise TrialFailed(f"not settled within {SETTLED_WITHIN_S:.0f} s: fences {await _fences(world)}, sent {world.sent}")


def _end(records: list[Record]) -> int:
    """Where a log ends; it may have holes: a broker killed between numbering and writing leaves one."""
    return records[-1].offset + 1 if records else 0


async def _fences(world: World) -> dict[tuple[str, int], int] | None:
    """Where all shards stand; None if they stand at different places."""
    found = await world.fences()
    if any(len({fence.next for fence in each}) != 1 or len(each) != world.settings.shards for each in found.values()):
        return None
    return {place: each[0].next for place, each in found.items()}


async def _read_input(world: World) -> Log:
    topics = Topics(world.settings.topic_prefix)
    return await read_topics(world.settings.kafka, topics.inputs)  # type: ignore[return-value]


def _truth(world: World, log: Log) -> Truth:
    prefix = len(world.settings.topic_prefix)
    records = [
        Record(topic[prefix:], partition, each.offset, each.timestamp, each.key, each.value, origin_of(each.headers))  # type: ignore[attr-defined]
        for (topic, partition), of_partition in log.items()
        for each in of_partition
    ]
    return compute_truth(records, rules_of(world.settings))


# -- tallies -------------------------------------------------------------------------------------
async def _compare_tallies(world: World, truth: Truth, outcome: Outcome) -> None:
    settings = world.settings
    keys = [shard_keys(settings.group, shard) for shard in range(settings.shards)]
    stored = await read_stored(world.redis, keys, settings.zone, TAIL_DAYS)
    kept = looked_at(stored, truth, settings.zone)
    outcome.lost, outcome.twice = _misses(stored, truth, kept)
    outcome.differences += differences(stored, truth, kept)


def _misses(stored: Stored, truth: Truth, kept: Kept) -> tuple[int, int]:
    """Events missing from, and events too many in, the dimension and grain that shows the most of them.

    Where only sums are off (an amount, a number of units), each tally that is off counts as one.
    """
    below: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for tally in filter(kept.has, stored.tallies.keys() | truth.tallies.keys()):
        have, should = stored.tallies.get(tally, {}), truth.tallies.get(tally, {})
        _note(below[tally.dimension, tally.grain], tally, have, should)
    worst = Counter[str]()
    for each in below.values():
        worst |= each
    return worst["lost"] or worst["short"], worst["twice"] or worst["over"]


def _note(found: Counter[str], tally: Tally, have: Mapping[str, int], should: Mapping[str, int]) -> None:
    for name in EVENTS:
        missing = should.get(name, 0) - have.get(name, 0)
        found["lost"] += max(0, missing)
        found["twice"] += max(0, -missing)
    for name in have.keys() | should.keys():
        missing = should.get(name, 0) - have.get(name, 0)
        found["short"] += missing > 0
        found["over"] += missing < 0


async def _compare_accounts(world: World, truth: Truth, holes: Mapping[tuple[str, int], int], outcome: Outcome) -> None:
    """Consumed = counted + resends + rejected + holes in every partition of every shard, each as in the truth.

    And all dimensions add up to the same.
    """
    prefix = world.settings.topic_prefix
    true = {(prefix + each.topic, each.partition): each for each in truth.partitions}
    for place, fences in (await world.fences()).items():
        should = true.get(place)
        wanted = (
            *((should.counted, should.resends, sum(should.rejected.values())) if should else (0, 0, 0)),
            holes[place],
        )
        for shard, fence in enumerate(fences):
            have = fence.counted, fence.resends, fence.rejected, fence.holes
            if have != wanted or fence.gap:
                is_not = f"{have} with a gap of {fence.gap} are not {wanted}"
                outcome.differences.append(f"{place} shard {shard}: counted, resends, rejected, holes {is_not}")
    keys = [shard_keys(world.settings.group, shard) for shard in range(world.settings.shards)]
    gap = dimension_gap([await read_totals(world.redis, each) for each in keys])
    if gap != 0:
        outcome.differences.append(f"a dimension and the platform differ by {gap}")


async def _compare_rejects(world: World, truth: Truth, outcome: Outcome) -> None:
    """Every rejected record stands in the rejects topic, under one key however often it was published."""
    topic = Topics(world.settings.topic_prefix).rejects
    found = await read_topics(world.settings.kafka, [topic])
    keys = {record.key for of_partition in found.values() for record in of_partition}
    should = truth.totals()["rejected"]
    if len(keys) != should:
        outcome.differences.append(f"the rejects topic has {len(keys)} rejected records, should have {should}")


# -- alerts --------------------------------------------------------------------------------------
async def _compare_alerts(world: World, truth: Truth, outcome: Outcome) -> None:
    waited_until = now_s() + ALERTS_WITHIN_S
    while True:
        told = await _alerts(world)
        last = {}
        for alert in told:
            if alert.alert_id not in last or alert.revision >= last[alert.alert_id].revision:
                last[alert.alert_id] = alert
        lines = alert_differences(last, truth.alerts, truth.watermark_ms or 0)
        if not lines or now_s() > waited_until:
            break
        await asyncio.sleep(0.2)
    if not truth.alerts:
        raise TrialFailed("the market has no alert that could be lost")
    times = Counter((alert.alert_id, alert.revision) for alert in told)
    outcome.doubled = sum(count - 1 for count in times.values())
    outcome.missing = sum(line.startswith("alert due") for line in lines)
    outcome.differences += lines
    outcome.differences += [f"alert {each} stands {n} times in the topic" for each, n in times.items() if n > 1]
    outcome.differences += _out_of_order(told)


async def _alerts(world: World) -> list[Alert]:
    topic = Topics(world.settings.topic_prefix).alerts
    found = await read_topics(world.settings.kafka, [topic])
    return [decode_alert(record.value) for of_partition in found.values() for record in of_partition]


def _out_of_order(told: list[Alert]) -> list[str]:
    """The revisions of an alert are 1, 2, 3, … in the order of the topic."""
    revisions: defaultdict[str, list[int]] = defaultdict(list)
    for alert in told:
        if alert.revision not in revisions[alert.alert_id]:
            revisions[alert.alert_id].append(alert.revision)
    return [
        f"alert {alert_id} has the revisions {each}"
        for alert_id, each in revisions.items()
        if each != list(range(1, len(each) + 1))
    ]
