"""How much memory this process may take: what its container allows, else what the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

#: the part of it that the resend memory may fill: the rest is for Python, the client's buffers and the chunks
SHARE = 0.5


def allowed_bytes(setting_mb: int, root: Path = Path("/")) -> int:
    """Bytes that the resend memory may fill: `setting_mb` (`HIGHTIDE_MEMORY_MB`), or half of what there is if it is 0.

    `root` is the file system that the limits of the container are read from.
    """
    if setting_mb:
        return setting_mb << 20
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(min([physical, *_limits(root)]) * SHARE)


def _limits(root: Path) -> Iterator[int]:
    """Every limit that a control group of this process, or one above it, sets."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _limits_above(root / "sys/fs/cgroup", path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits_above(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes")


def _limits_above(top: Path, path: str, name: str) -> Iterator[int]:
    # inside a container the path may be the host's, of which only the top can be seen
    group = top / path.lstrip("/")
    for each in [group, *group.parents][: len(group.parts) - len(top.parts) + 1]:
        text = _text(each / name).strip()
        if text.isdigit():  # else "max": no limit
            yield int(text)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
