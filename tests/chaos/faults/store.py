"""A store that is killed, goes back, is emptied, refuses, stalls or is damaged (RD1 to RD11, A3)."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random

from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.lab.servers import Store
from tests.chaos.trial import Fault
from tests.chaos.workers import TrialFailed, Worker
from tests.chaos.world import World

#: bytes at the end of the append-only file that a power loss takes with it, at most: about the last second
_LOST_BYTES = 400_000
#: codes with which a worker refuses to go on: it must not be started again before somebody has looked
_REFUSED = 78


# -- gone and back -------------------------------------------------------------------------------
async def killed(world: World, chance: Random) -> None:
    """kill -9 and a restart with everything that was written."""
    await _streaming(world, chance.uniform(0.05, 0.9))
    world.store.kill()
    await asyncio.sleep(chance.uniform(0.0, 2.0))
    world.store.start()


async def away(world: World, chance: Random) -> None:
    """Away for much longer than a session: nobody must leave the group for that."""
    worker = await _streaming(world, chance.uniform(0.05, 0.9))
    world.store.kill()
    await asyncio.sleep(world.settings.session_s * chance.uniform(2.0, 3.5))
    world.store.start()
    await world.until(1.0)
    if len(worker.said(" partitions: ")) > 1:
        raise TrialFailed("the worker left its group because Redis was away")


async def tail_cut(world: World, chance: Random) -> None:
    """A power loss: the append-only file ends at any byte of its last part."""
    await _streaming(world, chance.uniform(0.2, 0.95))
    world.store.kill()
    log = max(_data(world.store).glob("*.incr.aof"), key=lambda path: path.stat().st_mtime)
    cut = chance.randint(1, min(_LOST_BYTES, log.stat().st_size // 2))
    os.truncate(log, log.stat().st_size - cut)
    world.store.start()
    world.notes.append(f"{cut:,} bytes cut")


async def gone_back(world: World, chance: Random) -> None:
    """Restored from a copy of its files as they were some time before."""
    share = chance.uniform(0.05, 0.5)
    await _streaming(world, share)
    await asyncio.to_thread(_copy, world)
    await world.until(share + chance.uniform(0.1, 0.4))
    await asyncio.sleep(chance.uniform(0.0, 0.3))
    await _restore(world)


async def gone_back_after_alerts(world: World, chance: Random) -> None:
    """The same, once alerts have been published that the copy knows nothing of."""
    await _streaming(world, chance.uniform(0.05, 0.2))
    await asyncio.to_thread(_copy, world)
    await world.played()
    await world.until(1.0)
    await world.until_true(world.idle, "the alerts were not published")
    await _restore(world)


def _data(store: Store) -> Path:
    return store.directory / "appendonlydir"


def _copy(world: World) -> None:
    shutil.copytree(_data(world.store), world.folder / "backup")


async def _restore(world: World) -> None:
    world.store.kill()
    shutil.rmtree(_data(world.store))
    shutil.move(world.folder / "backup", _data(world.store))
    world.store.start()


async def emptied(world: World, chance: Random) -> None:
    """FLUSHALL, and again in a lull half of the times."""
    await _streaming(world, chance.uniform(0.1, 0.9))
    await world.redis.flushall()
    if chance.random() < 0.5:
        await world.played()
        await world.until(1.0)
        await world.redis.flushall()


async def failed_over(world: World, chance: Random) -> None:
    """A replica takes over that had lost touch some time before; what went to the old primary meanwhile is gone."""
    replica = Store(world.ground.new_folder("replica"))
    replica.start()
    world.at_the_end(replica.stop)
    await world.redis.config_set("repl-diskless-sync-delay", 0)
    other = Redis(port=replica.port)
    await other.execute_command("REPLICAOF", "127.0.0.1", world.store.port)
    await _streaming(world, chance.uniform(0.05, 0.6))
    await world.until_true(lambda: _linked(other), "the replica did not come up")
    await other.execute_command("REPLICAOF", "NO", "ONE")
    await asyncio.sleep(chance.uniform(0.0, 1.5))
    world.store.kill()
    await other.config_set("port", str(world.store.port))
    await other.aclose()


async def _linked(replica: Redis) -> bool:
    return bool((await replica.info("replication"))["master_link_status"] == "up")


# -- refusing and slow ---------------------------------------------------------------------------
async def forgets_scripts(world: World, chance: Random) -> None:
    """SCRIPT FLUSH again and again: what is called by its hash is not there."""
    await _streaming(world, chance.uniform(0.0, 0.2))
    while not world.done_playing:
        await world.redis.script_flush()
        await asyncio.sleep(chance.uniform(0.0, 0.02))


async def full(world: World, chance: Random) -> None:
    """maxmemory is reached: writes are refused, nothing is evicted."""
    await _refusing(world, chance, ("CONFIG", "SET", "maxmemory", "1mb"), ("CONFIG", "SET", "maxmemory", "0"))


async def read_only(world: World, chance: Random) -> None:
    """It was made a replica of somebody who is not there: reads are answered, writes refused."""
    await _refusing(world, chance, ("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"))


async def without_replicas(world: World, chance: Random) -> None:
    """It wants a replica before it takes a write, and has none."""
    name = "min-replicas-to-write"
    await _refusing(world, chance, ("CONFIG", "SET", name, "1"), ("CONFIG", "SET", name, "0"))


async def _refusing(world: World, chance: Random, refuse: tuple[str, ...], accept: tuple[str, ...]) -> None:
    worker, rest = await _played_a_part(world, chance)
    await world.redis.execute_command(*refuse)
    rest()
    await world.until_true(lambda: _has_said(worker, "Redis does not take it"), "no write was refused")
    await asyncio.sleep(chance.uniform(0.0, 2.0))
    await world.redis.execute_command(*accept)


async def _has_said(worker: Worker, words: str) -> bool:
    return bool(worker.said(words))


async def slow(world: World, chance: Random) -> None:
    """It pauses again and again, its clients or all of it."""
    await _streaming(world, chance.uniform(0.0, 0.2))
    while not world.done_playing:
        pause_s = chance.uniform(0.05, 1.2)
        if chance.random() < 0.5:
            await world.redis.execute_command("CLIENT", "PAUSE", int(pause_s * 1000), "ALL")
        else:
            os.kill(world.store.pid, signal.SIGSTOP)
            await asyncio.sleep(pause_s)
            os.kill(world.store.pid, signal.SIGCONT)
        await asyncio.sleep(chance.uniform(0.0, 0.3))


async def busy(world: World, chance: Random) -> None:
    """A script of somebody else's holds it for seconds: BUSY to everybody."""
    await _streaming(world, chance.uniform(0.05, 0.7))
    await world.redis.config_set("busy-reply-threshold", 50)
    endless = asyncio.create_task(_endless(world))
    await asyncio.sleep(chance.uniform(0.5, 3.0))
    _, writer = await asyncio.open_connection("127.0.0.1", world.store.port)  # a client's first words would be refused
    while not endless.done():
        writer.write(b"SCRIPT KILL\r\n")
        await asyncio.wait({endless}, timeout=0.5)
    writer.close()
    await endless
    await world.until_true(partial(world.redis.config_set, "busy-reply-threshold", 5_000), "it is still busy")


async def _endless(world: World) -> None:
    async with world.another_client() as client:
        try:
            await client.eval("while true do end", 0)
        except RedisError as error:
            if "killed" not in str(error):
                raise


# -- damaged -------------------------------------------------------------------------------------
async def of_another_type(world: World, chance: Random) -> None:
    """A tally is a string of a sudden: the worker must stop, and go on where it was once that is mended."""
    async with _stops_loudly(world, chance) as tally:
        await world.redis.rename(tally, "aside")
        await world.redis.set(tally, "spoilt")
    await world.redis.rename("aside", tally)
    world.start_worker()


async def overflowing(world: World, chance: Random) -> None:
    """A sum of a tally has no room left; the undo must take back what was added before it."""
    async with _stops_loudly(world, chance) as tally:
        was = await world.redis.hgetall(tally)
        await world.redis.hset(tally, mapping={field: str(2**63 - 1) for field in was})
    await world.redis.hset(tally, mapping=was)
    world.start_worker()


@asynccontextmanager
async def _stops_loudly(world: World, chance: Random) -> AsyncIterator[bytes]:
    """In between, in a lull, the tally that is given is damaged: that of the day in which most was sold."""
    _, rest = await _played_a_part(world, chance)
    days = [key async for key in world.redis.scan_iter(match=f"{world.settings.group}:*hours:platform:*:all")]
    sizes = {key: await world.redis.hlen(key) for key in days}
    yield max(days, key=lambda day: sizes[day])
    rest()
    await _until_refused(world)


async def right_taken(world: World, chance: Random) -> None:
    """The user loses the right to a command in mid-stream, and gets it back."""
    command = chance.choice(("hincrby", "pfadd", "evalsha", "hset", "zadd"))
    world.notes.append(f"without {command}")
    _, rest = await _played_a_part(world, chance)
    await world.redis.execute_command("ACL", "SETUSER", "default", f"-{command}")
    rest()
    await _until_refused(world)
    await world.redis.execute_command("ACL", "SETUSER", "default", f"+{command}")
    world.start_worker()


async def _until_refused(world: World) -> None:
    """The worker stops by itself with the code for "look first", and says why in a line."""
    worker = world.workers[-1]
    code = await worker.ended(30.0)
    if code != _REFUSED:
        raise TrialFailed(f"the worker should have stopped with {_REFUSED}, not {code}: {worker.said('')[-2:]}")
    if not (worker.said("hightide: ") or worker.said(" error ")):
        raise TrialFailed("the worker did not say why it stopped")
    worker.expected_to_end = True


async def evicting(world: World, chance: Random) -> None:
    """The store may evict keys by now: a worker that starts refuses to."""
    await _streaming(world, chance.uniform(0.05, 0.7))
    await world.redis.config_set("maxmemory-policy", chance.choice(("allkeys-lru", "allkeys-random")))
    world.workers[-1].kill()
    world.start_worker()
    await _until_refused(world)
    await world.redis.config_set("maxmemory-policy", "noeviction")
    world.start_worker()


# -- common --------------------------------------------------------------------------------------
async def _streaming(world: World, share: float) -> Worker:
    """A worker and the player, and so much of the market settled."""
    worker = world.start_worker()
    world.start_playing()
    await world.until(share)
    return worker


async def _played_a_part(world: World, chance: Random) -> tuple[Worker, Callable[[], None]]:
    """A worker, a part of the market settled, and what begins to play the rest: work that is sure to meet the fault."""
    worker, share = world.start_worker(), chance.uniform(0.3, 0.6)
    world.start_playing(2.0, end=share)
    await world.played()
    await world.until(share)
    return worker, partial(world.start_playing, 3.0, begin=share)


FAULTS = (
    Fault("store-kill", "RD1", "Redis killed and restarted", killed),
    Fault("store-away", "RD11", "Redis away for several sessions of the group", away),
    Fault("store-cut", "RD2", "Redis killed, its append-only file cut at any byte", tail_cut),
    Fault("store-back", "RD3", "Redis restored from an older copy of its files", gone_back),
    Fault("store-back-alerts", "A3", "Redis restored from before alerts that are published", gone_back_after_alerts),
    Fault("store-empty", "RD4", "Redis emptied, in mid-stream and in a lull", emptied),
    Fault("failover", "RD5", "a replica that lost touch takes over", failed_over),
    Fault("script-flush", "RD7", "SCRIPT FLUSH some hundred times", forgets_scripts),
    Fault("store-full", "RD8", "Redis out of memory", full),
    Fault("store-read-only", "RD8", "Redis is a replica for some time", read_only),
    Fault("store-no-replicas", "RD8", "Redis misses its replicas", without_replicas),
    Fault("store-busy", "RD8", "Redis runs somebody's endless script", busy),
    Fault("store-slow", "RD8", "Redis pauses again and again", slow),
    Fault("wrong-type", "RD9", "a tally of another type: a loud stop, nothing half-written", of_another_type),
    Fault("overflow", "RD9", "a sum without room: a loud stop, nothing half-written", overflowing),
    Fault("right-taken", "RD9", "a right taken away: a loud stop, nothing half-written", right_taken),
    Fault("eviction", "RD10", "a Redis that may evict: a new worker refuses to start", evicting),
)
