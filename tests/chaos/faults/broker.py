"""A broker that dies, stands still, or comes back with another log than it had (K1, K2, K6, K7, K8)."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from functools import partial
from random import Random

from streams.keys import shard_keys
from streams.lab.audit.store import Stored, read_stored
from streams.lab.servers import Broker
from streams.lab.simulator.planned import ORDERS
from streams.tally.fence import Fence
from streams.tally.sessions import TAIL_DAYS
from streams.topic_admin import ensure_topics, simulated_topics
from tests.chaos.devices.durable import DurableBroker
from tests.chaos.devices.rewriting import later_beginning
from tests.chaos.scenario import some_market
from tests.chaos.stage import own_broker, proxied_broker
from tests.chaos.trial import Fault
from tests.chaos.workers import TrialFailed, Worker
from tests.chaos.world import World

#: code with which a worker refuses to go on: it must not be started again before somebody has looked
REFUSED = 78


# -- gone and back -------------------------------------------------------------------------------
async def killed(world: World, chance: Random) -> None:
    """kill -9 once to three times; the log is on a disk that outlives it. Sometimes a worker dies as well."""
    broker = await own_broker(world, DurableBroker)
    world.start_worker()
    world.start_playing()
    for share in sorted(chance.uniform(0.05, 0.9) for _ in range(chance.randint(1, 3))):
        await world.until(share)
        broker.kill()
        if chance.random() < 0.3:
            world.workers[-1].kill()
        await asyncio.sleep(chance.uniform(0.0, 1.5))
        broker.start()
        world.keep_one_running()


async def stopped(world: World, chance: Random) -> None:
    """It stands still for seconds, mostly for longer than a worker's session."""
    broker = await own_broker(world)
    world.start_worker()
    world.start_playing()
    await world.until(chance.uniform(0.05, 0.8))
    for_s = chance.choice((chance.uniform(3, 7), chance.uniform(3, 7), chance.uniform(7, 60)))
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(for_s)
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    world.notes.append(f"for {for_s:.1f} s")


# -- another log ---------------------------------------------------------------------------------
async def wiped(world: World, chance: Random) -> None:
    """The log is gone under a running worker, and has fewer records than were counted."""
    broker = await own_broker(world)
    worker = await _some_settled(world, chance)
    before = await counts(world)
    await _wipe(world, broker)
    # Some orders into every partition that counted them: of those whose log is as it was, empty, nothing can be said.
    # Another market may have more sessions at its start than were counted, so that their log would not be shorter
    few = [each for each in some_market(chance) if each.topic == ORDERS][: len(world.records) // 25]
    await world.send(few)
    await must_refuse(world, worker, "the log ends at", before)
    world.records = list(some_market(chance))
    await _begin_anew(world)


async def rewritten(world: World, chance: Random) -> None:
    """While no worker ran, the log was lost and written again past the fences, with other records."""
    broker = await own_broker(world)
    worker = await _some_settled(world, chance)
    worker.kill()
    before = await counts(world)
    await _wipe(world, broker)
    world.records = list(some_market(chance))
    await world.send(_renamed(world.records))
    await must_refuse(world, world.start_worker(), "is not the one that was counted there", before)
    await _wipe(world, broker)
    await _begin_anew(world)


def _renamed(records: list) -> list:
    """Other records than these, also where the chance took the same market again."""
    return [each._replace(arrival_ms=each.arrival_ms + 1) for each in records]


async def expired(world: World, chance: Random) -> None:
    """Retention took what was not counted yet, while no worker ran; then the topic is restored."""
    _, proxy = await proxied_broker(world)
    worker = await _some_settled(world, chance)
    worker.kill()
    before = await counts(world)
    # this broker removes nothing: the proxy makes it tell a later beginning, as it would
    proxy.tap = lambda: later_beginning(10_000_000)
    await must_refuse(world, world.start_worker(), "the log now begins at 10000000", before)
    proxy.tap = None
    proxy.reset()
    world.start_worker()
    world.start_playing()


async def _some_settled(world: World, chance: Random) -> Worker:
    """A worker that has settled everything of a part of the market, on every partition."""
    part = world.records[: int(len(world.records) * chance.uniform(0.3, 0.9))]
    whole, world.records = world.records, part
    worker = world.start_worker()
    await world.send(part)
    await world.until(1.0)
    await world.until_true(world.idle, "the marks were not read")
    await world.until_true(partial(_at_rest, world), "counts went on changing")
    world.records = whole[len(part) :]
    return worker


async def _at_rest(world: World) -> bool:
    """Whether nothing is counted any more: a refund just driven again lies in the log, noted nowhere."""
    before = await counts(world)
    await asyncio.sleep(1.0)
    return await counts(world) == before


async def _wipe(world: World, broker: Broker) -> None:
    """As a broker whose disk was lost: the same topics, empty."""
    broker.kill()
    broker.start()
    await ensure_topics(world.settings, simulated_topics(world.settings))
    world.sent = 0


async def _begin_anew(world: World) -> None:
    """Do what the message says: count the new log under another group."""
    world.settings = replace(world.settings, group=f"{world.settings.group}-new")
    world.start_worker()
    world.start_playing()


# -- refused -------------------------------------------------------------------------------------
Counts = tuple[dict[tuple[str, int], list[Fence]], Stored]


async def counts(world: World) -> Counts:
    """Every tally and every account of the world's group, as they stand."""
    keys = [shard_keys(world.settings.group, shard) for shard in range(world.settings.shards)]
    return await world.fences(), await read_stored(world.redis, keys, world.settings.zone, TAIL_DAYS)


async def must_refuse(world: World, worker: Worker, words: str, before: Counts) -> None:
    """It ends with 78, says `words`, and has changed no count. Raises `TrialFailed`."""
    worker.expected_to_end = True
    code = await worker.ended(60.0)
    if code != REFUSED or not worker.said(words):
        raise TrialFailed(f"the worker did not refuse but {code}: {worker.said('')[-2:]}")
    if await counts(world) != before:
        raise TrialFailed("the worker refused, but counts have changed")
    world.notes.append("refused, no count changed")


FAULTS = (
    Fault("broker-killed", "K1", "kill -9 of the broker once to three times, its log outlives it", killed),
    Fault("broker-stopped", "K2", "the broker stands still for 3 to 60 s", stopped),
    Fault("log-wiped", "K6", "the log is wiped under a worker: refused, nothing changed", wiped),
    Fault("log-rewritten", "K7", "other records below the fences: refused, nothing changed", rewritten),
    Fault("log-expired", "K8", "retention passed the fences: refused, nothing changed", expired),
)
