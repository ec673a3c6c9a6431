"""How long a kill -9 is felt: from the kill to the first tally of the worker started in its place, step by step."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from statistics import median

from streams.lab.processes import settled_records
from streams.settings import Settings
from tests.chaos.ground import Ground, ground
from tests.chaos.workers import TrialFailed, Worker
from tests.chaos.world import World, world_of

#: the player goes on for as long as a restart may take
_PLAY_S = 40.0
#: what ends a step, in the new worker's log at level debug
_STEPS = (
    ("process, imports, checks of both servers", "TablelessApp]: Starting"),
    ("Faust, until it asks for the group", "(Re-)joining group"),
    ("the group lets it in (the dead one's session)", "Successfully synced group"),
    ("partitions opened by their fences", " partitions: "),
)
_LAST = "resend memory read again, first settle"
_STARTS = re.compile(r"(\S+)/(\d+) from (\d+)")


@dataclass(frozen=True, slots=True)
class Restart:
    """Seconds of every step, in their order, and how many records were read again for the resend memory."""

    steps: dict[str, float]
    read_again: int

    @property
    def total_s(self) -> float:
        """From the kill to the first tally."""
        return sum(self.steps.values())


def restarts(count: int, folder: Path) -> list[Restart]:
    """Measure so many, one after the other, with the session that is the default."""
    with ground(folder) as on:
        return [asyncio.run(_restart(on, number)) for number in range(count)]


async def _restart(on: Ground, number: int) -> Restart:
    changes = {"session_s": Settings().session_s, "chunk_records": Settings().chunk_records, "shards": 1}
    async with world_of(on, Random(number), **changes) as world:
        killed = world.start_worker()
        world.start_playing(_PLAY_S)
        await world.until(0.3)
        before = {place: each[0].next for place, each in (await world.fences()).items()}
        killed.kill()
        await killed.ended(5.0)
        at_s, stood_at = time.time(), await settled_records(world.redis, world.settings)
        worker = world.start_worker(log_level="debug")
        await _until_more(world, stood_at)
        return _read(worker, at_s, time.time(), before)


async def _until_more(world: World, than: int) -> None:
    async with asyncio.timeout(60):
        while await settled_records(world.redis, world.settings) <= than:  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.005)


def _read(worker: Worker, from_s: float, to_s: float, fences: dict[tuple[str, int], int]) -> Restart:
    steps, at_s = {}, from_s
    for name, words in _STEPS:
        said = worker.said(words)
        if not said:
            raise TrialFailed(f"the worker never said {words!r}")
        said_s = datetime.fromisoformat(said[0].split(" ", 1)[0]).timestamp()
        steps[name], at_s = said_s - at_s, said_s
    steps[_LAST] = to_s - at_s
    starts = _STARTS.findall(worker.said(" partitions: ")[0])
    again = sum(max(0, fences.get((topic, int(number)), 0) - int(start)) for topic, number, start in starts)
    return Restart(steps, again)


def render(measured: Sequence[Restart]) -> list[str]:
    """The median and the worst of every step, and of the whole."""
    rows = [(name, [each.steps[name] for each in measured]) for name in measured[0].steps]
    rows.append(("from kill -9 to the first tally", [each.total_s for each in measured]))
    width = max(len(name) for name, _ in rows)
    lines = [f"{'':{width}}  median s  worst s"]
    lines += [f"{name:{width}}  {median(seconds):8.2f}  {max(seconds):7.2f}" for name, seconds in rows]
    again = sorted(each.read_again for each in measured)
    return [
        *lines,
        f"{len(measured)} restarts; records read again: {median(again):.0f} in the median, {again[-1]} at most",
    ]
