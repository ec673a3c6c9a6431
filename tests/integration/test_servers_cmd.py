"""`hightide servers`, run as a user runs it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisGone

from streams.connect import kafka_cluster_id
from streams.errors import ServerMissing
from streams.lab.servers.spawn import free_port
from streams.settings import Settings
from streams.topic_admin import check_topics, simulated_topics


@dataclass(frozen=True)
class Running:
    """The process, the settings that it printed, and what it says on stderr when it is up."""

    process: "subprocess.Popen[str]"
    settings: Settings
    said: str


def start(*options: str) -> Running:
    """Start the command and read what it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli.main", "servers", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("HIGHTIDE_")},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    lines = [process.stdout.readline(), process.stdout.readline()]
    kafka, redis = (line.strip().partition("=")[2] for line in lines)
    assert lines == [f"export HIGHTIDE_KAFKA={kafka}\n", f"export HIGHTIDE_REDIS={redis}\n"]
    return Running(process, Settings(kafka=kafka, redis=redis), process.stderr.readline())


@pytest.fixture
def running() -> Iterator[Running]:
    """The command without options, ended after the test."""
    it = start()
    yield it
    it.process.kill()
    it.process.communicate()


def gone(settings: Settings) -> bool:
    """Whether neither server answers any more."""
    with pytest.raises(ServerMissing):
        asyncio.run(kafka_cluster_id(settings.kafka))
    with Redis.from_url(settings.redis) as client, pytest.raises(RedisGone):
        client.ping()
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_both_with_topics_until_told(running: Running, number: signal.Signals) -> None:
    assert asyncio.run(check_topics(running.settings, simulated_topics(running.settings))).differences == ()
    with Redis.from_url(running.settings.redis) as client:
        assert client.ping()
    running.process.send_signal(number)
    out, err = running.process.communicate(timeout=20)
    assert (running.process.returncode, out, err) == (0, "", "")
    assert gone(running.settings)
    folder = re.search(r"logs are in (\S+);", running.said)
    assert folder is not None
    assert not Path(folder[1]).exists()


def test_ports_and_directory_can_be_chosen(tmp_path: Path) -> None:
    kafka_port, redis_port = free_port(), free_port()
    it = start("--dir", str(tmp_path), "--kafka-port", str(kafka_port), "--redis-port", str(redis_port))
    it.process.terminate()
    it.process.communicate(timeout=20)
    assert it.settings.kafka == f"127.0.0.1:{kafka_port}"
    assert it.settings.redis == f"redis://127.0.0.1:{redis_port}/0"
    assert sorted(path.name for path in tmp_path.glob("run-*/*.log")) == ["broker.log", "store.log"]


def test_when_one_dies_it_says_so_and_ends_the_other(running: Running) -> None:
    with Redis.from_url(running.settings.redis) as client:
        store = int(client.info("server")["process_id"])
    os.kill(store, signal.SIGKILL)
    _, err = running.process.communicate(timeout=20)
    assert running.process.returncode == 69
    assert err.startswith("hightide: the store ended by itself (exit code -9)")
    assert gone(running.settings)
