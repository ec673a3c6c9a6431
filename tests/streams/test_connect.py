"""Connecting: what is said where nothing answers, and a connection that breaks."""

import pytest

from streams.connect import masked, wait_for_kafka, wait_for_redis
from streams.errors import ServerMissing


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://user:secret@store:6379/2", "redis://store:6379/2"),
        ("rediss://:se@cret@store:6379", "rediss://store:6379"),
        ("redis://store:6379/0?password=secret", "redis://store:6379/0"),
        ("unix:///run/valkey.sock", "unix:///run/valkey.sock"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


async def test_a_closed_port_is_missing_with_its_reason() -> None:
    # port 1 of loopback: nothing of an ordinary machine listens there
    with pytest.raises(ServerMissing, match=r"Kafka at 127\.0\.0\.1:1 does not answer \(connection refused\)"):
        await wait_for_kafka("127.0.0.1:1", 0.0)
    with pytest.raises(ServerMissing, match=r"Redis at redis://127\.0\.0\.1:1/0 does not answer \(.*111.*\)"):
        await wait_for_redis("redis://:secret@127.0.0.1:1/0", 0.0)
