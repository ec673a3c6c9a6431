"""A guard over speed: what costs twice as much as it did fails here.

Ratios within one run alone, never absolute times: the machine may be another one tomorrow, or busy. Of each arm its
best run counts, because what disturbs a run only ever makes it slower.
"""

import json
import subprocess
import sys
import time
from typing import Any

import pytest

pytestmark = [pytest.mark.servers, pytest.mark.long]

# The ratios as they were measured (2026-11-24). Who makes us faster writes down the new ones.
#: events a second of ours to plain Faust's, whose own rate is the one that noise moves most
OURS_TO_PLAIN_FAUST = 4.0
#: CPU an event of plain Faust to that of our worker
PLAIN_FAUST_CPU_TO_OURS = 8.0
#: CPU an event of the peers' job to that of aiokafka alone
PEERS_JOB_CPU_TO_RAW_AIOKAFKA = 1.0
#: CPU an event to one turn of the loop below
CPU_TO_LOOP = {"pure core": 45.0, "peers job": 19.0}
#: rows that our worker writes to Redis, an event
REDIS_ROWS = 1.3
#: how many times as bad a run may be: less than 2, and as much as two busy cores need
MARGIN = 1.6

_TURNS = 200_000
_ARMS = "hightide,peers-job,plain-faust,raw-aiokafka,pure-core"


def loop_us() -> float:
    """CPU microseconds of one turn of a loop of pure Python that does what a fold does."""
    began, sums = time.process_time(), dict[tuple[str, int], int]()
    names = [f"anchor-{number:04d}" for number in range(997)]
    for number in range(_TURNS):
        key = names[number % 997], number & 15
        sums[key] = sums.get(key, 0) + number
    return (time.process_time() - began) / _TURNS * 1e6


class Found:
    """One bench, with the loop before and after it."""

    def __init__(self, document: dict[str, Any], loop_us: float) -> None:
        self.arms = {arm["name"]: arm for arm in document["arms"]}
        self.loop_us = loop_us

    def events_per_s(self, arm: str) -> float:
        return float(self.arms[arm]["range"]["events_per_s"][1])

    def cpu_us(self, arm: str) -> float:
        return float(self.arms[arm]["range"]["cpu_us_per_event"][0])


@pytest.fixture(scope="module")
def found() -> Found:
    """One bench of the five arms on a small topic."""
    loops = [loop_us() for _ in range(5)]
    program = [sys.executable, "-m", "streams.cli.main", "bench", "--no-audit", "--json", "--warm-ups", "0"]
    bench = subprocess.run([*program, "--events", "60000", "--arms", _ARMS], stdout=subprocess.PIPE, check=True)
    loops += [loop_us() for _ in range(5)]
    return Found(json.loads(bench.stdout), min(loops))


def test_ours_to_plain_faust(found: Found) -> None:
    assert found.events_per_s("hightide") / found.events_per_s("plain faust") > OURS_TO_PLAIN_FAUST / MARGIN


def test_cpu_of_plain_faust_to_ours(found: Found) -> None:
    assert found.cpu_us("plain faust") / found.cpu_us("hightide") > PLAIN_FAUST_CPU_TO_OURS / MARGIN


def test_cpu_of_the_peers_job_to_raw_aiokafka(found: Found) -> None:
    assert found.cpu_us("peers job") / found.cpu_us("raw aiokafka") < PEERS_JOB_CPU_TO_RAW_AIOKAFKA * MARGIN


@pytest.mark.parametrize("arm", CPU_TO_LOOP)
def test_cpu_to_a_loop(found: Found, arm: str) -> None:
    assert found.cpu_us(arm) / found.loop_us < CPU_TO_LOOP[arm] * MARGIN


def test_rows_that_events_share(found: Found) -> None:
    assert found.arms["hightide"]["rows_per_event"] < REDIS_ROWS * MARGIN
