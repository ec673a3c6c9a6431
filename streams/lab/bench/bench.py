"""One bench: the topic filled once, then every arm in turn, round after round, because machines drift."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from streams.lab.bench.ground import Ground, fill
from streams.lab.bench.machine import machine
from streams.lab.bench.measured import WORKER, Measured
from streams.lab.bench.profile import Profile
from streams.lab.bench.report import ArmResult, Report
from streams.lab.bench.servers import Place
from streams.lab.bench.table import Arm
from streams.lab.bench.usage import check_proc
from streams.lab.progress import Progress


class Plan(NamedTuple):
    """What to run: `events` made with `seed`, `runs` counted runs of every arm after `warm_ups` that are not.

    `audit`: what the last run of a worker leaves is audited.
    """

    profile: Profile
    seed: int
    events: int
    runs: int
    warm_ups: int
    arms: list[Arm]
    audit: bool = True


async def bench(plan: Plan, place: Place) -> Report:
    """Fill the topic of `place`, run everything, and take away again what was put there.

    Raises `TalliesWrong` if a run of ours did not count right, `Expected` for all that a user can mend.
    """
    check_proc()
    settings, before = place.settings, machine()
    async with place.cleared():
        totals = await fill(settings, plan.profile, plan.seed, plan.events)
        ground = Ground(settings, totals, place.processes, place.folder)
        results = await _rounds(plan, ground)
    return Report(
        machine=before,
        measured_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        profile=plan.profile.facts(),
        seed=plan.seed,
        events=plan.events,
        event_bytes=totals.bytes / totals.events,
        partitions=settings.partitions,
        chunk_records=settings.chunk_records,
        arms=results,
    )


async def _rounds(plan: Plan, ground: Ground) -> list[ArmResult]:
    rounds = plan.warm_ups + plan.runs
    runs: dict[str, list[Measured]] = {arm.name: [] for arm in plan.arms}
    progress = Progress("runs", rounds * len(plan.arms))
    for number in range(rounds):
        for at, arm in enumerate(plan.arms):
            round_name = "warm-up" if number < plan.warm_ups else f"run {number - plan.warm_ups + 1} of {plan.runs}"
            progress.at(number * len(plan.arms) + at, f"{arm.name}, {round_name}")
            _stop_if_told()
            run = await arm.run(replace(ground, audit=plan.audit and number == rounds - 1))
            progress.clear()
            print(f"{arm.name}, {round_name}: {_said(run)}", file=sys.stderr, flush=True)
            if number >= plan.warm_ups:
                runs[arm.name].append(run)
    progress.clear()
    return [ArmResult(arm.name, runs[arm.name]) for arm in plan.arms]


def _stop_if_told() -> None:
    """Ctrl-C cancels us, and aiokafka's clients swallow that while they close: ask again what was swallowed."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _said(run: Measured) -> str:
    return f"{run.events_per_s:,.0f} events/s, {run.cpu_us_per_event(WORKER):.2f} us CPU an event"
