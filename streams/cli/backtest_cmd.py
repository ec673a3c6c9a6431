"""`hightide backtest`: what a file of rules would have told over the kept past; it tells nobody."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from streams.cli.start import seconds, settings_and_log

if TYPE_CHECKING:
    from streams.rules.backtest import Outcome
    from streams.rules.book import RuleBook
    from streams.settings import Settings

_DESCRIPTION = """\
Says for each rule of a file how many alerts it would have told, how many of them stand now, how many were taken back at
any time, and the median lead: from the first word to the end of the hour, span or session. Peaks and records are
those of the topic `alerts`, which keeps every revision; milestones are counted in the sessions that the rankings keep.
Nobody is notified, nothing is written.
"""
_TIMES = "30d (ago; s, m, h, d), 2025-12-31T21:00 (in HIGHTIDE_TIMEZONE) or epoch milliseconds"


def register(subparsers: Any) -> None:
    """Add the command to the program."""
    parser = subparsers.add_parser(
        "backtest",
        help="say what a file of rules would have told",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rules", metavar="RULES", help="a file of rules; see `hightide rules check --help`")
    parser.add_argument("--from", dest="since", metavar="TIME", help=f"holders that end at or after: {_TIMES}")
    parser.add_argument("--to", dest="until", metavar="TIME", help="holders that end before")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--wait", type=seconds, default=10.0, metavar="S", help="seconds that a server may be away (default 10)"
    )
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Back-test and print; a usage error leaves by SystemExit(2)."""
    from streams.rejects.choice import instant_ms
    from streams.rules.live import read_rules

    settings, now_ms = settings_and_log(), int(time.time() * 1000)
    book = read_rules(arguments.rules)
    try:
        since = 0 if arguments.since is None else instant_ms(arguments.since, settings.zone, now_ms)
        until = now_ms if arguments.until is None else instant_ms(arguments.until, settings.zone, now_ms)
    except ValueError as error:
        arguments.parser.error(str(error))
    outcomes = asyncio.run(_backtest(settings, book, since, until, arguments.wait))
    if arguments.json:
        print(json.dumps({"from_ms": since, "to_ms": until, "rules": [asdict(each) for each in outcomes]}))
    else:
        print("\n".join(lines(outcomes)))
    return 0


def lines(outcomes: list[Outcome]) -> list[str]:
    """A table for people."""
    width = max(len(each.name) for each in outcomes)
    head = f"{'rule':{width}}  {'kind':14}  {'fired':>7}  {'standing':>8}  {'taken back':>10}  median lead"
    return [head, *(_line(each, width) for each in outcomes)]


def _line(each: Outcome, width: int) -> str:
    lead = f"unknown: {each.why}" if each.lead_s is None else f"{each.lead_s:,.0f} s"
    return f"{each.name:{width}}  {each.kind:14}  {each.fired:>7,}  {each.standing:>8,}  {each.retracted:>10,}  {lead}"


async def _backtest(settings: Settings, book: RuleBook, from_ms: int, to_ms: int, wait_s: float) -> list[Outcome]:
    from streams.connect import redis_client, wait_for_kafka, wait_for_redis
    from streams.history.exporting import Exporter
    from streams.keys import shard_keys
    from streams.lab.audit.alerts import all_revisions
    from streams.rules.backtest import backtest
    from streams.topics import Topics

    await wait_for_redis(settings.redis, wait_s)
    await wait_for_kafka(settings.kafka, wait_s)
    revisions = await all_revisions(settings.kafka, Topics(settings.topic_prefix).alerts)
    redis = redis_client(settings)
    try:
        keys = [shard_keys(settings.group, shard) for shard in range(settings.shards)]
        exporter = Exporter(redis, keys, settings.zone, settings.lateness_s * 1000)
        totals = {line.session_id or "": (line.end, line.gmv_fen) async for line in exporter.sessions()}
        return backtest(book, revisions, totals, from_ms, to_ms)
    finally:
        await redis.aclose()
