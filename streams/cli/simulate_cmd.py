"""`hightide simulate`: play a scenario into Kafka, and write down what a correct run must end in."""

import argparse
import asyncio
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from streams.cli.start import seconds, settings_and_log

if TYPE_CHECKING:
    from streams.lab.simulator.catalogue import Scenario
    from streams.lab.simulator.clusters import Size
    from streams.lab.simulator.planned import Planned
    from streams.lab.simulator.run import Run
    from streams.settings import Settings


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `simulate`."""
    parser = subparsers.add_parser(
        "simulate",
        help="play a seeded scenario into Kafka",
        description="Plays a scenario into the topics orders and live-sessions; the same seed gives the same bytes. "
        "Topics that are missing are made. With --truth the topics must be empty before.",
    )
    parser.add_argument("scenario", metavar="SCENARIO", nargs="?", type=scenario, help="which one; --list names them")
    parser.add_argument("--list", action="store_true", help="name the scenarios")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, another run (default 1)")
    parser.add_argument(
        "--speed", type=speed, default=None, metavar="X", help="seconds of the scenario a second, or max (the default)"
    )
    parser.add_argument("--rate", type=rate, metavar="R", help="clusters: orders a second on average (default 20)")
    parser.add_argument("--hours", type=hours, metavar="H", help="clusters: the last H hours of the day (default 24)")
    parser.add_argument(
        "--truth", type=new_file, metavar="FILE", help="write every tally, ranking and alert of a correct run here"
    )
    parser.add_argument(
        "--wait", type=seconds, default=10.0, metavar="S", help="seconds that Kafka may be away (default %(default)g)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Play the scenario and say how much that was: 0. A usage error leaves by SystemExit(2)."""
    if arguments.list:
        _list(arguments.json)
        return 0
    if arguments.scenario is None:
        arguments.parser.error("name a SCENARIO; --list names them")
    from streams.lab.simulator.run import Run

    size = _size(arguments)
    plan = Run(arguments.scenario, arguments.seed, size, arguments.truth)
    summary = asyncio.run(_simulate(plan, settings_and_log(), arguments.speed, arguments.wait))
    if arguments.json:
        print(json.dumps(summary))
    elif arguments.truth is not None:
        print(f"truth: {arguments.truth}")
    return 0


async def _simulate(plan: "Run", settings: "Settings", factor: float | None, wait_s: float) -> dict[str, object]:
    from streams.connect import wait_for_kafka
    from streams.lab.progress import Progress
    from streams.lab.simulator.pace import Pace
    from streams.lab.simulator.play import Played
    from streams.lab.simulator.run import simulate

    await wait_for_kafka(settings.kafka, wait_s)
    progress = Progress(plan.scenario.name, plan.expected())
    sent = Played()

    def on_slice(played: Played) -> None:
        nonlocal sent
        sent = played
        progress.at(played.records, local_clock(played.arrival_ms, settings.zone.offset_ms))

    try:
        records = await simulate(plan, settings, Pace(factor), on_slice)
    finally:
        if sent.records:
            progress.finish(sent.records)
    if plan.truth_path is not None:
        await _write_truth(plan, settings, records)
    return {
        **plan.meta(),
        "records": sent.records,
        "last_arrival_ms": sent.arrival_ms,
        "truth": None if plan.truth_path is None else str(plan.truth_path),
    }


async def _write_truth(plan: "Run", settings: "Settings", records: "list[Planned]") -> None:
    from streams.lab.progress import Progress
    from streams.lab.simulator.play import partition_counts
    from streams.lab.simulator.run import target_of, truth_of
    from streams.lab.truth import write_truth
    from streams.lab.truth.compute import STEPS

    progress = Progress("truth", STEPS)
    steps = iter(range(STEPS))
    partitions = await partition_counts(target_of(settings))
    truth = truth_of(records, partitions, settings, plan.meta(), lambda step: progress.at(next(steps), step))
    assert plan.truth_path is not None, "asked for by the caller"
    write_truth(plan.truth_path, truth)
    progress.finish(len(truth.tallies), "tallies")


def local_clock(time_ms: int, offset_ms: int) -> str:
    """The local time of the scenario, for people: "2025-12-31 21:04"."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp((time_ms + offset_ms) // 1_000, UTC).strftime("%Y-%m-%d %H:%M")


def _size(arguments: argparse.Namespace) -> "Size | None":
    default = arguments.scenario.default_size
    given = {name: getattr(arguments, name) for name in ("rate", "hours") if getattr(arguments, name) is not None}
    if not given:
        return default  # type: ignore[no-any-return]  # argparse knows no types
    if default is None:
        arguments.parser.error(f"--{next(iter(given))}: the scenario {arguments.scenario.name} has one size")
    return default._replace(**given)  # type: ignore[no-any-return]  # as above


def _list(as_json: bool) -> None:
    from streams.lab.simulator.catalogue import SCENARIOS

    if as_json:
        print(json.dumps([{"name": each.name, "about": each.about} for each in SCENARIOS.values()]))
        return
    for each in SCENARIOS.values():
        print(f"{each.name:12} {each.about}")


# -- kinds of values ---------------------------------------------------------------------------
def scenario(text: str) -> "Scenario":
    """A scenario by its name."""
    from streams.lab.simulator.catalogue import SCENARIOS

    if text not in SCENARIOS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(SCENARIOS)}")
    return SCENARIOS[text]


def speed(text: str) -> float | None:
    """A factor above 0, or None for "max"."""
    return None if text == "max" else _positive(text, "a factor above 0 or max")


def rate(text: str) -> float:
    """Orders a second, above 0."""
    return _positive(text, "a number of orders a second above 0")


def hours(text: str) -> int:
    """Whole hours of one day."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 24:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of hours from 1 to 24")
    return int(text)


def new_file(text: str) -> Path:
    """A file that can be written: its folder exists."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder or lies in none")
    return path


def _positive(text: str, valid: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not {valid}")
    return value
