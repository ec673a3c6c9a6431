"""`hightide rejects`: look at what was refused, and drive it again once its cause is gone."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from streams.cli.start import seconds, settings_and_log

if TYPE_CHECKING:
    from schemas.rejects import Rejected
    from streams.rejects.choice import Choice
    from streams.rejects.driving import Plan
    from streams.rejects.reading import Reading
    from streams.settings import Settings

_LIST = """\
Reads the topic `rejects` (kept 7 days) to its end and shows the last state of each reject, the newest of them. Buyers'
ids are masked: in --raw, and in the base64 of --json.
"""
_REDRIVE = """\
Sends rejects again, as they came, to the topic and partition that they came from, with the header `hightide-origin`.
Mend the cause first: what is still wrong is refused again. A record settles at most once for its origin, so driving it
twice is harmless: the second counts as a resend. Records above 64 KiB have no bytes any more and are left out.
"""
_TIMES = "2h (ago; s, m, h, d), 2025-12-31T21:00 (in HIGHTIDE_TIMEZONE) or epoch milliseconds"


def register(subparsers: Any) -> None:
    """Add `rejects list` and `rejects redrive`."""
    rejects = subparsers.add_parser("rejects", help="list what was refused, or drive it again")
    actions = rejects.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = _action(actions, "list", "show rejects, with their reason and bytes", _LIST)
    listing.add_argument(
        "--limit", type=_whole, default=50, metavar="N", help="newest N (default %(default)s; 0 = all)"
    )
    listing.add_argument("--raw", action="store_true", help="show the raw bytes too, buyers' ids masked")
    listing.add_argument("--json", action="store_true", help="print one JSON object a line, raw bytes as base64")
    listing.add_argument(
        "--unmasked", action="store_true", help="with --json: leave buyers' ids in the bytes. THIS SHOWS PERSONAL DATA"
    )
    listing.set_defaults(run=run_list, parser=listing)
    redrive = _action(actions, "redrive", "send rejects to their topic again", _REDRIVE)
    redrive.add_argument("--all", action="store_true", help="every reject there is, where no filter is given")
    redrive.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    redrive.add_argument("--yes", action="store_true", help="do not ask; needed where nobody can be asked")
    redrive.add_argument("--json", action="store_true", help="print one JSON object")
    redrive.set_defaults(run=run_redrive, parser=redrive)


def _action(actions: Any, name: str, help: str, description: str) -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=help, description=description, formatter_class=formatter
    )
    parser.add_argument("--reason", action="append", metavar="R", help="of this reason; may be given several times")
    parser.add_argument("--topic", metavar="T", help="that lay in this topic (orders, live-sessions)")
    parser.add_argument("--partition", type=_whole, metavar="N", help="that lay in this partition")
    parser.add_argument("--offset", metavar="A-B", help="with offsets A to B; A alone is one, A- has no end")
    parser.add_argument("--since", metavar="TIME", help=f"that arrived at or after: {_TIMES}")
    parser.add_argument("--until", metavar="TIME", help="that arrived before")
    parser.add_argument(
        "--wait", type=seconds, default=10.0, metavar="S", help="seconds that Kafka may be away (default %(default)g)"
    )
    return parser


# -- list --------------------------------------------------------------------------------------
def run_list(arguments: argparse.Namespace) -> int:
    """Show what matches: 0, also if nothing does. A usage error leaves by SystemExit(2)."""
    if arguments.unmasked and not arguments.json:
        arguments.parser.error("--unmasked goes with --json")
    settings = settings_and_log()
    choice = _choice(arguments, settings)
    reading = asyncio.run(_read(settings, choice, arguments.raw or arguments.json, arguments.wait))
    _show(reading, settings, arguments)
    return 0


def _show(reading: Reading, settings: Settings, arguments: argparse.Namespace) -> None:
    from streams.rejects.showing import as_json, newest, summary, table

    shown = newest(reading.found.values(), arguments.limit)
    if arguments.json:
        for each in shown:
            print(as_json(each, arguments.unmasked))
    elif shown:
        print("\n".join([*table(shown, settings.zone, arguments.raw), ""]))
    # counts are no line of the objects: a program that reads them need not tell them apart
    ending = summary(reading.found.values(), len(shown)) if shown else [_nothing(reading)]
    print("\n".join(ending), file=sys.stderr if arguments.json else sys.stdout)


def _nothing(reading: Reading) -> str:
    if not reading.read:
        return "no rejects: the topic is empty"
    return f"no rejects match; the topic holds {reading.read:,} records"


# -- redrive -----------------------------------------------------------------------------------
def run_redrive(arguments: argparse.Namespace) -> int:
    """Drive what matches: 0, also if nothing does or somebody said no. A usage error leaves by SystemExit(2)."""
    settings = settings_and_log()
    choice = _choice(arguments, settings)
    if not (choice.narrows or arguments.all):
        arguments.parser.error("say which: --reason, --topic, --partition, --offset, --since, --until, or --all")
    if not (arguments.dry_run or arguments.yes or sys.stdin.isatty()):
        arguments.parser.error("there is no terminal to ask at: look with --dry-run, then give --yes")
    from streams.rejects.driving import check_places, plan

    reading = asyncio.run(_read(settings, choice, True, arguments.wait))
    planned = plan(reading.found.values())
    check_places(planned.records, reading.partitions)
    _say_plan(planned, reading, arguments)
    driven = 0
    if planned.records and not arguments.dry_run and (arguments.yes or _agreed(len(planned.records))):
        driven = _drive(settings, planned.records)
    _say_end(planned, driven, arguments)
    return 0


def _say_plan(planned: Plan, reading: Reading, arguments: argparse.Namespace) -> None:
    if arguments.json:
        return
    if not planned.records and not planned.without_bytes:
        print(_nothing(reading))
        return
    reasons = Counter(str(each.reason) for each in planned.records)
    places = Counter(f"{each.topic}/{each.partition}" for each in planned.records)
    for counts in (reasons, places):
        print("\n".join(f"  {count:,} {name}" for name, count in counts.most_common()))
    if planned.repeated:
        print(f"{planned.repeated:,} rejects are of records that were driven and refused before: each is sent once")
    for each in planned.without_bytes:
        print(
            f"skipped {each.topic}/{each.partition}/{each.offset}: above 64 KiB, its bytes were not kept; send it anew"
        )


def _agreed(records: int) -> bool:
    try:
        return input(f"Drive {records:,} records again? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _drive(settings: Settings, records: list[Rejected]) -> int:
    from streams.lab.progress import Progress
    from streams.rejects.driving import Driver

    driver, progress = Driver(settings.kafka), Progress("redrive", len(records))
    try:
        asyncio.run(driver.drive(records, progress.at))
    except KeyboardInterrupt:
        progress.clear()
        done = f"{driver.driven:,} of {len(records):,} were acknowledged"
        print(f"interrupted: {done}; driving the same again is harmless", file=sys.stderr)
        raise
    progress.clear()
    return driver.driven


def _say_end(planned: Plan, driven: int, arguments: argparse.Namespace) -> None:
    if arguments.json:
        told = {"chosen": len(planned.records), "driven": driven, "repeated": planned.repeated}
        print(json.dumps({**told, "without_bytes": len(planned.without_bytes), "dry_run": arguments.dry_run}))
    elif arguments.dry_run:
        print(f"dry run: {len(planned.records):,} records would be driven")
    elif planned.records:
        print(f"driven {driven:,} of {len(planned.records):,} records; each settles at most once for its origin")


# -- what both do ------------------------------------------------------------------------------
def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _choice(arguments: argparse.Namespace, settings: Settings) -> Choice:
    from streams.rejects.choice import Choice, instant_ms, offsets

    now_ms = int(time.time() * 1_000)
    try:
        return Choice(
            reasons=_reasons(arguments.reason),
            topic=_topic(arguments.topic, settings),
            partition=arguments.partition,
            offsets=None if arguments.offset is None else offsets(arguments.offset),
            since_ms=None if arguments.since is None else instant_ms(arguments.since, settings.zone, now_ms),
            until_ms=None if arguments.until is None else instant_ms(arguments.until, settings.zone, now_ms),
        )
    except ValueError as error:
        raise SystemExit(arguments.parser.error(str(error))) from error  # error() does not return


def _reasons(names: list[str] | None) -> frozenset[Any] | None:
    from schemas.rejects import Reason

    if names is None:
        return None
    known = {str(each): each for each in Reason}
    if wrong := [name for name in names if name not in known]:
        raise ValueError(f"{wrong[0]!r} is no reason; there are {', '.join(known)}")
    return frozenset(known[name] for name in names)


def _topic(name: str | None, settings: Settings) -> str | None:
    """The full name of an input topic, given with or without its prefix."""
    from streams.topics import Topics

    inputs = Topics(settings.topic_prefix).inputs
    full = next((each for each in inputs if name in (each, each.removeprefix(settings.topic_prefix))), None)
    if name is not None and full is None:
        raise ValueError(f"{name!r} is no topic whose records are refused; there are {' and '.join(inputs)}")
    return full


async def _read(settings: Settings, choice: Choice, keep_bytes: bool, wait_s: float) -> Reading:
    from streams.connect import wait_for_kafka
    from streams.lab.progress import Progress
    from streams.rejects.reading import read_rejects
    from streams.topics import Topics

    await wait_for_kafka(settings.kafka, wait_s)
    topics, progress = Topics(settings.topic_prefix), Progress("reading rejects")
    try:
        return await read_rejects(settings.kafka, topics.rejects, choice, keep_bytes, progress.at, topics.inputs)
    finally:
        progress.clear()
