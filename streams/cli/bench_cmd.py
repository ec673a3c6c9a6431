"""`hightide bench`: how fast, at what cost, beside plain Faust and raw aiokafka on the same topic."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.cli import bench_catch_up_cmd, bench_growth_cmd, bench_latency_cmd
from streams.cli.start import settings_and_log
from streams.lab.bench.profile import PROFILES

if TYPE_CHECKING:
    from streams.lab.bench.bench import Plan
    from streams.lab.bench.report import Report

_DESCRIPTION = """\
Fills a topic with order events once, then lets every arm read it, each run in a process of its own, the arms in turn
because machines drift. Prints the medians: events a second on the wall and microseconds of CPU an event, of the process
and of broker and store, from the first fetch to the end; start and group join are not in it. After each run of hightide
its tallies are checked, and what its last run leaves is audited: recomputed from Kafka and compared, to 0 differences
(this takes 0.2 ms an event, 0.6 on the hard profile: too long for each run). Needs Linux, and a machine that does
nothing else.
"""


def register(subparsers: Any) -> None:
    """Add the command to the program."""
    parser = subparsers.add_parser(
        "bench",
        help="measure events per second and CPU per event",
        description=_DESCRIPTION,
        epilog="profiles:\n" + "\n".join(f"  {each.name}: {each.in_words()}" for each in PROFILES.values()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--events", type=count, default=300_000, metavar="N", help="events in the topic (default 300000)"
    )
    parser.add_argument("--runs", type=count, default=3, metavar="N", help="counted runs of each arm (default 3)")
    parser.add_argument("--warm-ups", type=count_or_none, default=1, metavar="N", help="runs before them (default 1)")
    parser.add_argument(
        "--arms",
        type=names,
        metavar="A,B",
        help="which of hightide, order-index, peers-job, plain-faust, raw-aiokafka, raw-confluent, pure-core, "
        "resend-memory (default all; raw-confluent only if confluent-kafka is installed, as the extra `bench` does)",
    )
    parser.add_argument("--profile", default="stated", metavar="NAME", help="what the orders are like (default stated)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, other orders (default 1)")
    parser.add_argument(
        "--chunk-records", type=chunk, metavar="N", help="largest chunk (default: HIGHTIDE_CHUNK_RECORDS, or its own)"
    )
    parser.add_argument(
        "--servers", choices=("embedded", "settings"), default="embedded",
        help="embedded ones, or those of HIGHTIDE_KAFKA and HIGHTIDE_REDIS (default embedded)",
    )  # fmt: skip
    parser.add_argument("--no-audit", action="store_true", help="do not audit what the last run of a worker leaves")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a plot as SVG, too")
    parser.add_argument(
        "--from", dest="saved", type=Path, metavar="FILE", help="render what --json printed before; measure nothing"
    )
    parser.set_defaults(run=run, parser=parser)
    more = parser.add_subparsers(title="other measurements", metavar="MEASUREMENT")
    for module in (bench_latency_cmd, bench_growth_cmd, bench_catch_up_cmd):
        module.register(more)


def run(arguments: argparse.Namespace) -> int:
    """Run the bench and print its report: 0; 1 if tallies came out wrong. A usage error leaves by SystemExit(2)."""
    from streams.lab.bench.plot import plot
    from streams.lab.bench.render import table
    from streams.lab.bench.saved import read_report

    if arguments.plot is not None and not arguments.plot.resolve().parent.is_dir():
        arguments.parser.error(f"--plot: there is no folder {arguments.plot.parent}")
    report = _measured(arguments) if arguments.saved is None else read_report(arguments.saved)
    print(json.dumps(report.as_json()) if arguments.json else "\n".join(table(report)))
    if arguments.plot is not None:
        arguments.plot.write_text(plot(report), "utf-8")
    return 0


def _measured(arguments: argparse.Namespace) -> Report:
    from streams.lab.bench.bench import bench
    from streams.lab.bench.servers import given_servers, own_servers

    plan = _plan(arguments)
    settings = settings_and_log()
    if arguments.chunk_records is not None:
        settings = replace(settings, chunk_records=arguments.chunk_records)
    servers = own_servers if arguments.servers == "embedded" else given_servers
    with _sigterm_as_ctrl_c(), servers(settings) as place:
        return asyncio.run(bench(plan, place))


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Either way, the processes that were started are ended."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _plan(arguments: argparse.Namespace) -> Plan:
    from streams.lab.bench.bench import Plan
    from streams.lab.bench.table import ARMS, chosen

    names = arguments.arms or _installed()
    if unknown := [name for name in names if name not in ARMS]:
        arguments.parser.error(f"--arms: {', '.join(unknown)}: the arms are {', '.join(ARMS)}")
    if missing := [name for name in names if ARMS[name].missing]:
        arguments.parser.error(f"--arms: {', '.join(missing)}: install what it needs: pip install '.[bench]'")
    if arguments.profile not in PROFILES:
        arguments.parser.error(f"--profile: {arguments.profile!r} is none of {', '.join(PROFILES)}")
    return Plan(
        profile=PROFILES[arguments.profile],
        seed=arguments.seed,
        events=arguments.events,
        runs=arguments.runs,
        warm_ups=arguments.warm_ups,
        arms=chosen(names),
        audit=not arguments.no_audit,
    )


def _installed() -> list[str]:
    from streams.lab.bench.table import ARMS

    if missing := [name for name, arm in ARMS.items() if arm.missing]:
        print(f"left out, because what it needs is not installed: {', '.join(missing)}", file=sys.stderr)
    return [name for name, arm in ARMS.items() if not arm.missing]


# -- kinds of values ---------------------------------------------------------------------------
def count(text: str) -> int:
    """A whole number of at least 1."""
    if count_or_none(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def count_or_none(text: str) -> int:
    """A whole number of at least 0."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 999999999")
    return int(text)


def chunk(text: str) -> int:
    """A number of records that the setting allows."""
    from streams.settings import Settings

    parser = next(field.metadata["parser"] for field in fields(Settings) if field.name == "chunk_records")
    try:
        return int(parser.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not {parser.valid}") from error


def names(text: str) -> list[str]:
    """Names between commas; a dash stands for a space, so that a shell needs no quotes."""
    return [name.strip().replace("-", " ") for name in text.split(",") if name.strip()]
