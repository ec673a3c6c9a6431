"""A fault, a trial of it, and what came out."""

from __future__ import annotations

import asyncio
import shutil
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from streams.errors import Expected
from tests.chaos.ground import Ground
from tests.chaos.measure import Outcome, outcome_of
from tests.chaos.workers import TrialFailed, TrialSkipped
from tests.chaos.world import World, now_s, world_of

#: a trial that takes longer than this has failed
WITHIN_S = 180.0

Strike = Callable[[World, Random], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`row` is the row of the matrix of faults that it belongs to; `says` is one line for people.

    `strike(world, chance)` starts workers and player and does the damage; when it returns, the fault is over, and the
    trial waits for the end. `settings` are other than those of trials. Everything by `chance` follows from the seed.
    """

    name: str
    row: str
    says: str
    strike: Strike
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Result:
    """One trial. `failed` says what was wrong, empty is good; `skipped` why there was none on this machine."""

    fault: str
    seed: int
    outcome: Outcome = field(default_factory=Outcome)
    took_s: float = 0.0
    notes: list[str] = field(default_factory=list)
    failed: str = ""
    skipped: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled or otherwise different, and the fault was seen to strike."""
        return not self.failed and not self.skipped


async def run_trial(ground: Ground, fault: Fault, seed: int, keep: Path | None = None) -> Result:
    """One trial, whatever happens in it. Logs of a failed one are kept in `keep`."""
    result, chance, began = Result(fault.name, seed), Random(f"{fault.name}/{seed}"), now_s()
    try:
        async with asyncio.timeout(WITHIN_S), world_of(ground, chance, **fault.settings) as world:
            result.notes = world.notes
            try:
                await fault.strike(world, chance)
                result.outcome = await outcome_of(world)
                result.failed = "; ".join(result.outcome.differences[:3])
            except TrialSkipped as skipped:
                result.skipped = str(skipped)
            except (TrialFailed, Expected, TimeoutError, OSError) as error:
                result.failed = f"{type(error).__name__}: {error}"
            if result.failed and keep is not None:
                await world.close()
                shutil.copytree(world.folder, keep / f"{fault.name}-{seed}", dirs_exist_ok=True)
    except TimeoutError:
        result.failed = f"the trial took longer than {WITHIN_S:.0f} s"
    except Exception:  # a fault of the rig or of ours, one trial of many: it is told with its seed, and the rest go on
        result.failed = traceback.format_exc(limit=-8)
    result.took_s = now_s() - began
    return result
