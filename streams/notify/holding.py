"""Why an alert waits: silences and quiet hours. Both delay what is told, neither loses it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from schemas.alerts import Alert
from schemas.deliveries import Silence

_MINUTE_MS: Final = 60_000
_DAY_MIN: Final = 1440

#: minutes of the day from, until; until may be before from, on the next day
Quiet = tuple[int, int]


def matches(alert: Alert, rules: Iterable[str], scopes: Iterable[str]) -> bool:
    """Whether an alert is of these rules and scopes; none given is all. `*` stands for anything in both.

    A scope is a dimension (`cluster`) or one of its ids (`cluster:fur`).
    """
    rules, scopes = list(rules), list(scopes)
    here = (alert.scope.dimension, f"{alert.scope.dimension}:{alert.scope.id}")
    of_rule = not rules or any(fnmatchcase(alert.rule.value, each) for each in rules)
    return of_rule and (not scopes or any(fnmatchcase(name, each) for name in here for each in scopes))


def is_on(silence: Silence, target: str, now_ms: int) -> bool:
    """Whether a silence is of this target, and of now."""
    return silence.from_ms <= now_ms < silence.until_ms and silence.target in (None, target)


def silenced_until_ms(alert: Alert, silences: Iterable[Silence]) -> int:
    """The end of the last of some silences that name the alert; 0 if none does."""
    return max((each.until_ms for each in silences if matches(alert, each.rules, each.scopes)), default=0)


def quiet_until_ms(quiet: Iterable[Quiet], offset_ms: int, now_ms: int) -> int:
    """The end of the quiet hours that it is now; 0 if it is none. `offset_ms`: what local clocks are ahead of UTC."""
    minute = (now_ms + offset_ms) // _MINUTE_MS
    began_ms = minute * _MINUTE_MS - offset_ms
    at = minute % _DAY_MIN
    left = [(until - at) % _DAY_MIN for begin, until in quiet if (at - begin) % _DAY_MIN < (until - begin) % _DAY_MIN]
    return began_ms + max(left) * _MINUTE_MS if left else 0
