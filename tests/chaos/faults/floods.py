"""Too much of what should be little: copies, disorder, rubbish; and chunks cut at every place (D1, D3, D4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from streams.lab.simulator.planned import Planned
from tests.chaos.records import reordered, with_broken, with_copies
from tests.chaos.trial import Fault, Strike
from tests.chaos.world import World

Change = Callable[[Sequence[Planned], Random], list[Planned]]


def flood(change: Change) -> Strike:
    """Play the market so changed, with a kill in its middle."""

    async def strike(world: World, chance: Random) -> None:
        world.records = change(world.records, chance)
        world.start_worker()
        world.start_playing()
        await world.until(chance.uniform(0.1, 0.9))
        world.workers[-1].kill()
        world.start_worker()

    return strike


async def cut_everywhere(world: World, chance: Random) -> None:
    """Workers with other chunk sizes, down to one record, follow each other; what one began the next ends."""
    world.records = world.records[: len(world.records) // 3]
    world.start_playing()
    for share in (0.1, 0.3):
        world.start_worker(chunk_records=chance.choice((1, 2, 3, 5, 7)))
        await world.until(share)
        world.workers[-1].kill()
    world.start_worker(chunk_records=chance.randint(1, 30))


FAULTS = (
    Fault("copies", "D3", "half of all records again, up to four times, and a kill", flood(
        lambda records, chance: with_copies(records, 0.5, chance))),
    Fault("disorder", "D4", "records out of order by ten minutes either way, and a kill", flood(reordered)),
    Fault("rubbish", "D1", "a fifth of all records broken in every way, and a kill", flood(with_broken)),
    Fault("tiny-chunks", "W2", "chunks of 1 to 30 records, cut elsewhere by each worker", cut_everywhere),
)  # fmt: skip
