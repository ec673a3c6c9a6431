"""`hightide bench growth`: what more anchors, partitions, workers and hours cost, and what a whole platform needs."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.cli.bench_values import add_places, count, counts, ending_on_sigterm, place_of, write_plot

if TYPE_CHECKING:
    from streams.lab.bench.growth.capacity import Needs
    from streams.lab.bench.growth.plan import GrowthPlan
    from streams.lab.bench.growth.report import GrowthReport
    from streams.lab.bench.growth.scale import Scale

_DESCRIPTION = """\
Grows one thing at a time: anchors (CPU an event, and what lies in the store afterwards, by family of keys), partitions,
workers, and the length of a run (memory). From what it measures it computes what the whole platform needs in Redis,
Kafka and cores, and prints every assumption. Needs Linux, and a machine that does nothing else. A million anchors take
about 5 GB of memory here.
"""

_EXAMPLES = """\
examples:
  hightide bench growth
  hightide bench growth --only anchors --anchors 1k,100k --events 50k
  hightide bench growth --only long --long 50m --json > long.json
"""
_PARTS = ("anchors", "partitions", "workers", "long")


def register(subparsers: Any) -> None:
    """Add the subcommand to `hightide bench`."""
    parser = subparsers.add_parser(
        "growth",
        help="CPU and memory by anchors, partitions, workers and hours; the capacity of a platform",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=count, default=200_000, metavar="N", help="events a point (default 200k)")
    parser.add_argument(
        "--anchors", type=counts, default=[1_000, 100_000, 1_000_000], metavar="A,B", help="default 1k,100k,1m"
    )
    parser.add_argument("--partitions", type=counts, default=[4, 16, 64], metavar="A,B", help="default 4,16,64")
    parser.add_argument("--workers", type=counts, default=[1, 2, 4], metavar="A,B", help="default 1,2,4")
    parser.add_argument(
        "--long", type=count, default=2_000_000, metavar="N", help="events of the long run (default 2m)"
    )
    parser.add_argument("--only", choices=_PARTS, action="append", help="run this part alone; may be given again")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the series")
    add_places(parser)
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print: 0. A usage error leaves by SystemExit(2)."""
    from streams.lab.bench.growth.plot import plot
    from streams.lab.bench.growth.render import table
    from streams.lab.bench.growth.run import growth
    from streams.lab.bench.growth.scale import Scale

    with ending_on_sigterm(), place_of(arguments) as place:
        report = asyncio.run(growth(_plan(arguments), place))
    write_plot(arguments.plot, lambda: plot(report))
    scale = Scale()
    capacity = _capacity(report, scale)
    if arguments.json:
        more = {"capacity": capacity.as_json() if capacity else None, "assumptions": scale.assumptions()}
        print(json.dumps({**report.as_json(), **more}))
    else:
        print("\n".join(table(report, capacity, scale)))
    return 0


def _capacity(report: GrowthReport, scale: Scale) -> Needs | None:
    """From the point with the most anchor-hours; None if no point was run."""
    from streams.lab.bench.growth.capacity import needs
    from streams.lab.bench.growth.store_parts import Figures

    if report.memory is None or report.shapes is None:
        return None
    point = (report.series("anchors") or report.points)[-1]
    figures = Figures(report.memory, report.shapes, point.event_bytes, dict(point.judged_cpu_us_per_event))
    return needs(figures, scale)


def _plan(arguments: argparse.Namespace) -> GrowthPlan:
    from streams.lab.bench.growth.plan import GrowthPlan
    from streams.lab.bench.profile import PROFILES

    chosen = arguments.only or _PARTS
    return GrowthPlan(
        profile=PROFILES["stated"],
        seed=arguments.seed,
        events=arguments.events,
        anchors=arguments.anchors if "anchors" in chosen else [],
        partitions=arguments.partitions if "partitions" in chosen else [],
        workers=arguments.workers if "workers" in chosen else [],
        long_events=arguments.long if "long" in chosen else 0,
    )
