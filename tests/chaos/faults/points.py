"""kill -9 at every named point of the path (W2, A1), and at those that take something special to come by."""

from __future__ import annotations

from random import Random

from streams.failpoints import POINTS
from streams.lab.simulator.dates import DAY_MS
from tests.chaos.records import later_orders
from tests.chaos.trial import Fault, Strike
from tests.chaos.workers import TrialFailed, Worker
from tests.chaos.world import World

#: how often a point is passed at least, in a trial: the kill comes by chance at one of those times
PASSED = {
    "mid_open": 1, "mid_reseek": 1, "after_fetch": 20, "after_admit": 20, "before_rejects": 6, "after_rejects": 6,
    "before_settle": 20, "after_settle": 20, "between_shards": 20, "before_raise": 5, "after_raise": 5,
    "before_publish": 2, "after_publish": 2, "after_ack": 2, "in_purge": 1, "after_redrive_before_forget": 5,
    "after_feed": 2,
}  # fmt: skip
#: chunks so small that there are enough of them, also where a slow machine lets records lie
_SMALL = {"chunk_records": 100}
#: what the trials of a point need beside that
SETTINGS = {"between_shards": {"shards": 3}}


def kill_at(name: str) -> Strike:
    """Kill a worker at the point, and start another."""

    async def strike(world: World, chance: Random) -> None:
        worker = world.start_worker(points=f"{name}:{chance.randint(1, PASSED[name])}:kill")
        world.start_playing()
        await _lead_there(name, world, chance)
        await must_die(worker, name)
        world.start_worker()

    return strike


async def must_die(worker: Worker, name: str) -> None:
    """Wait for it. Raises `TrialFailed` if the point was not passed often enough."""
    await worker.ended(45.0)
    if not worker.died_at_a_point:
        raise TrialFailed(f"the worker did not die at {name}: {worker.process.poll()} {worker.said('')[-2:]}")


async def _lead_there(name: str, world: World, chance: Random) -> None:
    if name == "mid_reseek":
        await world.until(chance.uniform(0.1, 0.6))
        await world.redis.flushall()
    elif name == "in_purge":
        await world.played()
        await world.until(1.0)
        await world.send(later_orders(world.records, 4 * DAY_MS))


FAULTS = tuple(
    Fault(
        f"at-{name.replace('_', '-')}",
        "A1" if step == 7 else "W2",
        f"kill -9 when {says}",
        kill_at(name),
        {**_SMALL, **SETTINGS.get(name, {})},
    )
    for name, (step, says) in POINTS.items()
    if name in PASSED
)
