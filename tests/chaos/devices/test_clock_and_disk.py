"""A wrong clock is wrong and jumps, spans are right; a full disk takes nothing until there is room."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.devices.clock import NoFaketime, WrongClock
from tests.chaos.devices.disk import NoSmallDisk, SmallDisk

_SAY = "import sys, time\nfor _ in sys.stdin: print(time.time(), time.monotonic(), flush=True)"


@pytest.mark.parametrize("kind", ["for_python", "for_programs"])
def test_the_wall_clock_of_a_process_jumps_and_its_spans_do_not(tmp_path: Path, kind: str) -> None:
    clock = WrongClock(tmp_path)
    try:
        environment = getattr(clock, kind)()
    except NoFaketime as error:
        pytest.skip(str(error))
    clock.set(3600)
    with subprocess.Popen(
        [sys.executable, "-c", _SAY],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def ask() -> tuple[float, float]:
            process.stdin.write("\n")
            process.stdin.flush()
            wall, span = map(float, process.stdout.readline().split())
            return wall - time.time(), span - time.monotonic()

        ahead, span = ask()
        clock.set(-3600)
        until = time.monotonic() + 10
        behind, later = ask()
        while behind > 0 and time.monotonic() < until:
            time.sleep(0.05)
            behind, later = ask()
    assert ahead == pytest.approx(3600, abs=5)
    assert behind == pytest.approx(-3600, abs=5)
    assert later == pytest.approx(span, abs=1)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of one megabyte."""
    disk = SmallDisk(tmp_path / "small", 1)
    try:
        disk.mount()
    except NoSmallDisk as error:
        pytest.skip(str(error))
    yield disk
    disk.unmount()


def test_a_full_disk_takes_nothing_until_there_is_room(disk: SmallDisk) -> None:
    file = disk.path / "file"
    file.write_bytes(b"before")
    disk.fill()
    with pytest.raises(OSError, match="No space left"), file.open("ab") as opened:
        opened.write(bytes(10_000))
    disk.make_room()
    with file.open("ab") as opened:
        opened.write(bytes(10_000))
    assert file.stat().st_size >= 10_000
