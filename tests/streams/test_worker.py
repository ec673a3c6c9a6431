"""The frame of a worker: servers that come and go before it starts, and an end that always says why."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from redis.exceptions import ConnectionError as RedisGone

from streams import worker as module
from streams.errors import Expected, LogReplaced, ServerMissing, StoreRefused, WorkerStuck
from streams.health import PartitionState
from streams.intake.partition import Partition
from streams.intake.resends import ResendMemory
from streams.settings import Settings
from streams.worker import Worker


class Left(Exception):
    """Stands for the end of the process."""


def worker() -> Worker:
    return Worker(Settings(), lambda app, parts: None)


def failing(*errors: Exception) -> Callable[..., Awaitable[None]]:
    """Something that fails with each of `errors` in turn, and then does not."""
    left = list(errors)

    async def call(*arguments: Any) -> None:
        if left:
            raise left.pop(0)

    return call


# -- before ------------------------------------------------------------------------------------
@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which server was waited for, in order; every check passes unless a test says otherwise."""
    seen: list[str] = []

    async def wait(server: str) -> None:
        seen.append(server)

    monkeypatch.setattr(module, "BEAT_EVERY_S", 0.0)
    monkeypatch.setattr(module, "wait_for_redis", lambda url: wait("redis"))
    monkeypatch.setattr(module, "wait_for_kafka", lambda servers: wait("kafka"))
    for name in ("check_store", "check_layout", "check_scripts", "require_topics"):
        monkeypatch.setattr(module, name, failing())
    return seen


async def test_both_servers_are_waited_for_and_then_checked(waits: list[str]) -> None:
    await worker()._until_ready(None)  # type: ignore[arg-type]  # nothing here speaks to it
    assert waits == ["redis", "kafka"]


@pytest.mark.parametrize(
    ("check", "error"),
    [
        ("check_store", RedisGone("it went while Kafka was waited for")),
        ("check_scripts", RedisGone("it went")),
        ("require_topics", ServerMissing("Kafka went")),
    ],
)
async def test_a_server_that_went_away_again_is_waited_for_again(
    waits: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, check: str, error: Exception
) -> None:
    monkeypatch.setattr(module, check, failing(error))
    await worker()._until_ready(None)  # type: ignore[arg-type]
    assert waits == ["redis", "kafka"] * 2
    assert caplog.messages == [f"a server went away again before it was checked ({error})"]


async def test_what_waiting_does_not_mend_is_not_waited_for(waits: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "check_store", failing(StoreRefused("another program's")))
    with pytest.raises(StoreRefused):
        await worker()._until_ready(None)  # type: ignore[arg-type]
    assert waits == ["redis", "kafka"]


# -- what it says of itself ----------------------------------------------------------------------
async def test_while_it_starts_it_says_what_it_waits_for(waits: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    it, said = worker(), []

    async def wait(server: str) -> None:
        said.append(it._seen().reasons())

    monkeypatch.setattr(module, "wait_for_redis", wait)
    monkeypatch.setattr(module, "wait_for_kafka", wait)
    await it._until_ready(None)  # type: ignore[arg-type]
    assert said == [["not up: waiting for Redis"], ["not up: waiting for Kafka"]]


def working(it: Worker, **heartbeat: bool) -> Worker:
    """The worker as it is once it is up, with one partition of 10 records of which 4 are settled."""
    partition = Partition(TP("orders", 0), 1, 0, [4, 6], ResendMemory(0), end=10)
    told = {"redis_away": False, "kafka_away": False, **heartbeat}
    intake = SimpleNamespace(partitions={partition.tp: partition})
    it._assembly = SimpleNamespace(heartbeat=SimpleNamespace(**told), parts=SimpleNamespace(intake=intake))  # type: ignore[assignment]
    it._waits_for = None
    return it


def test_once_it_is_up_it_says_where_it_stands() -> None:
    seen = working(worker())._seen()
    assert (seen.up, seen.reasons()) == (True, [])
    assert seen.partitions == (PartitionState("orders", 0, 4, 6, None),)


@pytest.mark.parametrize("server", ["redis", "kafka"])
def test_a_server_that_is_away_is_said(server: str) -> None:
    seen = working(worker(), **{f"{server}_away": True})._seen()
    assert seen.reasons() == [f"{server.capitalize()} does not answer"]


async def test_its_loop_is_seen_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_EVERY_S", 0.0)
    it, beats, often = worker(), [], asyncio.Event()

    def beat(seen: object) -> None:
        beats.append(seen)
        if len(beats) == 3:
            often.set()

    it._health.beat = beat  # type: ignore[method-assign]
    living = asyncio.create_task(it._live())
    await often.wait()
    living.cancel()


async def test_work_that_is_given_up_for_the_end_is_let_go_first() -> None:
    it, seen = worker(), []

    async def work() -> None:
        try:
            it._end(WorkerStuck("x"))
            await asyncio.Event().wait()
        finally:
            seen.append("let go")

    assert not await it._before_the_end(work())
    assert seen == ["let go"]


# -- during ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "code"), [(LogReplaced("another log"), 78), (WorkerStuck("no progress"), 75), (ValueError("ours"), 70)]
)
async def test_a_failure_in_the_background_ends_the_worker(error: Exception, code: int) -> None:
    it = worker()
    await it._every(0.0, failing(error))
    assert it._fault is not None
    assert it._fault.exit_code == code
    assert str(error) in str(it._fault)


async def test_a_store_that_is_away_ends_no_background_work() -> None:
    it, seen = worker(), []

    async def work() -> None:
        seen.append("asked")
        if len(seen) < 4:
            raise RedisGone("refused")
        it._ended.set()

    await it._every(0.0, work)
    assert (len(seen), it._fault) == (4, None)


async def test_the_first_fault_is_the_one_that_is_told() -> None:
    it, first = worker(), LogReplaced("the cause")
    it._end(first)
    it._end(Expected("what followed from it"))
    assert it._fault is first


# -- after -------------------------------------------------------------------------------------
class Stopping:
    """An app, detector, publisher and producer whose stop fails with `error`, if there is one."""

    def __init__(self, error: Exception | None = None) -> None:
        self._stop = failing(*([error] if error else []))

    def assembly(self) -> Any:
        part = SimpleNamespace(stop=self._stop, release=self._stop, close=self._stop)
        return SimpleNamespace(app=part, detector=part, publisher=part, purger=part)


async def test_a_process_whose_threads_do_not_end_is_left_by_force(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left: queue.Queue[int] = queue.Queue()
    monkeypatch.setattr(module.os, "_exit", left.put)
    monkeypatch.setattr(module.logging, "shutdown", lambda: None)
    it = worker()
    it._end(WorkerStuck("no progress"))
    it._watch_the_end(0.01)
    assert left.empty()
    it._leaving.set()
    # the loop stands still meanwhile
    assert left.get(timeout=5) == 75
    assert caplog.messages == ["stopped by force: the process did not end by itself", "no progress"]


@pytest.mark.parametrize(("fault", "code"), [(LogReplaced("another log"), 78), (None, 0)])
async def test_a_stop_that_fails_leaves_by_force_with_the_code_and_the_words_of_the_fault(
    fault: Expected | None, code: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def leave(code: int) -> None:
        raise Left(code)

    monkeypatch.setattr(module.os, "_exit", leave)
    monkeypatch.setattr(module.logging, "shutdown", lambda: None)
    it = worker()
    if fault:
        it._end(fault)
    with pytest.raises(Left) as left:
        await it._close(Stopping(ValueError("x")).assembly(), SimpleNamespace(stop=failing()))  # type: ignore[arg-type]
    assert left.value.args == (code,)
    assert caplog.messages == ["stopped by force: x", *([str(fault)] if fault else [])]


async def test_an_end_does_not_wait_for_a_redrive_that_waits_for_kafka() -> None:
    it = worker()

    async def work() -> None:
        it._ended.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await it._every(0.0, lambda: it._redrive(SimpleNamespace(work=work)))  # type: ignore[arg-type]
    assert it._fault is None


async def test_a_redrive_that_fails_ends_the_worker_with_the_reason() -> None:
    it = worker()
    async with asyncio.timeout(5):
        await it._every(0.0, lambda: it._redrive(SimpleNamespace(work=failing(ValueError("odd")))))  # type: ignore[arg-type]
    assert it._fault is not None and "odd" in str(it._fault)
