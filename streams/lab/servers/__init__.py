"""The embedded broker and store: two child processes on loopback, for the demo, the tests and the bench."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.lab.servers.broker import Broker
from streams.lab.servers.server import EmbeddedMissing, Server, ServerFailed
from streams.lab.servers.store import Store

__all__ = ["Broker", "EmbeddedMissing", "Server", "ServerFailed", "Servers", "Store", "embedded_servers"]


@dataclass(frozen=True, slots=True)
class Servers:
    """A running broker and a running store."""

    broker: Broker
    store: Store

    @property
    def kafka(self) -> str:
        """Bootstrap address, "127.0.0.1:port"."""
        return self.broker.address

    @property
    def redis(self) -> str:
        """URL, "redis://127.0.0.1:port/0"."""
        return f"redis://{self.store.address}/0"


@contextmanager
def embedded_servers(directory: Path | None = None, kafka_port: int = 0, redis_port: int = 0) -> Iterator[Servers]:
    """Start both, yield their addresses, end both. Port 0: any free one.

    Logs and the store's files go to a new folder inside `directory`, which stays; without one, to a temporary
    folder, which goes. New each time, because the broker's log ends with its process: tallies of an earlier run
    would stand in front of an empty log.

    Raises EmbeddedMissing if the extra `embedded` is not installed, ServerFailed if one does not come up.
    """
    with _folder(directory) as folder:
        broker, store = Broker(folder, kafka_port), Store(folder, redis_port)
        try:
            store.start()
            broker.start()
            yield Servers(broker, store)
        finally:
            broker.stop()
            store.stop()


@contextmanager
def _folder(directory: Path | None) -> Iterator[Path]:
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        yield Path(tempfile.mkdtemp(prefix="run-", dir=directory)).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="hightide-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary).resolve()
