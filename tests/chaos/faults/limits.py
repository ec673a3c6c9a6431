"""What a machine can run out of or get wrong: memory, disk, the time of day; and two stores that both take writes."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random

from redis.asyncio import Redis

from streams.lab.servers import Store
from tests.chaos.devices.clock import NoFaketime, WrongClock
from tests.chaos.devices.disk import NoSmallDisk, SmallDisk
from tests.chaos.devices.proxy import ChaosProxy
from tests.chaos.faults.rubbish import send_bombs
from tests.chaos.stage import ask_store, own_store, proxied_store
from tests.chaos.trial import Fault
from tests.chaos.workers import TrialFailed, TrialSkipped
from tests.chaos.world import World

_HOUR_S = 3600
_DISK_MB = 48


# -- W10: memory ---------------------------------------------------------------------------------
async def out_of_memory(world: World, chance: Random) -> None:
    """In mid-stream a worker gets hardly any memory beyond what it has; it may die, and must not go on half."""
    worker = world.start_worker()
    world.start_playing()
    await world.until(chance.uniform(0.05, 0.6))
    has = _address_space(worker.process.pid)
    limit = has + chance.choice((0, 64 << 10, 1 << 20, 4 << 20))
    worker.expected_to_end = True
    resource.prlimit(worker.process.pid, resource.RLIMIT_AS, (limit, limit))
    # what it is given next does not fit into what it has
    await send_bombs(world, [0], 64)
    await world.played()
    code = await worker.ended(chance.uniform(2.0, 30.0))
    world.notes.append(f"{(limit - has) >> 10} KiB more, exit code {code}")
    if code == 0:
        raise TrialFailed("a worker without memory ended as if all was well")
    if code is None:  # it does without, or is stuck: whoever watches it would end it
        worker.kill()


def _address_space(pid: int) -> int:
    """Bytes of address space that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


# -- full disk -----------------------------------------------------------------------------------
async def full_disk(world: World, chance: Random) -> None:
    """The store's disk is full for seconds: it refuses writes; sometimes it is killed in that state."""
    disk = SmallDisk(world.ground.new_folder("disk"), _DISK_MB)
    try:
        disk.mount()
    except NoSmallDisk as error:
        raise TrialSkipped(str(error)) from error
    world.at_the_end(disk.unmount)
    store = await own_store(world, disk.path)
    worker = world.start_worker()
    world.start_playing()
    await world.until(chance.uniform(0.05, 0.6))
    disk.fill()
    await world.until_true(lambda: _is(worker.said("MISCONF")), "the full disk was not felt")
    await asyncio.sleep(chance.uniform(0.5, 3.0))
    if chance.random() < 0.4:
        store.kill()
        disk.make_room()
        store.start()
        world.notes.append("and killed")
    disk.make_room()


async def _is(true: object) -> bool:
    return bool(true)


# -- W11: clocks ---------------------------------------------------------------------------------
async def workers_clock_jumps(world: World, chance: Random) -> None:
    """Its wall clock is an hour off, and jumps between the two sides and the truth."""
    clock = WrongClock(world.folder)
    clock.set(chance.choice((-_HOUR_S, 0, _HOUR_S)))
    with _environment(clock.for_python()):
        world.start_worker()
    world.start_playing()
    for share in sorted(chance.uniform(0.05, 0.9) for _ in range(3)):
        await world.until(share)
        clock.set(chance.choice((-_HOUR_S, -60, 0, 60, _HOUR_S)))
        if chance.random() < 0.3:
            world.workers[-1].kill()
            with _environment(clock.for_python()):
                world.start_worker()


async def stores_clock_jumps(world: World, chance: Random) -> None:
    """The store's, by which leases end."""
    clock = WrongClock(world.folder)
    try:
        environment = clock.for_programs()
    except NoFaketime as error:
        raise TrialSkipped(str(error)) from error
    world.store.stop()
    with _environment(environment):
        world.store.start()
    world.start_worker()
    world.start_worker()
    world.start_playing()
    for share in sorted(chance.uniform(0.05, 0.9) for _ in range(3)):
        await world.until(share)
        clock.set(chance.choice((-_HOUR_S, -60, 0, 60, _HOUR_S)))


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    """What is started meanwhile has these variables as well."""
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


# -- RD5: two stores -----------------------------------------------------------------------------
async def split_brain(world: World, chance: Random) -> None:
    """A replica is promoted while a worker goes on with the old primary for seconds; then that one must follow."""
    near = await proxied_store(world)
    far = ChaosProxy(lambda: new.port)
    far.start()
    world.at_the_end(far.close)
    old, new = world.store, Store(world.ground.new_folder("replica"))
    new.start()
    world.at_the_end(new.stop)
    await _replicate(world, old, new)
    world.start_worker()
    world.start_playing(7.0)
    await world.until(chance.uniform(0.05, 0.5))
    async with Redis(port=new.port) as promoted:
        await promoted.execute_command("REPLICAOF", "NO", "ONE")
        if chance.random() < 0.7:  # one that knows the new primary already
            world.start_worker(redis=f"redis://{far.address}/0")
        await asyncio.sleep(chance.uniform(1.0, 5.0))
        async with Redis(port=old.port) as demoted:
            lost = (await demoted.info("stats"))["total_commands_processed"]
            await demoted.execute_command("REPLICAOF", "127.0.0.1", new.port)
    world.notes.append(f"{lost:,} commands at the old primary")
    await ask_store(world, new)
    world.at_the_end(old.stop)
    near.reset()


async def _replicate(world: World, old: Store, new: Store) -> None:
    async with Redis(port=old.port) as primary, Redis(port=new.port) as replica:
        await primary.config_set("repl-diskless-sync-delay", 0)
        await replica.execute_command("REPLICAOF", "127.0.0.1", old.port)

        async def linked() -> bool:
            return (await replica.info("replication")).get("master_link_status") == "up"

        await world.until_true(linked, "the replica did not come up")


FAULTS = (
    Fault("split-brain", "RD5", "a replica is promoted while the old primary is still written to", split_brain),
    Fault("out-of-memory", "W10", "a worker gets no more memory", out_of_memory),
    Fault("full-disk", "RD8", "the store's disk is full for seconds", full_disk),
    Fault("clock-jumps", "W11", "a worker's wall clock jumps by up to two hours", workers_clock_jumps),
    Fault("store-clock-jumps", "W11", "the store's wall clock jumps by up to two hours", stores_clock_jumps),
)
