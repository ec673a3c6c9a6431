"""Reads the file of `HIGHTIDE_NOTIFY`: who is told what. Every mistake is named: file, key, value, what is valid."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from schemas.alerts import Rule, State
from streams.notify.addresses import is_public
from streams.notify.signing import webhook_key
from streams.notify.targets import PER_MINUTE, Kind, Target, Targets
from streams.settings import SettingsError

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_QUIET: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_DIMENSIONS: Final = (
    "platform", "category", "cluster", "province", "city", "channel", "merchant", "anchor", "room", "session",
)  # fmt: skip
_IP: Final = re.compile(r"[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")


class _Field(NamedTuple):
    """`read` gives the value for the target, or raises `ValueError`."""

    read: Callable[[Any], Any]
    valid: str


def read_targets(path: str, environ: Mapping[str, str]) -> Targets:
    """The targets of a file; none if `path` is empty. Raises `SettingsError` with a line for each mistake."""
    if not path:
        return Targets()
    try:
        document = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"HIGHTIDE_NOTIFY={path!r}: can not be read ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML ({error})") from error
    return parse_targets(path, document, environ)


def parse_targets(path: str, document: Mapping[str, Any], environ: Mapping[str, str]) -> Targets:
    """The targets of a parsed file. Raises as `read_targets` does."""
    mistakes: list[str] = []
    tables = document.get("target", [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise SettingsError(f"{path}: target = {tables!r}: not tables (valid: [[target]] once for each target)")
    old_min = _take(path, document, _FILE, mistakes).get("old_after_min", 60)
    mistakes += [f"{path}: {key}: there is no such key (valid: target, old_after_min)" for key in _extra(document)]
    targets = [_target(path, number, each, environ, mistakes) for number, each in enumerate(tables, 1)]
    found = [each for each in targets if each is not None]
    names = [each.name for each in found]
    mistakes += [f"{path}: name = {name!r}: stands twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return Targets(tuple(found), old_min * 60_000)


def _extra(document: Mapping[str, Any]) -> list[str]:
    return [key for key in document if key not in ("target", *_FILE)]


# -- one target --------------------------------------------------------------------------------
def _target(
    path: str, number: int, table: Mapping[str, Any], environ: Mapping[str, str], mistakes: list[str]
) -> Target | None:
    where = f"{path}: target {table.get('name', number)!r}"
    before = len(mistakes)
    values = _take(where, table, _TARGET, mistakes)
    known = [*_TARGET, *(f"{key}{how}" for key in ("url", "secret") for how in ("", "_env", "_file"))]
    mistakes += [
        f"{where}: {key}: there is no such key (valid: {', '.join(known)})" for key in table if key not in known
    ]
    mistakes += [
        f"{where}: {key} is missing (valid: {_TARGET[key].valid})" for key in ("name", "kind") if key not in table
    ]
    url, secret = (_secret(where, table, key, environ, mistakes) for key in ("url", "secret"))
    if len(mistakes) == before:
        kind = values["kind"]
        mistakes += [f"{where}: {each}" for each in _wrong(kind, url, secret, values.get("allow_private", False))]
        values = {"per_minute": PER_MINUTE[kind], **values}
    return Target(**values, url=url, secret=secret) if len(mistakes) == before else None


def _take(where: str, table: Mapping[str, Any], known: Mapping[str, _Field], mistakes: list[str]) -> dict[str, Any]:
    values = {}
    for key, field in known.items():
        if key not in table:
            continue
        try:
            values[key] = field.read(table[key])
        except ValueError as error:
            mistakes.append(f"{where}: {key} = {table[key]!r}: {error} (valid: {field.valid})")
    return values


def _secret(where: str, table: Mapping[str, Any], key: str, environ: Mapping[str, str], mistakes: list[str]) -> str:
    """A value that may stand in the file, in the environment or in a file of its own. It is named in no message."""
    given = [each for each in (key, f"{key}_env", f"{key}_file") if each in table]
    if len(given) > 1:
        mistakes.append(f"{where}: {' and '.join(given)}: only one of them can be")
    if len(given) != 1:
        return ""
    value = table[given[0]]
    if not isinstance(value, str):
        mistakes.append(f"{where}: {given[0]}: not a text")
        return ""
    if given[0].endswith("_env"):
        if value not in environ:
            mistakes.append(f"{where}: {given[0]} = {value!r}: no such variable (valid: one of the environment)")
        return environ.get(value, "").strip()
    if given[0].endswith("_file"):
        try:
            return Path(value).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            mistakes.append(f"{where}: {given[0]} = {value!r}: can not be read ({type(error).__name__})")
            return ""
    return value.strip()


def _wrong(kind: Kind, url: str, secret: str, allow_private: bool) -> list[str]:
    """What is wrong with address and secret of a target; neither is repeated."""
    said = []
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
        said.append("url: no address (valid: https://host[:port]/path without a user, as url, url_env or url_file)")
    elif not allow_private and parts.scheme != "https":
        said.append("url: not https (valid: https://…; http only with allow_private = true)")
    elif not allow_private and _IP.fullmatch(parts.hostname) and not is_public(parts.hostname):
        said.append(f"url: {parts.hostname} is a private address (allow_private = true permits it)")
    if kind is Kind.WEBHOOK:
        try:
            webhook_key(secret)
        except ValueError as error:
            said.append(f"secret: {error or 'missing'} (valid: whsec_ and base64 of 24 to 64 bytes)")
    return said


# -- values ------------------------------------------------------------------------------------
def _text(pattern: re.Pattern[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError("not a name")
        return value

    return read


def _whole(least: int, most: int) -> _Field:
    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError("not a number in that range")
        return value

    return _Field(read, f"a whole number from {least} to {most}")


def _kind(value: Any) -> Kind:
    if value not in list(Kind):
        raise ValueError("no kind of target")
    return Kind(value)


def _list(each: Callable[[str], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError("not a list of texts")
        return tuple(each(item) for item in value)

    return read


def _one_of(known: tuple[str, ...], part: Callable[[str], str] = str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not any(fnmatchcase(name, part(text)) for name in known):
            raise ValueError(f"{text!r} names none")
        return text

    return read


def _quiet(text: str) -> tuple[int, int]:
    found = _QUIET.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no span of the day")
    hour, minute, to_hour, to_minute = map(int, found.groups())
    return hour * 60 + minute, to_hour * 60 + to_minute


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")
    return value


_STATES: Final = tuple(State)
_RULES: Final = tuple(Rule)

#: what may stand where rules and scopes are chosen; each raises `ValueError` for what names none
rule_pattern: Final = _one_of(_RULES)
scope_pattern: Final = _one_of(_DIMENSIONS, lambda text: text.partition(":")[0])

#: keys of the file itself
_FILE: Final = {"old_after_min": _whole(1, 100_000_000)}
#: keys of a target, beside its address and secret
_TARGET: Final = {
    "name": _Field(_text(_NAME), "up to 40 of the characters a-z 0-9 _ -"),
    "kind": _Field(_kind, " | ".join(Kind)),
    "rules": _Field(_list(rule_pattern), f"a list of {', '.join(_RULES)}; * stands for anything"),
    "scopes": _Field(
        _list(scope_pattern),
        f"a list of dimensions, or dimension:id: {', '.join(_DIMENSIONS)}; * stands for anything",
    ),
    "states": _Field(_list(_one_of(_STATES)), f"a list of {', '.join(_STATES)}"),
    "per_minute": _whole(1, 6_000),
    "quiet": _Field(_list(_quiet), 'a list of spans on the local clock, e.g. ["23:00-08:00"]'),
    "timeout_s": _whole(1, 30),
    "allow_private": _Field(_bool, "true | false"),
}
