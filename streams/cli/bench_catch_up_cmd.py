"""`hightide bench catch-up`: how long a backlog takes while live traffic arrives."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.cli.bench_values import above_0, add_places, count, ending_on_sigterm, place_of, write_plot

if TYPE_CHECKING:
    from streams.lab.bench.catch_up.backlog import CatchUpPlan

_DESCRIPTION = """\
Fills the topic of orders with a backlog of the last hours, lets live traffic begin, starts a worker, and measures until
nothing lies behind it. Then checks that everything was counted once and that the alerts which are known to be due came,
and says how many alerts are old news: over an hour old when they were detected, which is why they notify nobody. Exit
code 1 if something is missing. Ten million events take 5 GB of memory. Needs Linux.
"""

_EXAMPLES = """\
examples:
  hightide bench catch-up --backlog 1m
  hightide bench catch-up --backlog 10m --hours 12 --live 5000 --json > catch-up.json
"""


def register(subparsers: Any) -> None:
    """Add the subcommand to `hightide bench`."""
    parser = subparsers.add_parser(
        "catch-up",
        help="seconds until a backlog is worked off while live traffic arrives",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--backlog", type=count, default=10_000_000, metavar="N", help="events before (default 10m)")
    parser.add_argument("--hours", type=above_0, default=6.0, metavar="H", help="time that they span (default 6)")
    parser.add_argument("--live", type=above_0, default=500.0, metavar="N", help="events a second beside (default 500)")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the lag over time")
    add_places(parser)
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print: 0; 1 if something was not counted or told. A usage error leaves by SystemExit(2)."""
    from streams.lab.bench.catch_up.render import plot, table
    from streams.lab.bench.catch_up.run import catch_up

    with ending_on_sigterm(), place_of(arguments) as place:
        report = asyncio.run(catch_up(_plan(arguments), place))
    write_plot(arguments.plot, lambda: plot(report))
    print(json.dumps(report.as_json()) if arguments.json else "\n".join(table(report)))
    return 0 if report.is_right else 1


def _plan(arguments: argparse.Namespace) -> CatchUpPlan:
    from streams.lab.bench.catch_up.backlog import CatchUpPlan
    from streams.lab.bench.profile import PROFILES

    return CatchUpPlan(
        profile=PROFILES["stated"],
        seed=arguments.seed,
        backlog=arguments.backlog,
        backlog_hours=arguments.hours,
        live_events_per_s=arguments.live,
    )
