"""`hightide bench latency`: how long a record takes to its settled tally, and to its alert."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.cli.bench_values import above_0, add_places, ending_on_sigterm, place_of, rates, write_plot

if TYPE_CHECKING:
    from streams.lab.bench.latency.result import LatencyPlan

_DESCRIPTION = """\
Sends live traffic at each rate, stamped by the wall clock, and watches from processes of their own when the fences pass
it (the tally) and when the alerts are in their topic. Some payments are probes, of which it is known that they cause
alerts. Each rate has topics and a worker of its own, that has read a past before. Needs Linux, and a machine that does
nothing else: producer and watchers share it.
"""

_EXAMPLES = """\
examples:
  hightide bench latency
  hightide bench latency --rates 5000 --seconds 60 --json > latency.json
  hightide bench latency --plot latency.svg
"""


def register(subparsers: Any) -> None:
    """Add the subcommand to `hightide bench`."""
    parser = subparsers.add_parser(
        "latency",
        help="milliseconds to the tally and to the alert, at several rates",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--rates",
        type=rates,
        default=[500.0, 5_000.0, 50_000.0],
        metavar="A,B",
        help="events a second (default 500,5000,50000)",
    )
    parser.add_argument("--seconds", type=above_0, default=20.0, metavar="S", help="measured time a rate (default 20)")
    parser.add_argument("--warm-up", type=above_0, default=3.0, metavar="S", help="time before that (default 3)")
    parser.add_argument(
        "--alerts", type=above_0, default=20.0, metavar="N", help="probes a second, two alerts each (default 20)"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the percentiles")
    add_places(parser)
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print: 0, also where goals are missed. A usage error leaves by SystemExit(2)."""
    from streams.lab.bench.latency.plot import plot
    from streams.lab.bench.latency.render import table
    from streams.lab.bench.latency.run import latency

    with ending_on_sigterm(), place_of(arguments) as place:
        report = asyncio.run(latency(_plan(arguments), place))
    write_plot(arguments.plot, lambda: plot(report))
    print(json.dumps(report.as_json()) if arguments.json else "\n".join(table(report)))
    return 0


def _plan(arguments: argparse.Namespace) -> LatencyPlan:
    from streams.lab.bench.latency.result import LatencyPlan
    from streams.lab.bench.profile import PROFILES

    return LatencyPlan(
        profile=PROFILES["stated"],
        seed=arguments.seed,
        rates=arguments.rates,
        seconds=arguments.seconds,
        warm_up_s=arguments.warm_up,
        probes_a_second=arguments.alerts,
    )
