"""The gate of the simulation: each bug that is put back on purpose is found within a thousand seeds."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest

from tests.simulation.mutations import MUTATIONS, Mutation

SEEDS = 1_000


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """`python -m tests.simulation` with these words."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.long
@pytest.mark.parametrize("bug", MUTATIONS, ids=lambda bug: bug.name)
def test_a_bug_that_is_put_back_is_found(bug: Mutation) -> None:
    found = command("--mutation", bug.name, "--seeds", str(SEEDS))
    assert found.returncode == 1, f"{bug.what}: not found\n{found.stdout}{found.stderr}"
    seed = found.stdout.split("\n", 1)[0].removeprefix("seed=")
    without = command("--seed", seed)
    assert without.returncode == 0, f"wrong without the bug, too:\n{without.stdout}"
    if bug.second:  # it is the bug that is found, not the defence that was taken away
        only_peeled = command("--mutation", bug.name, "--only-peeled", "--seed", seed)
        assert only_peeled.returncode == 0, only_peeled.stdout


def test_there_are_twelve() -> None:
    assert [bug.name for bug in MUTATIONS] == [f"M{number}" for number in range(1, 13)]


def test_a_mutation_ends_with_its_run() -> None:
    before = [getattr(owner, name) for bug in MUTATIONS for owner, name, _ in (*bug.patches, *bug.second)]
    for bug in MUTATIONS:
        with bug.made() as changed:
            assert bug.text is None or changed(bug.text[0]) == bug.text[1]
    assert [getattr(owner, name) for bug in MUTATIONS for owner, name, _ in (*bug.patches, *bug.second)] == before


def test_the_settle_script_has_the_texts_that_mutations_change() -> None:
    source = (files("streams.tally") / "settle.lua").read_text("utf-8")
    assert [bug.name for bug in MUTATIONS if bug.text and source.count(bug.text[0]) != 1] == []
