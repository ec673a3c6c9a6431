"""What the subcommands of `hightide bench` share: kinds of values, servers, plots."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from streams.cli.start import settings_and_log

if TYPE_CHECKING:
    from streams.lab.bench.servers import Place

_MOST = 1e9


# -- options -----------------------------------------------------------------------------------
def add_places(parser: argparse.ArgumentParser) -> None:
    """The options that every subcommand has."""
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, other orders (default 1)")
    parser.add_argument(
        "--servers", choices=("embedded", "settings"), default="embedded",
        help="embedded ones, or those of HIGHTIDE_KAFKA and HIGHTIDE_REDIS (default embedded)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def place_of(arguments: argparse.Namespace) -> AbstractContextManager[Place]:
    """The servers that were chosen, with the other settings from the environment."""
    from streams.lab.bench.servers import given_servers, own_servers

    servers = own_servers if arguments.servers == "embedded" else given_servers
    return servers(settings_and_log())


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """SIGTERM is taken as Ctrl-C: either way, the processes that were started are ended."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def write_plot(path: Path | None, draw: Callable[[], str]) -> None:
    """Write an SVG, if one is wanted."""
    if path is not None:
        path.write_text(draw(), encoding="utf-8")


# -- kinds of values ---------------------------------------------------------------------------
def above_0(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def count(text: str) -> int:
    """A whole number of at least 1; `10_000`, `100k` and `1m` are understood."""
    factor = {"k": 1_000, "m": 1_000_000}.get(text[-1:].lower(), 1)
    digits = (text[:-1] if factor > 1 else text).replace("_", "")
    if not digits.isascii() or not digits.isdigit() or not 0 < int(digits) * factor <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {_MOST:.0f}")
    return int(digits) * factor


def counts(text: str) -> list[int]:
    """Whole numbers between commas."""
    return [count(part.strip()) for part in text.split(",")]


def rates(text: str) -> list[float]:
    """Numbers above 0 between commas."""
    return [above_0(part.strip()) for part in text.split(",")]
