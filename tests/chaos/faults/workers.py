"""Worker processes that die, are told to end, come and go (W1, W3, W5 to W8, W12)."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path
from random import Random

from tests.chaos.devices.durable import DurableBroker
from tests.chaos.stage import own_broker
from tests.chaos.trial import Fault
from tests.chaos.workers import TrialFailed, Worker
from tests.chaos.world import World

_ROOT = Path(__file__).parents[3]


# -- gone ----------------------------------------------------------------------------------------
async def kill_at_random(world: World, chance: Random) -> None:
    """Once or twice, and somebody starts the next one."""
    world.start_worker()
    world.start_playing()
    for share in sorted(chance.uniform(0.05, 0.95) for _ in range(chance.choice((1, 1, 2)))):
        await world.until(share)
        await asyncio.sleep(chance.uniform(0.0, 0.2))
        world.workers[-1].kill()
        world.start_worker()


async def kill_all(world: World, chance: Random) -> None:
    """Two or three at once."""
    workers = [world.start_worker() for _ in range(chance.choice((2, 3)))]
    world.start_playing()
    await world.until(chance.uniform(0.1, 0.8))
    for worker in workers:
        worker.kill()
    world.start_worker()


# -- told to end ---------------------------------------------------------------------------------
async def sigterm(world: World, chance: Random) -> None:
    """In mid-stream, with or without another one there; exit 0 within 30 s."""
    worker = world.start_worker()
    if chance.random() < 0.5:
        world.start_worker()
    world.start_playing()
    await world.until(chance.uniform(0.05, 0.8))
    await must_end_well(worker)
    world.keep_one_running()


async def must_end_well(worker: Worker) -> None:
    """SIGTERM. Raises `TrialFailed` unless it exits with 0 in time; one that had not begun to work ends as it likes."""
    began = bool(worker.said(""))
    code = await worker.terminate()
    if code != 0 and began:
        raise TrialFailed(f"a worker told to end exited with {code}: {worker.said('')[-3:]}")


async def sigterm_without_store(world: World, chance: Random) -> None:
    """Redis is gone when the worker is told to end."""
    worker = world.start_worker()
    world.start_playing()
    await world.until(chance.uniform(0.05, 0.7))
    world.store.kill()
    await asyncio.sleep(chance.uniform(0.0, 1.5))
    await must_end_well(worker)
    world.store.start()
    world.start_worker()


async def sigterm_without_broker(world: World, chance: Random) -> None:
    """The broker is gone, or silent, when the worker is told to end."""
    broker = await own_broker(world, DurableBroker)
    worker = world.start_worker()
    world.start_playing()
    await world.until(chance.uniform(0.05, 0.7))
    silent = chance.random() < 0.5
    if silent:
        os.kill(broker.pid, signal.SIGSTOP)
    else:
        broker.kill()
    try:
        await asyncio.sleep(chance.uniform(0.0, 1.5))
        await must_end_well(worker)
    finally:
        if silent:
            os.kill(broker.pid, signal.SIGCONT)
        else:
            broker.start()
    world.notes.append("silent" if silent else "killed")
    world.start_worker()


# -- come and go ---------------------------------------------------------------------------------
async def come_and_go(world: World, chance: Random) -> None:
    """Two join a third in mid-stream; one leaves, and the first."""
    first = world.start_worker()
    world.start_playing(7.0)
    await world.until(chance.uniform(0.05, 0.2))
    others = [world.start_worker(), world.start_worker()]
    await world.until(chance.uniform(0.3, 0.5))
    await _leave(chance.choice(others), chance)
    await world.until(chance.uniform(0.5, 0.8))
    await _leave(first, chance)


async def more_than_partitions(world: World, chance: Random) -> None:
    """Three workers for one partition a topic: most have nothing to read, and one that has leaves."""
    workers = [world.start_worker() for _ in range(3)]
    world.start_playing()
    await world.until(chance.uniform(0.1, 0.6))
    await _leave(chance.choice(workers), chance)


async def _leave(worker: Worker, chance: Random) -> None:
    if chance.random() < 0.5:
        worker.kill()
    else:
        await must_end_well(worker)


async def storm(world: World, chance: Random) -> None:
    """Somebody joins or leaves about every second, so that hardly an assignment lives until the next."""
    world.start_worker()
    world.start_playing(8.0)
    for _ in range(6):
        await asyncio.sleep(chance.uniform(0.5, 1.6))
        if len(world.living) < 2 or (len(world.living) < 4 and chance.random() < 0.5):
            world.start_worker()
        else:
            chance.choice(world.living).kill()
    world.keep_one_running()


async def two_releases(world: World, chance: Random) -> None:
    """One of two workers is of another checkout, whose scripts are others to Redis; then the one or the other goes."""
    other = await asyncio.to_thread(_another_checkout, world.folder)
    workers = [world.start_worker(), world.start_worker(checkout=other)]
    world.start_playing()
    await world.until(chance.uniform(0.1, 0.7))
    chance.choice(workers).kill()


def _another_checkout(folder: Path) -> Path:
    other = folder / "checkout"
    for package in ("agents", "schemas", "streams"):
        shutil.copytree(_ROOT / package, other / package, ignore=shutil.ignore_patterns("__pycache__"))
    for script in other.rglob("*.lua"):
        script.write_text(script.read_text("utf-8") + "\n-- of another release\n", "utf-8")
    return other


FAULTS = (
    Fault("kill", "W1", "kill -9 of the worker at any moment, once or twice", kill_at_random),
    Fault("kill-all", "W3", "two or three workers killed at once", kill_all),
    Fault("sigterm", "W5", "SIGTERM in mid-stream: exit 0 within 30 s", sigterm),
    Fault("sigterm-no-store", "W6", "SIGTERM while Redis is down: exit 0 within 30 s", sigterm_without_store),
    Fault(
        "sigterm-no-broker",
        "W6",
        "SIGTERM while the broker is down or silent: exit 0 within 30 s",
        sigterm_without_broker,
    ),
    Fault("come-and-go", "W7", "two workers join in mid-stream, two leave", come_and_go),
    Fault("idle-workers", "W7", "more workers than partitions", more_than_partitions, {"partitions": 1}),
    Fault("storm", "W8", "a worker joins or is killed about every second", storm),
    Fault("two-releases", "W12", "workers of two checkouts with other scripts", two_releases),
)
