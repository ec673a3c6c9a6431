"""Worker processes that die, stop, come and go (W1 to W8)."""

from __future__ import annotations

import asyncio
from random import Random

from tests.chaos.trial import Fault
from tests.chaos.world import World


async def kill_at_random(world: World, chance: Random) -> None:
    """kill -9 at any moment, once or twice."""
    world.start_worker()
    world.start_playing()
    for share in sorted(chance.uniform(0.05, 0.95) for _ in range(chance.choice((1, 1, 2)))):
        await world.until(share)
        await asyncio.sleep(chance.uniform(0.0, 0.2))
        world.living[-1].kill()
        world.start_worker()


FAULTS = (Fault("kill", "W1", "kill -9 of the worker at any moment", kill_at_random),)
