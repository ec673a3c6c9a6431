"""What processes cost, read from this very process and from one that has gone."""

import os
import subprocess
import sys

import pytest

from streams.errors import Expected
from streams.lab.bench.usage import Span, cpu_s, peak_rss_mb, rss_bytes

SPIN = "import time\nwhile time.process_time() < 0.2: pass\nprint('spun', flush=True)\nimport sys; sys.stdin.read()"


@pytest.fixture
def spinning() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", SPIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_cpu_and_memory_of_another_process(spinning: "subprocess.Popen[bytes]") -> None:
    with spinning:
        assert spinning.stdout is not None
        spinning.stdout.readline()
        # it asked for 0.2 s of its own time; the kernel tells steps of 10 ms
        assert 0.18 <= cpu_s(spinning.pid) < 5
        assert 2 < peak_rss_mb(spinning.pid) < 500


def test_memory_that_is_taken_shows_at_once() -> None:
    before = rss_bytes(os.getpid())
    taken = bytearray(b"1") * (64 << 20)
    assert 0.9 * len(taken) < rss_bytes(os.getpid()) - before < 1.5 * len(taken)


def test_a_span_counts_from_its_beginning() -> None:
    before = cpu_s(os.getpid())
    used = Span({"me": os.getpid()}).end()
    assert used.seconds > 0
    assert 0 <= used.cpu_s["me"] <= cpu_s(os.getpid()) - before


def test_a_process_that_has_gone_is_one_line() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with pytest.raises(Expected, match=rf"process {gone.pid} can not be measured"):
        cpu_s(gone.pid)
