"""The file of rules: its types, and every mistake in it with rule, key, value and what is valid. Pure."""

from __future__ import annotations

import re
import tomllib
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta

from schemas.alerts import METRICS, NET, Alert, State, sum_fen

Yuan = Annotated[int, Meta(ge=0, le=10**13)]
Sum = Annotated[int, Meta(ge=1, le=10**13)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
PeakScope = Literal["platform", "cluster", "category", "anchor"]
HourScope = Literal[PeakScope, "session"]
RecordScope = Literal[PeakScope, "merchant"]
Metric = Literal["gmv.paid.gross.v1", "gmv.paid.net.v1"]

_FEN: Final = 100
_CORRECTIONS: Final = (State.RETRACTED, State.SUPERSEDED, State.REINSTATED)


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    #: what people call it, once in a file
    name: Name
    #: one line that says what it is for
    about: Annotated[str, Meta(min_length=1, max_length=200)]


class HourPeaks(_Rule, frozen=True, tag="peak.hour"):
    """Tells best clock hours of `scopes` from `floor_yuan` on."""

    scopes: Annotated[tuple[HourScope, ...], Meta(min_length=1)] = get_args(HourScope)
    floor_yuan: Yuan = 0


class RollingPeaks(_Rule, frozen=True, tag="peak.rolling"):
    """Tells best spans of 60 minutes of `scopes` from `floor_yuan` on."""

    scopes: Annotated[tuple[PeakScope, ...], Meta(min_length=1)] = get_args(PeakScope)
    floor_yuan: Yuan = 0


class Records(_Rule, frozen=True, tag="record.session"):
    """Tells record sessions of `scopes` by `metrics` from `floor_yuan` on."""

    scopes: Annotated[tuple[RecordScope, ...], Meta(min_length=1)] = get_args(RecordScope)
    metrics: Annotated[tuple[Metric, ...], Meta(min_length=1)] = get_args(Metric)
    floor_yuan: Yuan = 0


class Milestones(_Rule, frozen=True, tag="milestone"):
    """Detects and tells sessions whose GMV reaches one of `sums_yuan`."""

    sums_yuan: Annotated[tuple[Sum, ...], Meta(min_length=1, max_length=20)]


AnyRule = HourPeaks | RollingPeaks | Records | Milestones
KINDS: Final[dict[str, type[AnyRule]]] = {
    "peak.hour": HourPeaks,
    "peak.rolling": RollingPeaks,
    "record.session": Records,
    "milestone": Milestones,
}

#: what may stand in a list of words; of other keys the errors say it
_VALID: Final = {
    ("peak.hour", "scopes"): get_args(HourScope),
    ("peak.rolling", "scopes"): get_args(PeakScope),
    ("record.session", "scopes"): get_args(RecordScope),
    ("record.session", "metrics"): METRICS,
}


class RuleBook(msgspec.Struct, frozen=True):
    """The rules of a file, in its order."""

    rules: tuple[AnyRule, ...]

    @property
    def milestones_fen(self) -> tuple[int, ...]:
        """Every sum at which a session is told, ascending."""
        sums = {each * _FEN for rule in self.rules if isinstance(rule, Milestones) for each in rule.sums_yuan}
        return tuple(sorted(sums))

    def telling(self, alert: Alert) -> list[str]:
        """The names of the rules that tell people of an alert; none: it stands in the topic, and nobody is told."""
        return [rule.name for rule in self.rules if tells(rule, alert)]


def tells(rule: AnyRule, alert: Alert) -> bool:
    """Whether a rule tells people of an alert. Whatever it says, the alert is detected, kept and audited."""
    if alert.rule != kind_of(rule):
        return False
    if isinstance(rule, Milestones):
        return sum_fen(alert.holder) in {each * _FEN for each in rule.sums_yuan}
    metrics = rule.metrics if isinstance(rule, Records) else METRICS
    if alert.scope.dimension not in rule.scopes or alert.metric not in metrics:
        return False
    # what refunds took below the floor was above it when it was told: who heard of it must hear the rest
    fell = alert.metric == NET and alert.state in _CORRECTIONS
    return fell or alert.value_fen >= rule.floor_yuan * _FEN


def kind_of(rule: AnyRule) -> str:
    """The word that stands as `kind` in the file: the `rule` of its alerts."""
    return str(rule.__struct_config__.tag)


#: what holds where no file is named: everything that is detected by default is told
DEFAULT: Final = RuleBook(
    (
        HourPeaks(name="peak hours", about="the best clock hour so far of a scope"),
        RollingPeaks(name="rolling peaks", about="the best 60 minutes of any day so far of a scope"),
        Records(name="record sessions", about="the best session so far of a scope, gross and net of refunds"),
    )
)


class RulesWrong(ValueError):
    """Nothing of the file holds. One line a mistake: file, rule, key, value, what is valid."""


def parse_rules(text: str, file: str) -> RuleBook:
    """Read a file of rules, called `file` in mistakes. Raises `RulesWrong` with all of them."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulesWrong(f"{file}: this is no TOML: {error}") from error
    mistakes = [f"{file}: {key}: there is no such table (valid: [[rule]])" for key in found if key != "rule"]
    tables = found.get("rule", [])
    if not isinstance(tables, list) or not tables:
        raise RulesWrong("\n".join([*mistakes, f"{file}: rule: no rules (valid: one [[rule]] or more)"]))
    rules: list[AnyRule] = []
    for number, table in enumerate(tables, start=1):
        try:
            rules.append(_rule(table, {rule.name for rule in rules}))
        except ValueError as error:
            mistakes.append(f"{file}: rule {number} ({_called(table)}): {error}")
    if mistakes:
        raise RulesWrong("\n".join(mistakes))
    return RuleBook(tuple(rules))


def _called(table: Any) -> str:
    return str(table.get("name", "without name")) if isinstance(table, dict) else "no table"


def _rule(table: Any, names: set[str]) -> AnyRule:
    kind = table.get("kind") if isinstance(table, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind = {kind!r}: there is no such kind (valid: {', '.join(KINDS)})")
    unknown = sorted(set(table) - {"kind", *KINDS[kind].__struct_fields__})
    if unknown:
        raise ValueError(f"{unknown[0]} = {table[unknown[0]]!r}: there is no such key (valid: {_keys(kind)})")
    try:
        rule = msgspec.convert(table, KINDS[kind])
    except msgspec.ValidationError as error:
        raise ValueError(_said(str(error), table, kind)) from error
    if rule.name in names:
        raise ValueError(f"name = {rule.name!r}: another rule has it (valid: each name once)")
    return rule


def _keys(kind: str) -> str:
    return ", ".join(("kind", *KINDS[kind].__struct_fields__))


def _said(error: str, table: dict[str, Any], kind: str) -> str:
    """An error of msgspec with key and value: it ends in a path, or names a key that is missing."""
    missing = re.search(r"missing required field `(\w+)`", error)
    if missing:
        return f"{missing[1]}: it is missing (valid: {_keys(kind)})"
    what, _, path = error.partition(" - at `$")
    key = re.match(r"\.(\w+)", path)
    if not key:
        return error
    valid = ", ".join(_VALID.get((kind, key[1]), ()))
    return f"{key[1]} = {table[key[1]]!r}: {what}{f' (valid: {valid})' if valid else ''}"


def as_toml(book: RuleBook) -> str:
    """The rules as a file that says the same."""
    return "\n\n".join("\n".join(["[[rule]]", *_lines(rule)]) for rule in book.rules)


def _lines(rule: AnyRule) -> list[str]:
    fields = {"kind": kind_of(rule), **{name: getattr(rule, name) for name in rule.__struct_fields__}}
    # TOML's basic strings, arrays and integers are written as JSON's
    return [f"{name} = {msgspec.json.encode(value).decode()}" for name, value in fields.items()]
