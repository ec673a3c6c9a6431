"""The rules of a process: read once at its start, and again when it is told to."""

from __future__ import annotations

import logging
from pathlib import Path

from schemas.alerts import Alert
from streams.errors import Expected
from streams.rules.book import DEFAULT, RuleBook, RulesWrong, parse_rules

_log = logging.getLogger(__name__)


class RulesRefused(Expected):
    """The file of rules is wrong: mend the lines that are named, each with its rule, key and value."""

    exit_code = 2


def read_rules(path: str) -> RuleBook:
    """The rules of the file at `path`, the built-in ones if it is empty. Raises `RulesRefused`."""
    if not path:
        return DEFAULT
    try:
        return parse_rules(Path(path).read_text("utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise RulesRefused(f"{path} can not be read: {error} (valid: a file of TOML)") from error
    except RulesWrong as error:
        raise RulesRefused(str(error)) from error


class LiveRules:
    """The rules as they are now. Raises `RulesRefused` when it is made of a wrong file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.book = read_rules(path)

    def reload(self) -> None:
        """Read the file again; a wrong one is said, and changes nothing."""
        try:
            self.book = read_rules(self._path)
        except RulesRefused as error:
            _log.error("the rules stay as they were: %s", error)
        else:
            _log.info("%d rules are read from %s", len(self.book.rules), self._path or "the program")

    def tell(self, alert: Alert) -> bool:
        """Whether any rule tells people of an alert, now."""
        return bool(self.book.telling(alert))

    def milestones_fen(self) -> tuple[int, ...]:
        """The sums at which sessions are told, now."""
        return self.book.milestones_fen
