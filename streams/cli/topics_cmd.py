"""`hightide topics`: create the topics that are missing, or compare those that are there with the table."""

import argparse
import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from streams.cli.start import seconds, settings_and_log

if TYPE_CHECKING:
    from streams.settings import Settings
    from streams.topic_admin import Check


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `topics create` and `topics check`."""
    topics = subparsers.add_parser("topics", help="create or check the Kafka topics")
    actions = topics.add_subparsers(title="actions", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="create the missing topics; existing ones stay as they are")
    check = actions.add_parser("check", help="compare partitions and configurations; exit 1 on a difference")
    create.set_defaults(run=run_create)
    check.set_defaults(run=run_check)
    for parser in (create, check):
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--wait",
            type=seconds,
            default=10.0,
            metavar="S",
            help="seconds that Kafka may be away (default %(default)g)",
        )


def run_create(arguments: argparse.Namespace) -> int:
    """Create what is missing and say what that was."""
    created, existed = asyncio.run(_create(settings_and_log(), arguments.wait))
    if arguments.json:
        print(json.dumps({"created": created, "existed": existed}))
    else:
        print("\n".join([f"created {name}" for name in created] + [f"existed {name}" for name in existed]))
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    """Compare; 0 if everything that the broker tells is as the table wants it, else 1."""
    check = asyncio.run(_check(settings_and_log(), arguments.wait))
    print(json.dumps(asdict(check)) if arguments.json else report(check))
    return 1 if check.differences else 0


def report(check: "Check") -> str:
    """A check as lines for people; the last one counts the differences."""
    lines = [f"{it.topic}: {it.what} should be {it.wanted}, is {it.found or 'missing'}" for it in check.differences]
    if check.untold:
        lines.append("this broker does not say, look for yourself: " + ", ".join(check.untold))
    return "\n".join([*lines, f"{len(check.differences)} differences"])


async def _create(settings: "Settings", wait_s: float) -> tuple[list[str], list[str]]:
    from streams.connect import wait_for_kafka
    from streams.topic_admin import ensure_topics, wanted_topics

    await wait_for_kafka(settings.kafka, wait_s)
    created = await ensure_topics(settings)
    return list(created), [topic.name for topic in wanted_topics(settings) if topic.name not in created]


async def _check(settings: "Settings", wait_s: float) -> "Check":
    from streams.connect import wait_for_kafka
    from streams.topic_admin import check_topics

    await wait_for_kafka(settings.kafka, wait_s)
    return await check_topics(settings)
