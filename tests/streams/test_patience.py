"""Asking again: how long, how often, and what is said. Time is made of numbers here."""

import itertools
import logging

import pytest

from streams.errors import ServerMissing
from streams.patience import backoff_s, until_answered


class Clock:
    """Moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, pause_s: float) -> None:
        self.pauses.append(pause_s)
        self.now += pause_s


class Server:
    """Answers from attempt number `answers_at` (from 0) on."""

    def __init__(self, answers_at: float) -> None:
        self.answers_at = answers_at
        self.attempts = 0

    async def ask(self) -> None:
        self.attempts += 1
        if self.attempts <= self.answers_at:
            raise ServerMissing("connection refused")


@pytest.mark.parametrize(
    ("attempt", "chance", "expected_s"),
    [(0, 0.0, 0.25), (0, 1.0, 0.5), (1, 1.0, 1.0), (2, 1.0, 2.0), (4, 1.0, 8.0), (5, 1.0, 10.0), (10_000, 0.0, 5.0)],
)
def test_pauses_double_up_to_ten_seconds(attempt: int, chance: float, expected_s: float) -> None:
    assert backoff_s(attempt, chance) == expected_s


async def test_a_server_that_answers_at_once_is_not_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with caplog.at_level(logging.DEBUG):
        await until_answered("Kafka at k:1", Server(0).ask, sleep=clock.sleep, clock=clock)
    assert caplog.records == []
    assert clock.pauses == []


async def test_one_line_when_it_is_away_and_one_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    clock, server = Clock(), Server(5)
    with caplog.at_level(logging.DEBUG):
        await until_answered("Kafka at k:1", server.ask, sleep=clock.sleep, clock=clock)
    away, back = (record.getMessage() for record in caplog.records)
    assert away == f"Kafka at k:1 does not answer (connection refused): trying again in {clock.pauses[0]:.1f} s"
    assert back == f"Kafka at k:1 answers now, after {clock.now:.0f} s"
    assert server.attempts == 6
    assert all(0.25 <= pause_s <= 10.0 for pause_s in clock.pauses)


async def test_after_the_deadline_it_gives_up_with_the_reason() -> None:
    clock, server = Clock(), Server(10_000)
    with pytest.raises(ServerMissing, match=r"Kafka at k:1 does not answer \(connection refused\): gave up after"):
        await until_answered("Kafka at k:1", server.ask, 30.0, sleep=clock.sleep, clock=clock)
    assert 20.0 <= clock.now <= 30.0


async def test_a_deadline_of_zero_asks_once() -> None:
    clock, server = Clock(), Server(10_000)
    with pytest.raises(ServerMissing):
        await until_answered("Kafka at k:1", server.ask, 0.0, sleep=clock.sleep, clock=clock)
    assert server.attempts == 1
    assert clock.pauses == []


async def test_another_error_is_not_waited_out() -> None:
    attempts = itertools.count()

    async def broken() -> None:
        next(attempts)
        raise ValueError("a fault of ours")

    with pytest.raises(ValueError, match="a fault of ours"):
        await until_answered("Kafka at k:1", broken)
    assert next(attempts) == 1
