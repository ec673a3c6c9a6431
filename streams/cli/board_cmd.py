"""`hightide board`: API, stream and live page, in a process of its own."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from streams.cli.start import settings_and_log

_DESCRIPTION = """\
Answers over HTTP at HIGHTIDE_BOARD from Redis alone: the live page at /, tallies, sessions, rankings and alerts under
/v1, what happens now at /v1/stream, and the documentation of it all at /docs. Ctrl-C or SIGTERM ends it cleanly.

On 127.0.0.1 no token is needed. Elsewhere HIGHTIDE_TOKENS names a file with one line a token: role, name, SHA-256.
"""


def register(subparsers: Any) -> None:
    """Add the command to the program."""
    parser = subparsers.add_parser(
        "board",
        help="serve the HTTP API and the live page",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--new-token",
        metavar="NAME",
        help="make a token: its line for the file on stdout, the token itself, shown this once, on stderr",
    )
    parser.add_argument("--role", choices=("read", "operate"), default="read", help="what it may do (default read)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.new_token is not None:
        return _new_token(arguments.role, arguments.new_token)
    import asyncio

    from streams.board.serve import serve_board
    from streams.loop import Loop

    settings = settings_and_log()
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(serve_board(settings, lambda address: print(f"board at {address}", flush=True)))
    return 0


def _new_token(role: str, name: str) -> int:
    from streams.board.access import TokensWrong, new_token, parse_tokens

    token, line = new_token(role, name)
    try:
        parse_tokens(line)
    except TokensWrong:
        print("hightide: a name has 1 to 64 of the characters A-Z a-z 0-9 . _ -", file=sys.stderr)
        return 2
    print(line)
    print(f"the token, keep it: {token}", file=sys.stderr)
    return 0
