"""What trials stand on: a broker that they share, and a store for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from streams.lab.servers import Broker, Store

#: the broker keeps every record of every trial in memory: begin anew after so many of them
TRIALS_A_BROKER = 40


class Ground:
    """The broker of one lane of trials. A fault that hurts it starts one of its own (`World.use_broker`) instead."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._broker: Broker | None = None
        self._used = 0

    def broker(self) -> Broker:
        """The running broker; topics of a trial have a prefix of its own there."""
        if self._broker is None or not self._broker.running or self._used >= TRIALS_A_BROKER:
            self.stop()
            self._broker = Broker(self.new_folder("broker"))
            self._broker.start()
            self._used = 0
        self._used += 1
        return self._broker

    def store(self, folder: Path) -> Store:
        """A new, empty store that a trial may kill, cut and empty; it writes through to its file, as by default."""
        store = Store(folder)
        store.start()
        return store

    def new_folder(self, name: str) -> Path:
        """A folder that nothing else uses."""
        return Path(mkdtemp(prefix=f"{name}-", dir=self.folder))

    def stop(self) -> None:
        """End the broker."""
        if self._broker is not None:
            self._broker.stop()
            self._broker = None


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """Ground for as long as the context lasts; nothing is started before it is asked for."""
    made = Ground(folder)
    try:
        yield made
    finally:
        made.stop()
