"""`hightide worker`: reads the topics, keeps the tallies, raises the alerts."""

from __future__ import annotations

import argparse
from typing import Any

from streams.cli.start import settings_and_log

_DESCRIPTION = """\
Reads orders and live sessions from Kafka, keeps the tallies in Redis and publishes alerts. Start as many as there are
partitions at most; each takes its share, and what one leaves, another goes on with. Ctrl-C or SIGTERM ends it cleanly;
kill -9 loses nothing.
"""


def register(subparsers: Any) -> None:
    """Add the command to the program."""
    parser = subparsers.add_parser(
        "worker",
        help="read events, keep tallies, raise alerts",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=_run)


def _run(_arguments: argparse.Namespace) -> int:
    import asyncio

    from agents import register_agents
    from streams.garbage import let_chunks_be
    from streams.loop import Loop
    from streams.worker import Worker

    settings = settings_and_log()
    let_chunks_be()

    async def run() -> int:
        return await Worker(settings, register_agents).run()

    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(run())
