"""The truth does not depend on how partitions are interleaved, and the file gives back what was written."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.lab.simulator.chensmchen import chensmchen
from streams.lab.simulator.partitions import Placed, place
from streams.lab.simulator.planned import ORDERS, SESSIONS
from streams.lab.truth import Rules, Truth, compute_truth, read_truth, write_truth

THREE = {ORDERS: 3, SESSIONS: 2}


@pytest.fixture(scope="module")
def some() -> list[Placed]:
    """Every fortieth order and all sessions of the record evening: some of everything, refunds and resends included."""
    kept = [each for each in chensmchen(3) if each.topic == SESSIONS or hash_of(each.key) % 40 == 0]
    return list(place(kept, THREE))


def hash_of(key: str) -> int:
    return sum(key.encode())


@pytest.fixture(scope="module")
def truth(some: list[Placed]) -> Truth:
    return compute_truth(some, Rules(), {"seed": 3})


def test_some_of_everything_is_in_it(truth: Truth) -> None:
    assert truth.totals()["resends"] > 10
    assert truth.totals()["rejected"] > 1
    assert {alert.rule for alert in truth.alerts} == {"peak.hour", "peak.rolling", "record.session"}


@pytest.mark.parametrize("seed", range(3))
def test_any_interleaving_of_partitions_has_the_same_truth(some: list[Placed], truth: Truth, seed: int) -> None:
    assert compute_truth(interleaved(some, random.Random(seed)), Rules(), {"seed": 3}) == truth


def interleaved(records: list[Placed], rnd: random.Random) -> list[Placed]:
    """The same logs, read one after the other in bursts of random length."""
    queues: dict[tuple[str, int], list[Placed]] = {}
    for record in records:
        queues.setdefault((record.topic, record.partition), []).append(record)
    merged: list[Placed] = []
    while queues:
        chosen = rnd.choice(sorted(queues))
        burst = rnd.randint(1, 200)
        merged += queues[chosen][:burst]
        del queues[chosen][:burst]
        if not queues[chosen]:
            del queues[chosen]
    return merged


@given(order=st.permutations(range(12)))
def test_not_even_a_shuffle_matters_since_offsets_give_the_order(order: list[int], some: list[Placed]) -> None:
    few = some[:12]
    assert compute_truth([few[at] for at in order], Rules()) == compute_truth(few, Rules())


def test_the_file_gives_back_the_truth(tmp_path: Path, truth: Truth) -> None:
    path = tmp_path / "truth.jsonl"
    write_truth(path, truth)
    assert read_truth(path) == truth
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "no json\n", '{"kind":"tally"}\n', '{"kind":"meta","version":99}\n', "[]\n"])
def test_another_file_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"other\.jsonl"):
        read_truth(path)
