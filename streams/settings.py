"""Every setting, from the environment: one frozen object, built once and passed on.

`load` reads a mapping, checks every key and reports all mistakes at once. `table` lists the keys for the README.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, Final

from streams.failpoints import VARIABLE as FAILPOINT
from streams.parsing import (
    Parser,
    address,
    address_or_off,
    addresses,
    choice,
    name,
    on_or_off,
    path_or_off,
    prefix,
    redis_url,
    whole,
    zone,
)
from streams.tally.windows import SHANGHAI, Zone

PREFIX: Final = "HIGHTIDE_"


class SettingsError(Exception):
    """The environment is wrong; the process must not start. One line a mistake: key, value, what is valid."""


def _setting(key: str, default: str, parser: Parser, meaning: str) -> Any:
    """A field that is read from `HIGHTIDE_<key>`; `default` is text, parsed like any other value."""
    metadata = {"key": PREFIX + key, "default": default, "parser": parser, "meaning": meaning}
    return field(default_factory=lambda: parser.parse(default), metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a process of Hightide is told. `Settings()` has all defaults."""

    kafka: str = _setting("KAFKA", "127.0.0.1:9092", addresses(), "Kafka bootstrap servers, `host:port[,host:port]`")

    redis: str = _setting("REDIS", "redis://127.0.0.1:6379/0", redis_url(), "Redis or Valkey, as a URL")

    group: str = _setting(
        "GROUP", "hightide", name(64), "application id: Kafka consumer group and first part of every Redis key"
    )

    topic_prefix: str = _setting("TOPIC_PREFIX", "", prefix(), "put before every topic name")

    shards: int = _setting(
        "SHARDS", "1", whole(1, 1024), "parts that the tallies are split into; fixed once data is in"
    )

    board: str = _setting("BOARD", "127.0.0.1:8080", address(), "bind address of API and live page")

    tokens: str = _setting(
        "TOKENS", "", path_or_off(), "file of the board's bearer tokens; empty = none, on a loopback address alone"
    )

    zone: Zone = _setting(  # noqa: RUF009  # it makes a dataclass field
        "TIMEZONE",
        SHANGHAI.name,
        zone(),
        "zone whose clock hours and days are the windows; its offset must be constant",
    )

    lateness_s: int = _setting("LATENESS_S", "120", whole(0, 86_400), "how long after its end a window stays open")

    dedupe_s: int = _setting(
        "DEDUPE_S", "900", whole(0, 86_400), "an event is a resend if its last copy arrived at most this much before"
    )

    idle_s: int = _setting(
        "IDLE_S", "60", whole(0, 86_400), "after this much silence the clock may move the watermark; 0 = it may not"
    )

    rules: str = _setting("RULES", "", path_or_off(), "the file of rules (TOML); empty = the built-in ones")

    min_history: int = _setting(
        "MIN_HISTORY", "3", whole(0, 16), "earlier holders with sales that a scope needs before it alerts"
    )

    # at most as long as hours are kept: a refund restated to an older hour is refused as expired
    refund_days: int = _setting(
        "REFUND_DAYS",
        "30",
        whole(0, 35),
        "days, by arrivals, for which an order is remembered once it is known",
    )

    order_index: bool = _setting(
        "ORDER_INDEX",
        "on",
        on_or_off(),
        "remember every payment: attributes refunds that do not say where they belong, and refuses a second payment",
    )

    feed: bool = _setting(
        "FEED",
        "on",
        on_or_off(),
        "publish changed tallies to the topic `tallies`, about once a second for each",
    )

    memory_mb: int = _setting(
        "MEMORY_MB",
        "0",
        whole(0, 1 << 24),
        "MiB that the memory of resends may fill; 0 = half of what the container or the machine has",
    )

    metrics: str = _setting(
        "METRICS", "", address_or_off(), "bind address of a worker's `/metrics`, `/readyz`, `/healthz`; empty = off"
    )

    notify: str = _setting(
        "NOTIFY", "", Parser(str, "the path of a file, or empty for nobody"), "TOML file of who is told; empty = nobody"
    )

    # the group only decides who reads what, the fences decide who counts: as short as the group's coordinator allows
    session_s: int = _setting(
        "SESSION_S", "6", whole(1, 300), "a worker that is silent for this long loses its partitions to the others"
    )

    chunk_records: int = _setting(
        "CHUNK_RECORDS", "50000", whole(1, 1_000_000), "largest number of records that one settle takes in"
    )

    reject_limit: int = _setting(
        "REJECT_LIMIT", "1000", whole(1, 1_000_000_000), "rejects in a row that stop a partition instead of draining it"
    )

    reject_share: int = _setting(
        "REJECT_SHARE",
        "50",
        whole(0, 100),
        "percent of a partition's last 10,000 records that, rejected, stop it; 0 = off, 100 = only all of them",
    )

    partitions: int = _setting("PARTITIONS", "4", whole(1, 10_000), "partitions of topics that `topics create` makes")

    log_level: str = _setting("LOG_LEVEL", "info", choice("debug", "info", "warning", "error"), "what is logged")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the README's table of settings."""

    key: str
    default: str
    meaning: str
    valid: str


def table() -> list[Row]:
    """Every setting, in the order in which they are documented."""
    return [
        Row(each.metadata["key"], each.metadata["default"], each.metadata["meaning"], each.metadata["parser"].valid)
        for each in fields(Settings)
    ]


def load(environ: Mapping[str, str]) -> Settings:
    """Build the settings from an environment, ignoring keys without our prefix.

    Raises `SettingsError` with one line for each wrong value and each unknown `HIGHTIDE_` key.
    """
    given = {key: value for key, value in environ.items() if key.startswith(PREFIX) and key != FAILPOINT}
    mistakes: list[str] = []
    values: dict[str, Any] = {}
    for each in fields(Settings):
        key, parser = each.metadata["key"], each.metadata["parser"]
        if key not in given:
            continue
        text = given.pop(key).strip()
        try:
            values[each.name] = parser.parse(text)
        except ValueError as error:
            mistakes.append(f"{key}={_masked(text)!r}: {error} (valid: {parser.valid})")
    mistakes += [_unknown(key) for key in given]
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return Settings(**values)


def _masked(text: str) -> str:
    """A value as it may be shown: without the user and password of a URL."""
    return re.sub(r"//.*@", "//***@", text)


def _unknown(key: str) -> str:
    close = get_close_matches(key, [row.key for row in table()], n=1)
    return f"{key}: there is no such setting" + (f" (did you mean {close[0]}?)" if close else "")
