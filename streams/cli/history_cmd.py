"""`hightide history`: bring in earlier hours and sessions, and take them out for elsewhere."""

from __future__ import annotations

import argparse
import asyncio
import csv
import getpass
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.cli.start import seconds, settings_and_log

if TYPE_CHECKING:
    from streams.history.exporting import Line
    from streams.history.importing import Plan
    from streams.history.rows import Parsed
    from streams.settings import Settings

_IMPORT = """\
Brings in hours and sessions from before the log, so that a scope has a past to compare itself with. FILE is CSV with a
line of names, or one JSON object a line; - is standard input:

    kind,dimension,id,start,end,session_id,gmv_fen,net_fen
    hour,cluster,caoxian-hanfu,2025-11-11T20:00,,,2500000000,
    session,anchor,anchor-17,2025-11-11T19:00,2025-11-12T03:00,session-9,10750000000,9900000000

Hours: platform, cluster, category, anchor. Sessions: those and merchant, one line for each scope. Times are local
(HIGHTIDE_TIMEZONE) or epoch ms; money is whole fen; an hour needs no end, net_fen may be left out. Every line is
checked, and nothing is imported unless all are right. What is in stays: the same rows again change nothing.
Exit 0: imported; 1: some lines are wrong, each is named with its field and value.
"""
_EXPORT = """\
Writes every closed hour and session that has sales, imported or from the log as far as Redis keeps it, in the format
that `history import` reads.
"""
#: mistakes that are listed
_LISTED = 50


def register(subparsers: Any) -> None:
    """Add `history import` and `history export`."""
    history = subparsers.add_parser("history", help="import earlier hours and sessions, or export them")
    actions = history.add_subparsers(title="actions", metavar="ACTION", required=True)
    formatter = argparse.RawDescriptionHelpFormatter
    bring = actions.add_parser("import", help="bring in a file of them", description=_IMPORT, formatter_class=formatter)
    bring.add_argument("file", metavar="FILE", help="CSV or JSON lines; - is standard input")
    bring.add_argument("--author", help="who vouches for it (default: your login)")
    bring.add_argument("--dry-run", action="store_true", help="check everything and import nothing")
    bring.add_argument("--json", action="store_true", help="print one JSON object")
    bring.set_defaults(run=run_import)
    take = actions.add_parser("export", help="write them as a file", description=_EXPORT, formatter_class=formatter)
    take.add_argument("--json", action="store_true", help="JSON lines in place of CSV")
    take.set_defaults(run=run_export)
    for parser in (bring, take):
        parser.add_argument(
            "--wait", type=seconds, default=10.0, metavar="S", help="seconds that a server may be away (default 10)"
        )


# -- import ------------------------------------------------------------------------------------
def run_import(arguments: argparse.Namespace) -> int:
    """Check and import a file. Raises `HistoryWrong` with every mistake."""
    settings = settings_and_log()
    parsed, name = _parsed(arguments, settings)
    _refuse(parsed.mistakes)
    plan = asyncio.run(_import(settings, parsed, name, arguments.dry_run, arguments.wait))
    counts = {"rows": len(parsed.rows), "added": len(plan.add), "known": plan.known, "repeated": parsed.repeated}
    if arguments.json:
        print(json.dumps({"file": name, "dry_run": arguments.dry_run, **counts}))
    else:
        verb = "would be imported" if arguments.dry_run else "imported"
        print(f"{len(plan.add):,} of {len(parsed.rows):,} rows {verb}, {plan.known:,} were in already")
    return 0


def _parsed(arguments: argparse.Namespace, settings: Settings) -> tuple[Parsed, str]:
    from schemas.history import Provenance
    from streams.history.importing import HistoryWrong
    from streams.history.rows import parse

    name = "standard input" if arguments.file == "-" else Path(arguments.file).name
    try:
        raw = sys.stdin.buffer.read() if arguments.file == "-" else Path(arguments.file).read_bytes()
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise HistoryWrong(f"{arguments.file} can not be read: {error} (valid: a file of UTF-8 text)") from error
    now_ms = int(time.time() * 1000)
    author = arguments.author or getpass.getuser()
    return parse(
        text, name, Provenance(name, hashlib.sha256(raw).hexdigest(), 0, author, now_ms), settings.zone, now_ms
    ), name


def _refuse(mistakes: list[str]) -> None:
    from streams.history.importing import HistoryWrong

    if mistakes:
        more = [f"… and {len(mistakes) - _LISTED} more"] if len(mistakes) > _LISTED else []
        raise HistoryWrong(
            "\n".join([f"nothing is imported, {len(mistakes)} lines are wrong", *mistakes[:_LISTED], *more])
        )


async def _import(settings: Settings, parsed: Parsed, name: str, dry_run: bool, wait_s: float) -> Plan:
    from streams.connect import wait_for_kafka
    from streams.history.importing import plan
    from streams.history.topic import add_history, read_history
    from streams.topics import Topics

    topic = Topics(settings.topic_prefix).history
    await wait_for_kafka(settings.kafka, wait_s)
    there = {row.key: row async for row in read_history(settings.kafka, topic)}
    planned = plan(parsed.rows, there, name)
    _refuse(planned.mistakes)
    if planned.add and not dry_run:
        await add_history(settings.kafka, topic, planned.add)
    return planned


# -- export ------------------------------------------------------------------------------------
def run_export(arguments: argparse.Namespace) -> int:
    """Write all lines to standard output."""
    from streams.history.rows import FIELDS

    lines = asyncio.run(_export(settings_and_log(), arguments.wait))
    if arguments.json:
        for line in lines:
            print(json.dumps({name: value for name, value in line._asdict().items() if value is not None}))
        return 0
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows(lines)
    return 0


async def _export(settings: Settings, wait_s: float) -> list[Line]:
    from streams.connect import redis_client, wait_for_kafka, wait_for_redis
    from streams.history.exporting import Exporter, merged
    from streams.history.topic import read_history
    from streams.keys import shard_keys
    from streams.topics import Topics

    await wait_for_redis(settings.redis, wait_s)
    await wait_for_kafka(settings.kafka, wait_s)
    imported = [row async for row in read_history(settings.kafka, Topics(settings.topic_prefix).history)]
    redis = redis_client(settings)
    try:
        keys = [shard_keys(settings.group, shard) for shard in range(settings.shards)]
        exporter = Exporter(redis, keys, settings.zone, settings.lateness_s * 1000)
        return merged(imported, [line async for line in exporter.lines()])
    finally:
        await redis.aclose()
