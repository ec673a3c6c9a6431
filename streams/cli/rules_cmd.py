"""`hightide rules`: check a file of rules, show the rules that hold."""

from __future__ import annotations

import argparse
import json
from typing import Any

from streams.cli.start import settings_and_log

_CHECK = """\
Reads a file of rules and says every mistake in it: file, rule, key, value, and what is valid. Exit 0: right; 2: wrong.

    [[rule]]
    kind = "peak.hour"                 # or peak.rolling, record.session, milestone
    name = "big hours"                 # once in a file
    about = "a best hour of a cluster or the platform, from 100,000 yuan on"
    scopes = ["cluster", "platform"]   # default: all that the kind has
    floor_yuan = 100_000               # default: 0

    [[rule]]
    kind = "milestone"
    name = "millions"
    about = "a session reaches one million, ten million, a hundred million yuan"
    sums_yuan = [1_000_000, 10_000_000, 100_000_000]

Peaks and records are detected, kept and audited whatever the rules say: rules choose what people are told.
Milestones are detected because a rule has them. record.session also takes metrics.
"""


def register(subparsers: Any) -> None:
    """Add `rules check` and `rules show`."""
    rules = subparsers.add_parser("rules", help="check a file of rules, or show the rules that hold")
    actions = rules.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check", help="say every mistake in a file", description=_CHECK,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    check.add_argument("file", metavar="FILE")
    check.set_defaults(run=run_check)
    show = actions.add_parser("show", help="show the rules of HIGHTIDE_RULES, or the built-in ones, as TOML")
    show.add_argument("--json", action="store_true", help="print one JSON object")
    show.set_defaults(run=run_show)


def run_check(arguments: argparse.Namespace) -> int:
    """Check one file. Raises `RulesRefused` with every mistake."""
    from streams.rules.live import read_rules

    book = read_rules(arguments.file)
    print(f"{arguments.file}: {len(book.rules)} rules, all right")
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Show the rules of this environment. Raises `RulesRefused`."""
    import msgspec

    from streams.rules.book import as_toml
    from streams.rules.live import read_rules

    book = read_rules(settings_and_log().rules)
    print(json.dumps(msgspec.to_builtins(book)) if arguments.json else as_toml(book))
    return 0
