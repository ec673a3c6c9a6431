"""Connections to broker and store that break, crawl, fall silent, or lose just the answer (K3, K4, K5, K11, RD6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from streams.errors import WorkerStuck
from streams.scripts import BYTES, lua_script
from streams.topics import Topics
from tests.chaos.devices.proxy import ChaosProxy, Weather
from tests.chaos.devices.rewriting import group_forbidden
from tests.chaos.devices.taps import LIST_OFFSETS, PRODUCE, AtRequest, Nth, watch_kafka, watch_redis
from tests.chaos.stage import proxied_broker, proxied_store
from tests.chaos.trial import Fault, Strike
from tests.chaos.workers import TrialFailed
from tests.chaos.world import World

Trouble = Callable[[ChaosProxy, Random], Awaitable[None]]


# -- K4: whatever a network does -------------------------------------------------------------------
async def cut(proxy: ChaosProxy, chance: Random) -> None:
    """Every connection is broken, several times; sometimes nobody can connect for a while."""
    for _ in range(chance.randint(2, 5)):
        proxy.reset()
        proxy.weather = Weather(refuse=chance.random() < 0.5)
        await asyncio.sleep(chance.uniform(0.05, 1.0))
        proxy.clear()
        await asyncio.sleep(chance.uniform(0.05, 0.5))


async def slow(proxy: ChaosProxy, chance: Random) -> None:
    """Each block of bytes is late, or few come in a second."""
    late = Weather(latency_s=chance.uniform(0.05, 0.4))
    proxy.weather = chance.choice((late, Weather(bytes_per_s=chance.randint(30_000, 300_000))))
    await asyncio.sleep(chance.uniform(2.0, 5.0))
    proxy.weather = Weather()


async def half_open(proxy: ChaosProxy, chance: Random) -> None:
    """Connections look alive while bytes are lost in one direction or both, then break; or one side is closed."""
    if chance.random() < 0.3:
        proxy.end_replies()
        return
    lost = chance.choice(((True, False), (False, True), (True, True)))
    proxy.weather = Weather(lose_requests=lost[0], lose_replies=lost[1])
    await asyncio.sleep(chance.uniform(1.0, 8.0))
    proxy.clear()


def on_the_way_to(which: str, trouble: Trouble) -> Strike:
    """Trouble in mid-stream between worker (and player) and the broker, or the store."""

    async def strike(world: World, chance: Random) -> None:
        proxy = (await proxied_broker(world))[1] if which == "broker" else await proxied_store(world)
        world.start_worker()
        world.start_playing()
        await world.until(chance.uniform(0.05, 0.8))
        await trouble(proxy, chance)

    return strike


# -- K3: the broker falls silent while partitions are opened ---------------------------------------
async def silent_at_the_seek(world: World, chance: Random) -> None:
    """The worker must end itself (Faust would stay, alive and idle, for ever) and go on when started again."""
    _, proxy = await proxied_broker(world)
    if chance.random() < 0.5:  # the first opening, or one after something was settled
        world.start_worker()
        await world.send(world.records[:500])
        world.records = world.records[500:]
        await world.until_true(lambda: _settled(world, 500), "nothing was settled")
        world.workers[-1].kill()
    proxy.tap = lambda: AtRequest(LIST_OFFSETS, proxy.cut_off)
    worker = world.start_worker()
    worker.expected_to_end = True
    code = await worker.ended(75.0)
    if code != WorkerStuck.exit_code:
        raise TrialFailed(f"the worker did not end itself but {code}: {worker.said('')[-2:]}")
    proxy.tap = None
    proxy.clear()
    world.start_playing()


async def _settled(world: World, records: int) -> bool:
    fences = await world.fences()
    return sum(min(each.next for each in of_shards) for of_shards in fences.values()) >= records


# -- K5, RD6: done, and not answered ----------------------------------------------------------------
async def produce_unanswered(world: World, chance: Random) -> None:
    """The broker has appended what was produced, and its answer is lost: the producer sends it again."""
    _, proxy = await proxied_broker(world)
    nth = Nth(*(chance.randint(2, 60) for _ in range(4)))
    proxy.tap = watch_kafka(PRODUCE, nth)
    world.start_worker()
    world.start_playing()
    await world.played()
    await _must_have_cut(world, nth)


async def alerts_unanswered(world: World, chance: Random) -> None:
    """The same for the alerts alone."""
    _, proxy = await proxied_broker(world)
    nth = Nth(*(chance.randint(1, 8) for _ in range(3)))
    proxy.tap = watch_kafka(PRODUCE, nth, Topics(world.settings.topic_prefix).alerts.encode())
    world.start_worker()
    world.start_playing()
    await world.played()
    await world.until(1.0)
    await world.until_true(world.idle, "the alerts were not published")
    await _must_have_cut(world, nth)


async def settle_unanswered(world: World, chance: Random) -> None:
    """Redis has settled, and its answer is lost: the worker settles the same again."""
    proxy = await proxied_store(world)
    nth = Nth(*(chance.randint(1, 40) for _ in range(5)))
    mark = lua_script(world.redis, "streams.tally", "settle", behind=[BYTES]).sha.encode()
    proxy.tap = watch_redis(mark, nth)
    world.start_worker()
    world.start_playing()
    await world.until(1.0)
    await _must_have_cut(world, nth)


async def _must_have_cut(world: World, nth: Nth) -> None:
    if not nth.cut:
        raise TrialFailed(f"no answer was kept back, {nth.seen} requests were seen")
    world.notes.append(f"{nth.cut} answers lost")


# -- K11: a right that is taken away ------------------------------------------------------------------
async def forbidden(world: World, chance: Random) -> None:
    """The group may not be read any more: the process must end, not wait; with the right back it goes on."""
    _, proxy = await proxied_broker(world)
    worker = world.start_worker()
    world.start_playing()
    await world.until(chance.uniform(0.05, 0.5))
    worker.expected_to_end = True
    proxy.tap = group_forbidden
    proxy.reset()
    if not await worker.ended(40.0):
        raise TrialFailed(f"the worker did not end with an error: {worker.process.poll()} {worker.said('')[-2:]}")
    proxy.tap = None
    proxy.reset()
    world.start_worker()


FAULTS = (
    Fault("broker-silent-at-seek", "K3", "the broker falls silent while partitions are opened", silent_at_the_seek),
    Fault("broker-cut", "K4", "connections to the broker break, several times", on_the_way_to("broker", cut)),
    Fault("broker-slow", "K4", "the way to the broker is slow", on_the_way_to("broker", slow)),
    Fault("broker-half-open", "K4", "connections to the broker lose bytes", on_the_way_to("broker", half_open)),
    Fault("store-connection-cut", "RD6", "connections to Redis break, several times", on_the_way_to("store", cut)),
    Fault("store-connection-slow", "RD6", "the way to Redis is slow", on_the_way_to("store", slow)),
    Fault("store-half-open", "RD6", "connections to Redis lose bytes", on_the_way_to("store", half_open)),
    Fault("produce-unanswered", "K5", "produced, and the answer lost: sent again", produce_unanswered),
    Fault("alerts-unanswered", "K5", "alerts published, and the answer lost", alerts_unanswered),
    Fault("group-forbidden", "K11", "the right to the group is taken away in mid-stream", forbidden),
    Fault("settle-unanswered", "RD6", "a chunk settled, and the answer lost", settle_unanswered),
)
