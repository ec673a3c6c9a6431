"""What some faults put in the place of the broker or the store of a world: one that lasts, one behind a proxy."""

from __future__ import annotations

from pathlib import Path

from streams.connect import redis_client
from streams.lab.servers import Broker, Store
from streams.topic_admin import ensure_topics, simulated_topics
from tests.chaos.devices.proxy import ChaosProxy
from tests.chaos.world import World


async def own_broker(world: World, kind: type[Broker] = Broker) -> Broker:
    """A broker of the trial's own, with its topics, in the place of the shared one."""
    broker = kind(world.ground.new_folder("broker"))
    broker.start()
    world.at_the_end(broker.stop)
    await world.use_broker(broker)
    return broker


async def proxied_broker(world: World, kind: type[Broker] = Broker) -> tuple[Broker, ChaosProxy]:
    """The same behind a proxy: clients learn the proxy's address and no other."""
    proxy = ChaosProxy(lambda: broker.port)
    proxy.start()
    world.at_the_end(proxy.close)
    broker = kind(world.ground.new_folder("broker"), advertised=proxy.address)
    broker.start()
    world.at_the_end(broker.stop)
    await world.use_addresses(kafka=proxy.address)
    await ensure_topics(world.settings, simulated_topics(world.settings))
    return broker, proxy


async def proxied_store(world: World) -> ChaosProxy:
    """A proxy before the store, for workers; the trial itself goes on to ask the store directly."""
    proxy = ChaosProxy(lambda: world.store.port)
    proxy.start()
    world.at_the_end(proxy.close)
    await world.use_addresses(redis=f"redis://{proxy.address}/0")
    return proxy


async def own_store(world: World, folder: Path) -> Store:
    """A store with its files in `folder`, in the place of the one that there is."""
    store = Store(folder)
    store.start()
    world.at_the_end(store.stop)
    world.store.stop()
    await ask_store(world, store)
    await world.use_addresses(redis=f"redis://{store.address}/0")
    return store


async def ask_store(world: World, store: Store) -> None:
    """From now on, the trial asks this store; what workers use is in the settings."""
    await world.redis.aclose()
    world.store = store
    before = world.settings
    await world.use_addresses(redis=f"redis://{store.address}/0")
    world.redis = redis_client(world.settings)
    await world.use_addresses(redis=before.redis)
