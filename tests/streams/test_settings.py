"""Settings: defaults, every rule, and what a wrong value is answered with."""

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from streams.settings import Settings, SettingsError, load, table
from streams.tally.windows import SHANGHAI, Zone


def test_an_empty_environment_gives_the_defaults_of_the_contract() -> None:
    settings = load({})
    assert settings == Settings()
    assert (settings.kafka, settings.redis, settings.group) == (
        "127.0.0.1:9092",
        "redis://127.0.0.1:6379/0",
        "hightide",
    )
    assert (settings.topic_prefix, settings.shards, settings.board) == ("", 1, "127.0.0.1:8080")
    assert (settings.zone, settings.lateness_s, settings.dedupe_s) == (SHANGHAI, 120, 900)
    assert (settings.idle_s, settings.min_history, settings.refund_days, settings.metrics) == (60, 3, 30, "")


def test_other_keys_are_not_ours() -> None:
    assert load({"PATH": "/bin", "hightide_kafka": "x", "XHIGHTIDE_KAFKA": "x"}) == Settings()


@pytest.mark.parametrize(
    ("key", "text", "field", "value"),
    [
        ("KAFKA", "a:9092", "kafka", "a:9092"),
        ("KAFKA", "a.b-c:9092, 10.0.0.1:9093,[::1]:9094", "kafka", "a.b-c:9092,10.0.0.1:9093,[::1]:9094"),
        ("REDIS", "redis://h", "redis", "redis://h"),
        ("REDIS", "rediss://u:p@h:6380/15", "redis", "rediss://u:p@h:6380/15"),
        ("REDIS", "unix:///run/redis.sock", "redis", "unix:///run/redis.sock"),
        ("GROUP", "a" * 64, "group", "a" * 64),
        ("TOPIC_PREFIX", "test.", "topic_prefix", "test."),
        ("TOPIC_PREFIX", "", "topic_prefix", ""),
        ("SHARDS", "1024", "shards", 1024),
        ("BOARD", "0.0.0.0:0", "board", "0.0.0.0:0"),
        ("TIMEZONE", "UTC", "zone", Zone("UTC", 0)),
        ("TIMEZONE", "Asia/Kolkata", "zone", Zone("Asia/Kolkata", 19_800_000)),
        ("TIMEZONE", "America/Phoenix", "zone", Zone("America/Phoenix", -25_200_000)),
        ("LATENESS_S", "0", "lateness_s", 0),
        ("DEDUPE_S", " 86400 ", "dedupe_s", 86_400),
        ("IDLE_S", "0", "idle_s", 0),
        ("MIN_HISTORY", "16", "min_history", 16),
        ("REFUND_DAYS", "35", "refund_days", 35),
        ("METRICS", "127.0.0.1:9100", "metrics", "127.0.0.1:9100"),
        ("METRICS", "", "metrics", ""),
        ("SESSION_S", "1", "session_s", 1),
        ("CHUNK_RECORDS", "1", "chunk_records", 1),
        ("REJECT_LIMIT", "1", "reject_limit", 1),
        ("PARTITIONS", "64", "partitions", 64),
        ("LOG_LEVEL", "WARNING", "log_level", "warning"),
    ],
)
def test_what_is_valid(key: str, text: str, field: str, value: Any) -> None:
    assert getattr(load({f"HIGHTIDE_{key}": text}), field) == value


@pytest.mark.parametrize(
    ("key", "text", "why"),
    [
        ("KAFKA", "", "not a host and a port"),
        ("KAFKA", "localhost", "not a host and a port"),
        ("KAFKA", "a:9092,", "not a host and a port"),
        ("KAFKA", "kafka://a:9092", "not a host and a port"),
        ("KAFKA", "a:70000", "the port is not a number from 0 to 65535"),
        ("KAFKA", "a:0", "no port 0"),
        ("REDIS", "127.0.0.1:6379", "not a Redis URL"),
        ("REDIS", "redis://", "no host"),
        ("REDIS", "redis://h:0", "the port is not a number from 1 to 65535"),
        ("REDIS", "redis://h:65536", "Port out of range"),
        ("REDIS", "redis://h/one", "not the number of a database"),
        ("REDIS", "unix://run/redis.sock", "no absolute path"),
        ("REDIS", "redis+cluster://h:6379", "redis.cluster:// is not supported by this release"),
        ("REDIS", "redis+sentinel://h:26379/main", "redis.sentinel:// is not supported by this release"),
        ("GROUP", "", "empty"),
        ("GROUP", "a" * 65, "too long"),
        ("GROUP", "a:b", "another character"),
        ("GROUP", "a{0}", "another character"),
        ("TOPIC_PREFIX", "a/", "another character"),
        ("SHARDS", "0", "out of range"),
        ("SHARDS", "1025", "out of range"),
        ("SHARDS", "two", "not a whole number"),
        ("SHARDS", "1.0", "not a whole number"),
        ("SHARDS", "１", "not a whole number"),
        ("BOARD", "8080", "not a host and a port"),
        ("LATENESS_S", "-1", "not a whole number"),
        ("MIN_HISTORY", "17", "out of range"),
        ("METRICS", "off", "not a host and a port"),
        ("LOG_LEVEL", "loud", "unknown"),
        ("TIMEZONE", "Mars/Olympus", "no such zone"),
        ("TIMEZONE", "../../etc/passwd", "no such zone"),
        ("TIMEZONE", "", "no such zone"),
        ("TIMEZONE", "Europe/Berlin", "its offset from UTC changed between 2015-01-01 and 2015-03-30"),
        ("TIMEZONE", "Asia/Pyongyang", "its offset from UTC changed"),
    ],
)
def test_what_is_not_valid_is_named_with_its_key_and_what_would_be(key: str, text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as error:
        load({f"HIGHTIDE_{key}": text})
    line = str(error.value)
    assert line.startswith(f"HIGHTIDE_{key}={text!r}: ")
    assert line.endswith(")")
    assert "(valid: " in line
    assert "\n" not in line


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        load({"HIGHTIDE_SHARDS": "x", "HIGHTIDE_IDLE_S": "y", "HIGHTIDE_BOARD": "z", "HIGHTIDE_GROUP": "fine"})
    assert [line.partition("=")[0] for line in str(error.value).splitlines()] == [
        "HIGHTIDE_SHARDS", "HIGHTIDE_BOARD", "HIGHTIDE_IDLE_S",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("HIGHTIDE_SHARD", "HIGHTIDE_SHARD: there is no such setting (did you mean HIGHTIDE_SHARDS?)"),
        ("HIGHTIDE_TIME_ZONE", "HIGHTIDE_TIME_ZONE: there is no such setting (did you mean HIGHTIDE_TIMEZONE?)"),
        ("HIGHTIDE_", "HIGHTIDE_: there is no such setting"),
    ],
)
def test_an_unknown_key_of_ours_is_a_mistake(key: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        load({key: "1"})
    assert str(error.value).startswith(said)


def test_a_password_is_not_shown() -> None:
    with pytest.raises(SettingsError) as error:
        load({"HIGHTIDE_REDIS": "redis+cluster://user:se/c@ret@h:6379"})
    assert "'redis+cluster://***@h:6379'" in str(error.value)
    assert "ret@" not in str(error.value)


def test_the_table_has_a_documented_row_for_every_field() -> None:
    rows = table()
    assert len(rows) == len(fields(Settings))
    assert all(row.meaning and row.valid for row in rows)
    assert load({row.key: row.default for row in rows}) == Settings()


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().shards = 2  # type: ignore[misc]  # that is the point
