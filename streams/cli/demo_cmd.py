"""`hightide demo`: the main job in one terminal, nothing else installed."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.cli.simulate_cmd import speed
from streams.cli.start import settings_and_log

if TYPE_CHECKING:
    from streams.lab.demo import Outcome
    from streams.settings import Settings

_DESCRIPTION = """\
Starts a Kafka broker and a Redis-compatible store on loopback, a worker, the board (at HIGHTIDE_BOARD, or any free port
if that is taken), and the simulator with CHENSMCHEN's evening in women's wear: four evenings of live rooms, of which
the last has the record. Prints alerts as they are confirmed, then recomputes everything from Kafka and compares. Exit
0: no difference.
"""


def register(subparsers: Any) -> None:
    """Add the command to the program."""
    parser = subparsers.add_parser(
        "demo",
        help="see the main job run, with nothing else installed",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, another evening (default 1)")
    parser.add_argument(
        "--speed",
        type=speed,
        default=3600.0,
        metavar="X",
        help="seconds of the evening a second, or max (default 3600)",
    )
    parser.add_argument("--stay", action="store_true", help="leave servers, worker and board running until Ctrl-C")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; 1 if the audit found a difference."""
    from dataclasses import replace

    from streams.lab.servers import embedded_servers

    # simulated time says nothing about the clock on the wall, so the clock may not move the watermark
    settings = replace(settings_and_log(), idle_s=0, log_level="warning")
    with tempfile.TemporaryDirectory(prefix="hightide-demo-") as folder, embedded_servers() as servers:
        board = _free(settings.board)
        pointed = replace(settings, kafka=servers.kafka, redis=servers.redis, board=board)
        print(f"broker at {servers.kafka}, store at {servers.redis}", flush=True)
        return asyncio.run(_demo(pointed, arguments, Path(folder)))


async def _demo(settings: Settings, arguments: argparse.Namespace, folder: Path) -> int:
    from streams.errors import Expected
    from streams.lab.demo import demo
    from streams.lab.simulator.pace import Pace
    from streams.topic_admin import ensure_topics, simulated_topics

    await ensure_topics(settings, simulated_topics(settings))
    try:
        outcome = await demo(
            settings, arguments.seed, Pace(arguments.speed), folder, lambda line: print(line, flush=True)
        )
    except Expected:
        _show_logs(folder)
        raise
    _conclude(outcome)
    if arguments.stay:
        await _stay(settings, folder)
    return 1 if outcome.report.differences else 0


def _show_logs(folder: Path) -> None:
    for log in sorted(folder.glob("*.log")):
        print(log.read_text("utf-8", "replace")[-4000:], file=sys.stderr)


def _conclude(outcome: Outcome) -> None:
    from streams.cli.audit_cmd import lines
    from streams.lab.demo import headline

    print("\n" + "\n".join([*headline(outcome), *lines(outcome.report, 20)]), flush=True)


async def _stay(settings: Settings, folder: Path) -> None:
    """Keep everything up, with a worker and a board, until Ctrl-C."""
    from streams.lab.processes import board_process, worker_process

    print(f"export HIGHTIDE_KAFKA={settings.kafka}\nexport HIGHTIDE_REDIS={settings.redis}")
    async with (
        worker_process(settings, folder / "worker.log") as worker,
        board_process(settings, folder / "board-again.log") as board,
    ):
        print(f"servers, worker and the board at {board} stay up; Ctrl-C ends them", file=sys.stderr, flush=True)
        await asyncio.to_thread(worker.wait)


def _free(address: str) -> str:
    """The address if it can be had, else any port of this machine: a demo should not end before it begins."""
    from streams.board.serve import listening_socket
    from streams.settings import SettingsError

    try:
        with listening_socket(address):
            return address
    except SettingsError:
        return "127.0.0.1:0"
