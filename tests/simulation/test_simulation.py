"""Many small worlds, each with its own faults, and all must end as the truth of their log says.

A seed that goes wrong is played again with `python -m tests.simulation --seed N --show`.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as some

from tests.simulation.mutations import MUTATIONS
from tests.simulation.plan import KINDS, SCRIPT_ERRORS, Fault, Plan, plan_of
from tests.simulation.world import Wrong, play

#: seeds of every run of the tests, and those of the long one
FEW, MANY = 100, 5_000


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Workers say a lot while their servers fall over."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """`python -m tests.simulation` with these words."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *words], capture_output=True, text=True, check=False
    )


def test_every_world_ends_as_its_log_says() -> None:
    ended = command("--seeds", str(FEW))
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.long
def test_a_great_many_worlds_end_as_their_logs_say() -> None:
    ended = command("--first", str(FEW), "--seeds", str(MANY))
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_seed_is_the_same_run_in_every_process() -> None:
    shown = command("--seed", "7", "--show").stdout
    assert len(shown.splitlines()) > 3
    assert command("--seed", "7", "--show").stdout == shown


def test_a_run_that_goes_wrong_says_its_seed_and_what_happened() -> None:
    ended = command("--mutation", "M9", "--seed", "3", "--show")
    assert ended.returncode == 1
    assert ended.stdout.startswith("seed=3\n")
    assert "worker-1 starts" in ended.stdout


# -- faults that hypothesis chooses, and shrinks -----------------------------------------------------
faults = some.builds(
    Fault,
    at_s=some.integers(0, 40).map(lambda tenths: tenths / 10),
    kind=some.sampled_from(sorted(KINDS)),
    who=some.integers(0, 5),
    long_s=some.sampled_from((0.2, 1.0, 3.0)),
    far=some.sampled_from((0.05, 0.2, 0.6, 1.0)),
    error=some.sampled_from(SCRIPT_ERRORS),
)


def plans() -> some.SearchStrategy[Plan]:
    """The worlds of the seeds, shortened, with other faults."""
    return some.builds(
        _with_faults,
        some.integers(0, 10_000),
        some.integers(1, 60),
        some.lists(faults, max_size=6),
        some.integers(1, 3),
        some.integers(1, 3),
    )


def _with_faults(seed: int, records: int, chosen: list[Fault], shards: int, workers: int) -> Plan:
    plan = plan_of(seed)
    in_order = tuple(sorted(chosen, key=lambda fault: fault.at_s))
    arrivals = plan.arrivals[:records]
    return replace(plan, faults=in_order, arrivals=arrivals, shards=shards, workers=workers, faults_until_s=5.0)


@given(plan=plans())
@settings(max_examples=60, derandomize=True, database=None)
def test_no_choice_of_faults_makes_a_difference(plan: Plan) -> None:
    play(plan)


@pytest.mark.long
def test_what_goes_wrong_is_shrunk_to_the_fault_that_matters() -> None:
    """The same with a bug: of many faults the one stays that shows it."""
    bug = next(each for each in MUTATIONS if each.name == "M6")

    def goes_wrong(plan: Plan) -> bool:
        with bug.made() as changed:
            try:
                play(bug.arranged(plan), changed=changed)
            except Wrong:
                return True
        return False

    least = find(plans(), goes_wrong, settings=settings(max_examples=40, derandomize=True, database=None))
    assert len(least.faults) <= 1
    assert len(least.arrivals) <= 3


def test_the_order_of_sets_does_not_reach_a_run() -> None:
    """The command sets the hash seed itself, whatever it is started with."""
    one = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seed", "11", "--show"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "123"},
    )
    assert one.stdout == command("--seed", "11", "--show").stdout
