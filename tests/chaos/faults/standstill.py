"""Worker processes that stand still, for longer than anybody waits for them, and go on (W4, W9)."""

from __future__ import annotations

import asyncio
from random import Random

from streams.failpoints import BLOCKED_S
from tests.chaos.trial import Fault
from tests.chaos.workers import TrialFailed, Worker
from tests.chaos.world import World


# -- stopped -------------------------------------------------------------------------------------
async def zombie(world: World, chance: Random) -> None:
    """One is stopped with a chunk in its hands, another takes its partitions and goes past it, and it wakes up."""
    asleep = world.start_worker(points=f"before_settle:{chance.randint(2, 12)}:stop")
    world.start_playing()
    await world.until_true(lambda: _is(asleep.stopped), "the worker did not come to its failpoint")
    world.start_worker()
    await world.played()
    await world.until(1.0)
    asleep.wake()
    await world.until_true(lambda: _is(refusals(asleep)), "the worker that woke up was not refused anything")
    world.notes.append(f"{refusals(asleep)} settles refused")


def refusals(worker: Worker) -> int:
    """How many settles the fences refused to this worker."""
    return len(worker.said(" refused to settle "))


async def _is(true: object) -> bool:
    return bool(true)


async def zombie_publisher(world: World, chance: Random) -> None:
    """One is stopped with alerts in its hands; another publishes them under the next lease, and it wakes up."""
    name = chance.choice(("before_publish", "after_publish", "after_ack"))
    world.notes.append(f"stopped at {name}")
    asleep = world.start_worker(points=f"{name}:{chance.randint(1, 4)}:stop")
    world.start_playing()
    await world.until_true(lambda: _is(asleep.stopped), "the worker did not come to its failpoint")
    world.start_worker()
    await world.played()
    await world.until(1.0)
    await world.until_true(world.idle, "nobody published in its place")
    asleep.wake()
    await asyncio.sleep(1.0)


async def stopped_at_random(world: World, chance: Random) -> None:
    """Of two, one sleeps past its session, at any moment, and wakes up while the other works."""
    workers = [world.start_worker(), world.start_worker()]
    world.start_playing()
    await world.until(chance.uniform(0.05, 0.6))
    await asyncio.sleep(chance.uniform(0.0, 0.2))
    asleep = chance.choice(workers)
    asleep.stop()
    await asyncio.sleep(world.settings.session_s * chance.uniform(1.2, 2.5))
    asleep.wake()
    world.notes.append(f"{refusals(asleep)} settles refused")


async def stalled(world: World, chance: Random) -> None:
    """The only one stands still, for shorter and for longer than its session."""
    worker = world.start_worker()
    world.start_playing()
    for _ in range(2):
        await world.until(chance.uniform(0.05, 0.5))
        worker.stop()
        await asyncio.sleep(world.settings.session_s * chance.uniform(0.3, 1.8))
        worker.wake()


async def blocked(world: World, chance: Random) -> None:
    """Its loop does nothing for 20 s, while the thread of the Kafka client keeps its place in the group."""
    name = chance.choice(("after_fetch", "after_settle", "before_raise", "before_publish"))
    worker = world.start_worker(points=f"{name}:{chance.randint(1, 3)}:block")
    world.start_playing()
    await world.until_true(lambda: _is(worker.said("blocked for ")), f"the worker did not come to {name}")
    if another := chance.random() < 0.5:  # it is asked to give partitions away, and does not answer
        world.start_worker()
    await asyncio.sleep(BLOCKED_S)
    world.notes.append(f"at {name}" + ", and another joined" * another)
    if not worker.running:
        raise TrialFailed(f"a worker whose loop was blocked ended: {worker.said('')[-2:]}")


async def starved(world: World, chance: Random) -> None:
    """It gets a tenth of a processor at best, for seconds: everything is late, nothing may be wrong."""
    worker = world.start_worker()
    world.start_playing()
    await world.until(chance.uniform(0.05, 0.3))
    share = chance.uniform(0.02, 0.1)
    for _ in range(30):
        worker.stop()
        await asyncio.sleep(0.25 * (1 - share))
        worker.wake()
        await asyncio.sleep(0.25 * share)
    world.notes.append(f"{share:.0%} of a processor")


#: enough chunks that one is met in anybody's hand
_SMALL = {"chunk_records": 100}

FAULTS = (
    Fault("zombie", "W4", "stopped with a chunk in hand, woken after another has settled past it", zombie, _SMALL),
    Fault(
        "zombie-publisher", "W4", "stopped with alerts in hand, woken after another published them", zombie_publisher
    ),
    Fault("sleeper", "W4", "one of two workers stopped past its session at any moment, then woken", stopped_at_random),
    Fault("stalled", "W9", "the only worker stands still, twice", stalled),
    Fault("blocked", "W9", "a worker's loop is blocked for 20 s, its client's thread is not", blocked),
    Fault("starved", "W9", "a worker gets a tenth of a processor at best", starved),
)
