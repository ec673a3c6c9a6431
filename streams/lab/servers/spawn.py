"""Child processes that end with their parent, and ports that nobody else is about to take."""

import os
import random
import socket
import subprocess
import sys
import threading
from pathlib import Path

# Below every usual range of ephemeral ports (Linux from 32768, macOS and Windows from 49152): a client that keeps
# connecting to a dead server's ephemeral port ends up, one time in 28,000, connected to itself and holds the port.
_FIRST_PORT, _LAST_PORT = 20_000, 31_999

# Asks the kernel (Linux, PR_SET_PDEATHSIG = 1) to kill this process when its parent is gone, kill -9 included, and
# then becomes the server. A program of its own and not a preexec_fn, which may deadlock in a parent with threads.
# The parent may have gone before the kernel was asked: hence the look at getppid().
_FOLLOW_PARENT = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def spawn(command: list[str], log_path: Path) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own (Ctrl-C in the terminal is ours to pass on), its output into a file."""
    with log_path.open("ab") as log:
        return subprocess.Popen(
            [*leash(), *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=log_path.parent,
            start_new_session=True,
            env={**os.environ, "RUST_LOG": "warn", "NO_COLOR": "1"},
        )


def leash() -> list[str]:
    """The prefix of a command that ties a child to this process.

    Linux only, and from the main thread only: the kernel sends the signal when the *thread* that started the child
    ends. Elsewhere a child survives a parent that was killed with SIGKILL.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return []
    return [sys.executable, "-I", "-S", "-c", _FOLLOW_PARENT, str(os.getpid())]


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free right now."""
    for port in random.sample(range(_FIRST_PORT, _LAST_PORT + 1), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise OSError(f"no free port between {_FIRST_PORT} and {_LAST_PORT}")
