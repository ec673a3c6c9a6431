"""A topic that gets more partitions under running workers (K9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

from streams.topics import Topics
from tests.chaos.devices.durable import DurableBroker
from tests.chaos.stage import own_broker
from tests.chaos.trial import Fault
from tests.chaos.workers import TrialFailed
from tests.chaos.world import World


async def more_partitions(world: World, chance: Random) -> None:
    """The orders get more partitions: the new ones are read from their beginning, and whoever looks is told.

    Where a key goes changes with it, so copies and refunds behind that are judged without what came before.
    """
    broker = await own_broker(world, DurableBroker)
    world.start_worker()
    share = chance.uniform(0.2, 0.7)
    world.start_playing(2.0, end=share)
    await world.played()
    await world.until(share * 0.9)
    more = world.settings.partitions + chance.randint(1, 3)
    await asyncio.to_thread(broker.add_partitions, Topics(world.settings.topic_prefix).orders, more)
    world.settings = replace(world.settings, partitions=more)
    # A worker that goes on hears of it within half a minute and joins anew. Kafka then deals all partitions; here a
    # group stays as it was while its members are the same, so another worker takes over.
    world.workers[-1].kill()
    world.start_worker()
    world.start_playing(3.0, begin=share)
    await world.played()
    await world.until(1.0)
    if not any(worker.said("has more partitions than before") for worker in world.workers):
        raise TrialFailed("no worker said that there are more partitions")
    world.notes.append(f"{more} partitions")


FAULTS = (Fault("more-partitions", "K9", "the orders get more partitions in mid-stream", more_partitions),)
