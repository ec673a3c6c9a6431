"""What a setting's text may be: parsers that say what is valid and why a text is not.

Each returns a `Parser`; its `parse` raises `ValueError` with the reason alone, without the text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streams.tally.windows import Zone

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\]", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)

#: zones are checked over the years that events may have (and some to come), once a day
_ZONE_FROM, _ZONE_UNTIL = datetime(2015, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)

_REDIS_NOW: Final = ("redis", "rediss", "unix")
_REDIS_LATER: Final = ("redis+cluster", "redis+sentinel")


@dataclass(frozen=True, slots=True)
class Parser:
    """How one setting is read. `valid` says in words what it may be."""

    parse: Callable[[str], Any]
    valid: str


def address() -> Parser:
    """`host:port`; a port of 0 lets the system choose. An IPv6 host stands in brackets."""
    return Parser(_address, "host:port, e.g. 127.0.0.1:8080")


def address_or_off() -> Parser:
    """`host:port`, or nothing."""
    return Parser(lambda text: _address(text) if text else "", "host:port, e.g. 127.0.0.1:9100, or empty for off")


def addresses() -> Parser:
    """One or more `host:port`, separated by commas."""
    return Parser(_addresses, "host:port[,host:port], e.g. 127.0.0.1:9092")


def name(length: int) -> Parser:
    """1 to `length` characters that Kafka allows in a group and that are plain in a Redis key."""
    return Parser(lambda text: _matching(text, length, least=1), f"1 to {length} of the characters A-Z a-z 0-9 . _ -")


def prefix() -> Parser:
    """Up to 100 characters of a topic name."""
    return Parser(lambda text: _matching(text, 100, least=0), "up to 100 of the characters A-Z a-z 0-9 . _ -")


def whole(least: int, most: int) -> Parser:
    """A whole number in `[least, most]`."""

    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise ValueError("not a whole number")
        if not least <= int(text) <= most:
            raise ValueError("out of range")
        return int(text)

    return Parser(parse, f"a whole number from {least} to {most}")


def choice(*options: str) -> Parser:
    """One of some words, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in options:
            raise ValueError("unknown")
        return text.lower()

    return Parser(parse, " | ".join(options))


def on_or_off() -> Parser:
    """A switch."""

    def parse(text: str) -> bool:
        if text.lower() not in ("on", "off"):
            raise ValueError("unknown")
        return text.lower() == "on"

    return Parser(parse, "on | off")


def path_or_off() -> Parser:
    """The path of a file, or nothing. Whether it can be read is for whoever reads it to say."""
    return Parser(lambda text: text, "the path of a file, or empty for none")


def redis_url() -> Parser:
    """A Redis URL; cluster and sentinel are recognised and refused."""
    return Parser(_redis, "redis://host:port/db, rediss://host:port/db or unix:///path.sock")


def zone() -> Parser:
    """An IANA zone whose offset from UTC does not change."""
    return Parser(_zone, "the name of a zone without clock changes since 2015, e.g. Asia/Shanghai, UTC")


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or not _HOST.fullmatch(host):
        raise ValueError("not a host and a port")
    if not _WHOLE.fullmatch(port) or int(port) > 65_535:
        raise ValueError("the port is not a number from 0 to 65535")
    return text


def _addresses(text: str) -> str:
    each = [_address(part.strip()) for part in text.split(",")]
    if any(part.endswith(":0") for part in each):
        raise ValueError("a server to connect to has no port 0")
    return ",".join(each)


def _matching(text: str, length: int, least: int) -> str:
    if not re.fullmatch(rf"[A-Za-z0-9._-]{{{least},{length}}}", text, re.ASCII):
        raise ValueError("empty" if not text else "too long or with another character")
    return text


def _redis(text: str) -> str:
    url = urlsplit(text)
    if url.scheme in _REDIS_LATER:
        raise ValueError(f"{url.scheme}:// is not supported by this release")
    if url.scheme not in _REDIS_NOW:
        raise ValueError("not a Redis URL")
    if url.scheme == "unix":
        if url.netloc.rpartition("@")[2] or not url.path.startswith("/"):
            raise ValueError("no absolute path of a socket")
        return text
    if not url.hostname:
        raise ValueError("no host")
    if url.port == 0:  # `.port` itself raises ValueError above 65535
        raise ValueError("the port is not a number from 1 to 65535")
    if not re.fullmatch(r"/?|/\d{1,4}", url.path, re.ASCII):
        raise ValueError("the path is not the number of a database")
    return text


@cache
def _zone(text: str) -> Zone:
    try:
        found = ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("no such zone") from error
    day, offset = _ZONE_FROM, found.utcoffset(_ZONE_FROM.astimezone(found))
    while day < _ZONE_UNTIL:
        local = day.astimezone(found)
        if local.utcoffset() != offset:
            raise ValueError(
                f"its offset from UTC changed between {_ZONE_FROM.date()} and {local.date()}, and a clock that "
                "repeats or skips an hour has no comparable hours"
            )
        day += timedelta(days=1)
    return Zone(text, offset // timedelta(milliseconds=1))  # type: ignore[operator]  # ZoneInfo always has an offset
