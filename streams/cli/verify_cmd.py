"""`hightide verify`: the value of one alert, recomputed from the records in Kafka that its evidence names."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import TYPE_CHECKING, Any

from streams.cli.start import settings_and_log

if TYPE_CHECKING:
    from schemas.alerts import Alert
    from streams.lab.verify.verify import Finding
    from streams.settings import Settings

_DESCRIPTION = """\
Reads the records again that an alert names as its evidence, and recomputes its value_fen by a second, plain
implementation. What it compared itself with (previous) and whether it was due are left to `hightide audit`.
Exit 0: equal to the fen; 1: different; 2: no longer possible (the records are gone, or were never in this log);
64: there is no such alert.
"""

_EXIT = {"equal": 0, "different": 1, "impossible": 2}


def register(subparsers: Any) -> None:
    """Add the command to the program."""
    parser = subparsers.add_parser(
        "verify",
        help="recompute the value of one alert from Kafka",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("alert_id", metavar="ALERT_ID", help="as in the topic alerts")
    parser.add_argument("--revision", type=int, metavar="N", help="this revision (default: the latest)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Verify one revision and print what was found."""
    alert, finding = asyncio.run(_verify(settings_and_log(), arguments.alert_id, arguments.revision))
    print(json.dumps(as_json(alert, finding)) if arguments.json else "\n".join(lines(alert, finding)))
    return _EXIT[finding.verdict]


def as_json(alert: Alert, finding: Finding) -> dict[str, Any]:
    """A finding for machines; amounts in fen."""
    return {
        "alert_id": alert.alert_id,
        "revision": alert.revision,
        "rule": alert.rule.value,
        "metric": alert.metric,
        "state": alert.state.value,
        "value_fen": alert.value_fen,
        "verdict": finding.verdict.value,
        "recomputed_fen": finding.recomputed_fen,
        "why": finding.why,
        "read": finding.read,
        "read_before": finding.read_before,
    }


def lines(alert: Alert, finding: Finding) -> list[str]:
    """A finding for people; the last line is the verdict."""
    from schemas.money import yuan_text

    said = f"{alert.value_fen:,} fen, {yuan_text(alert.value_fen)}"
    named = sum(each.last_offset - each.first_offset + 1 for each in alert.evidence)
    head = [
        f"revision {alert.revision}, {alert.state}: {alert.text}",
        f"evidence: {named:,} offsets in {len(alert.evidence)} partitions; read {finding.read:,} records, "
        f"{finding.read_before:,} of them before the evidence, to judge it",
    ]
    if finding.recomputed_fen is None:
        return [*head, f"can not be verified any more: {finding.why}"]
    if finding.recomputed_fen == alert.value_fen:
        return [*head, f"equal: the records add up to {said}"]
    return [*head, f"different: the alert says {said}; the records add up to {finding.recomputed_fen:,} fen"]


async def _verify(settings: Settings, alert_id: str, revision: int | None) -> tuple[Alert, Finding]:
    from streams.connect import wait_for_kafka
    from streams.lab.audit.log import open_log
    from streams.lab.progress import Progress
    from streams.lab.simulator.run import rules_of
    from streams.lab.verify.find import find
    from streams.lab.verify.verify import verify
    from streams.topics import ORDERS, Topics

    topics = Topics(settings.topic_prefix)
    await wait_for_kafka(settings.kafka, 10)
    alert = await find(settings.kafka, topics.alerts, alert_id, revision)
    progress = Progress("verify")
    try:
        async with open_log(settings.kafka, {each.topic: ORDERS for each in alert.evidence}) as log:
            return alert, await verify(alert, log, rules_of(settings), lambda read: progress.at(read, "records read"))
    finally:
        progress.clear()
