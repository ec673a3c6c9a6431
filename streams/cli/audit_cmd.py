"""`hightide audit`: recompute every tally from Kafka and compare it with Redis."""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.cli.start import settings_and_log

if TYPE_CHECKING:
    from streams.lab.audit.report import Report
    from streams.lab.truth import Truth
    from streams.settings import Settings

_DESCRIPTION = """\
Reads every record that was counted once more from Kafka, recomputes tallies, distinct counts, rankings and the final
set of alerts by a second, plain implementation, and compares them with Redis and the topic `alerts`. Exit 0: no
difference; 1: some. It needs a moment in which the tallies stand still, and room in the folder for temporary files
(TMPDIR): a few hundred bytes a record.
"""


def register(subparsers: Any) -> None:
    """Add the command to the program."""
    parser = subparsers.add_parser(
        "audit",
        help="recompute every tally from Kafka and compare with Redis",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="compare with this truth file as well")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="differences to list (default %(default)s)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Audit and print what was found."""
    report = asyncio.run(_audit(settings_and_log(), arguments.truth))
    if arguments.json:
        print(json.dumps({**asdict(report), "differences": report.count, "first": report.differences[:20]}))
    else:
        print("\n".join(lines(report, arguments.limit)))
    return 1 if report.count else 0


def lines(report: Report, limit: int) -> list[str]:
    """A report for people; the last line counts the differences."""
    listed = report.differences[:limit]
    if report.count > len(listed):
        listed.append(f"… and {report.count - len(listed)} more")
    if report.restated:
        listed.append(
            f"{report.restated:,} alerts stand at another value than they were told at, by late events or refunds; "
            f"{report.verified:,} of them were recomputed as told"
        )
    if report.imported:
        listed.append(f"{report.imported:,} imported rows of history are among the holders")
    if report.rankings is None:
        listed.append("rankings were not compared: more was settled meanwhile")
    return [
        *listed,
        f"consumed {report.consumed:,} = counted {report.counted:,} + resends {report.resends:,} "
        f"+ rejected {report.rejected:,}",
        f"audit: {report.count} differences in {report.tallies:,} tallies and {report.alerts} alerts",
    ]


async def _audit(settings: Settings, truth_file: Path | None) -> Report:
    from streams.connect import redis_client, wait_for_kafka, wait_for_redis
    from streams.lab.audit.audit import audit
    from streams.lab.progress import Progress

    truth = None if truth_file is None else _truth(truth_file)
    await wait_for_redis(settings.redis, 10)
    await wait_for_kafka(settings.kafka, 10)
    redis = redis_client(settings)
    progress = Progress("audit")
    try:
        return await audit(settings, redis, progress.at, truth)
    finally:
        progress.clear()
        await redis.aclose()


def _truth(path: Path) -> Truth:
    from streams.errors import Expected
    from streams.lab.truth import read_truth

    try:
        return read_truth(path)
    except (OSError, ValueError) as error:
        raise Expected(f"the truth file can not be read: {error}") from error
