"""`hightide top`: the board in a terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from streams.cli.start import settings_and_log

if TYPE_CHECKING:
    from schemas.live import Snapshot
    from streams.settings import Settings

_DESCRIPTION = """\
Shows the running hour against the best one, its clusters and anchors, open sessions and the latest alerts, once a
second, read from Redis: no board need run. q or Ctrl-C ends it. Without a terminal, or with --once, it prints
them once.
"""
_EVERY_S = 1.0
_ALERTS = 8


def register(subparsers: Any) -> None:
    """Add the command to the program."""
    parser = subparsers.add_parser(
        "top",
        help="watch the running hour in a terminal",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--once", action="store_true", help="print it once and end")
    parser.add_argument("--json", action="store_true", help="print it once as JSON, as /v1/stream has it")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    import asyncio

    settings = settings_and_log()
    once = arguments.once or arguments.json or not sys.stdout.isatty()
    return asyncio.run(_once(settings, arguments.json) if once else _watch(settings))


async def _once(settings: Settings, as_json: bool) -> int:
    import msgspec

    from streams.board.top import plain

    async with _Reading(settings) as reading:
        state = await reading.read()
    if as_json:
        print(msgspec.json.encode(state).decode())
    else:
        shown = "\n".join(_screen(state, settings))
        print(shown if sys.stdout.isatty() else plain(shown))
    return 0


async def _watch(settings: Settings) -> int:
    import asyncio

    pressed = asyncio.Event()
    async with _Reading(settings) as reading:
        with _raw_terminal(pressed.set):
            while not pressed.is_set():
                shown = _screen(await reading.read(), settings)
                # home, each line to its end, and nothing of the last screen below: no flicker
                sys.stdout.write("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in shown) + "\x1b[J")
                sys.stdout.flush()
                try:
                    await asyncio.wait_for(pressed.wait(), _EVERY_S)
                except TimeoutError:
                    continue
    return 0


class _Reading:
    """Reads the state with the latest alerts; the store may go away and come back."""

    def __init__(self, settings: Settings) -> None:
        from streams.board.book import Book
        from streams.board.leaders import Leaders
        from streams.board.state import StateReader
        from streams.board.told import ToldAlerts
        from streams.connect import redis_client

        self._settings = settings
        self._redis = redis_client(settings)
        book = Book(self._redis, settings)
        self._reader, self._told = StateReader(book, Leaders(book)), ToldAlerts(self._redis, settings)

    async def __aenter__(self) -> _Reading:
        from streams.connect import wait_for_redis

        await wait_for_redis(self._settings.redis, 10.0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._redis.aclose()

    async def read(self) -> Snapshot:
        """Everything now."""
        import time

        import msgspec

        from schemas.alerts import decode_alert
        from schemas.answers import Told

        state = await self._reader.read(time.time_ns() // 1_000_000)
        alerts = [Told(entry=each.id, alert=decode_alert(each.json)) for each in await self._told.latest(_ALERTS)]
        return msgspec.structs.replace(state, alerts=alerts)


def _screen(state: Snapshot, settings: Settings) -> list[str]:
    from shutil import get_terminal_size

    from streams.board.top import lines

    columns, rows = get_terminal_size((120, 100))
    return lines(state, columns, settings.zone.offset_ms)[: rows - 1]


@contextmanager
def _raw_terminal(on_q: Any) -> Iterator[None]:
    """Another screen, without a cursor, on which keys come one by one; as it was afterwards, whatever happens."""
    import asyncio
    import termios
    import tty

    keys = sys.stdin.fileno() if sys.stdin.isatty() else None
    before = None if keys is None else termios.tcgetattr(keys)

    def pressed() -> None:
        if sys.stdin.read(1) in ("q", "Q", ""):
            on_q()

    sys.stdout.write("\x1b[?1049h\x1b[?25l")
    if keys is not None:
        tty.setcbreak(keys)
        asyncio.get_running_loop().add_reader(keys, pressed)
    try:
        yield
    finally:
        if keys is not None and before is not None:
            asyncio.get_running_loop().remove_reader(keys)
            termios.tcsetattr(keys, termios.TCSADRAIN, before)
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()
