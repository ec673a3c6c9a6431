"""A small disk that can be filled and emptied: a file system in memory, which only root can mount."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_BLOCK = bytes(64 * 1024)
_BALLAST = "ballast"


class NoSmallDisk(Exception):
    """We may not mount one; the message says why."""


class SmallDisk:
    """`size_mb` at `path`, from `mount` until `unmount`."""

    def __init__(self, path: Path, size_mb: int) -> None:
        self.path = path
        self._size_mb = size_mb

    def mount(self) -> None:
        """Raises `NoSmallDisk`."""
        if os.geteuid() != 0:
            raise NoSmallDisk("a small disk needs the right to mount one: run as root")
        self.path.mkdir(parents=True, exist_ok=True)
        options = ["-t", "tmpfs", "-o", f"size={self._size_mb}m", "none", str(self.path)]
        done = subprocess.run(["mount", *options], capture_output=True, text=True)
        if done.returncode:
            raise NoSmallDisk(f"a small disk could not be mounted ({done.stderr.strip()})")

    def unmount(self) -> None:
        """What is on it is gone. Whoever has files open there keeps them until it ends."""
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)

    def fill(self) -> None:
        """Leave no room at all."""
        with (self.path / _BALLAST).open("ab", buffering=0) as ballast:
            for block in (_BLOCK, b"\0" * 4096, b"\0"):
                try:
                    while ballast.write(block) == len(block):
                        pass
                except OSError:
                    continue

    def make_room(self) -> None:
        """Take away what filled it."""
        (self.path / _BALLAST).unlink(missing_ok=True)
