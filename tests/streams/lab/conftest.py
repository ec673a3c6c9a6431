"""The scenario of the record evening, made once for all tests, and its truth."""

import pytest

from streams.lab.simulator.chensmchen import chensmchen
from streams.lab.simulator.partitions import place
from streams.lab.simulator.planned import ORDERS, SESSIONS, Planned
from streams.lab.truth import Rules, Truth, compute_truth
from tests.streams.lab.reading import Arrived, first_copies

FOUR = {ORDERS: 4, SESSIONS: 4}


@pytest.fixture(scope="session")
def evening() -> list[Planned]:
    """The records of `chensmchen`, seed 1."""
    return list(chensmchen(1))


@pytest.fixture(scope="session")
def evening_events(evening: list[Planned]) -> list[Arrived]:
    """Its events, first copies of sound ones."""
    return first_copies(evening)


@pytest.fixture(scope="session")
def evening_truth(evening: list[Planned]) -> Truth:
    """Their truth on four partitions a topic."""
    return compute_truth(place(evening, FOUR), Rules(), drive_again=True)
