"""Patience with Redis: what passes is waited out and said once, what time does not mend stops the worker."""

from collections.abc import Awaitable, Callable

import pytest
from redis import exceptions as redis_errors

import streams.intake.store_calls
from streams.errors import StoreFault
from streams.intake.store_calls import Patience

PASSING = [
    redis_errors.ConnectionError("Connection refused"),
    redis_errors.TimeoutError("Timeout reading from socket"),
    redis_errors.BusyLoadingError("Redis is loading the dataset in memory"),
    redis_errors.ReadOnlyError("You can't write against a read only replica."),
    redis_errors.OutOfMemoryError("command not allowed when used memory > 'maxmemory'"),
    redis_errors.ClusterDownError("The cluster is down"),
    redis_errors.TryAgainError("Multiple keys request during rehashing of slot"),
    redis_errors.NoScriptError("No matching script."),
    OSError("Network is unreachable"),
    redis_errors.ResponseError("BUSY Redis is busy running a script."),
    redis_errors.ResponseError("Command # 1 (GET h) of pipeline caused error: ('BUSY Valkey is busy.',)"),
    redis_errors.ResponseError("Command # 2 (GET h) of pipeline caused error: BUSY Redis is busy."),
    redis_errors.ResponseError("NOREPLICAS Not enough good replicas to write."),
    redis_errors.ResponseError("MISCONF Redis is configured to save RDB snapshots"),
    redis_errors.ResponseError("MASTERDOWN Link with MASTER is down"),
]
LASTING = [
    redis_errors.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
    redis_errors.ResponseError("increment or decrement would overflow"),
    redis_errors.ResponseError("Command # 1 (GET BUSY) of pipeline caused error: WRONGTYPE Operation against a key"),
    redis_errors.NoPermissionError("this user has no permissions to run the 'evalsha' command"),
]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two tries."""
    monkeypatch.setattr(streams.intake.store_calls, "backoff_s", lambda attempt, chance: 0.0)


class Store:
    """Fails with each of `errors` in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.asked = 0
        self._errors = list(errors)

    async def ask(self) -> str:
        self.asked += 1
        if self._errors:
            raise self._errors.pop(0)
        return "the answer"


def counting() -> tuple[Patience, list[None]]:
    retries: list[None] = []
    return Patience(lambda: retries.append(None)), retries


def kind(error: Exception) -> str:
    return f"{type(error).__name__} {str(error).split()[0]}"


async def test_a_store_that_answers_is_asked_once_and_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    patience, retries = counting()
    assert await patience.call("settling", Store().ask) == "the answer"
    assert (retries, caplog.messages) == ([], [])


@pytest.mark.parametrize("error", PASSING, ids=kind)
async def test_what_passes_is_tried_again_until_it_does(error: Exception) -> None:
    patience, retries = counting()
    store = Store(error, error, error)
    assert await patience.call("settling", store.ask) == "the answer"
    assert (store.asked, len(retries)) == (4, 3)


async def test_it_is_said_once_when_it_begins_and_once_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    gone = redis_errors.ConnectionError("Connection refused")
    await counting()[0].call("settling orders/0 from offset 7", Store(*[gone] * 50).ask)
    assert caplog.messages == [
        "settling orders/0 from offset 7: Redis does not take it (Connection refused), trying again until it does",
        "settling orders/0 from offset 7: Redis takes it again, after 50 tries",
    ]


async def test_an_error_without_words_is_told_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    await counting()[0].call("settling", Store(redis_errors.TimeoutError()).ask)
    assert "Redis does not take it (TimeoutError)" in caplog.messages[0]


@pytest.mark.parametrize("error", LASTING, ids=kind)
async def test_what_time_does_not_mend_stops_at_once(error: Exception) -> None:
    store = Store(error)
    with pytest.raises(StoreFault, match=r"Redis refused a script .* repair the key or the user's rights"):
        await counting()[0].call("settling", store.ask)
    assert store.asked == 1


async def test_it_stops_too_if_it_shows_only_after_the_store_was_away() -> None:
    patience, retries = counting()
    with pytest.raises(StoreFault, match="WRONGTYPE"):
        await patience.call("settling", Store(PASSING[0], LASTING[0]).ask)
    assert len(retries) == 1
    assert not patience.waiting


@pytest.mark.parametrize("error", [ValueError("ours"), StoreFault("said already")], ids=kind)
async def test_errors_of_others_pass_through(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        await counting()[0].call("settling", Store(error).ask)


async def test_it_waits_only_while_the_store_does_not_answer() -> None:
    patience = Patience(lambda: None)
    seen: list[bool] = []

    def looking(ask: Callable[[], Awaitable[str]]) -> Callable[[], Awaitable[str]]:
        async def look() -> str:
            seen.append(patience.waiting)
            return await ask()

        return look

    await patience.call("settling", looking(Store(PASSING[0], PASSING[1]).ask))
    assert seen == [False, True, True]
    assert not patience.waiting


async def test_with_two_calls_it_waits_until_the_last_is_answered() -> None:
    patience = Patience(lambda: None)
    inner = Store(PASSING[0])

    async def outer() -> str:
        if not patience.waiting:
            raise PASSING[0]
        await patience.call("the other", inner.ask)
        assert patience.waiting
        return "done"

    assert await patience.call("this", outer) == "done"
    assert not patience.waiting
