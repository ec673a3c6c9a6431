"""`hightide servers`: the embedded broker and store alone, until Ctrl-C."""

import argparse
import asyncio
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from streams.cli.start import port, settings_and_log

if TYPE_CHECKING:
    from streams.lab.servers import Servers
    from streams.settings import Settings

_LOOK_EVERY_S = 0.5


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `servers`."""
    parser = subparsers.add_parser(
        "servers",
        help="run the embedded broker and store, for trying things out",
        description="Runs the embedded broker and store on 127.0.0.1 until Ctrl-C, and prints the settings that point "
        "to them. The broker keeps its records in memory: they end with it.",
    )
    parser.add_argument("--dir", type=Path, metavar="DIR", help="keep logs and the store's files here, a folder a run")
    parser.add_argument(
        "--kafka-port", type=port, default=0, metavar="N", help="port of the broker (default: any free)"
    )
    parser.add_argument("--redis-port", type=port, default=0, metavar="N", help="port of the store (default: any free)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run both until SIGINT or SIGTERM, which end them in order: 0. Raises ServerFailed if one ends by itself."""
    from streams.lab.servers import embedded_servers
    from streams.topic_admin import ensure_topics, simulated_topics

    settings = settings_and_log()
    done = _until_told()
    with embedded_servers(arguments.dir, arguments.kafka_port, arguments.redis_port) as servers:
        pointed = replace(settings, kafka=servers.kafka, redis=servers.redis)
        asyncio.run(ensure_topics(pointed, simulated_topics(pointed)))
        _announce(servers, pointed)
        while not done.wait(_LOOK_EVERY_S):
            for server in (servers.broker, servers.store):
                server.must_run()
    return 0


def _announce(servers: "Servers", settings: "Settings") -> None:
    """The settings on stdout, so that a shell can take them; the words for people on stderr."""
    print(f"export HIGHTIDE_KAFKA={settings.kafka}\nexport HIGHTIDE_REDIS={settings.redis}", flush=True)
    print(
        f"broker and store are running, their logs are in {servers.broker.directory}; Ctrl-C ends them", file=sys.stderr
    )


def _until_told() -> threading.Event:
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    return told
