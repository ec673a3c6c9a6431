"""Listeners that take nothing, and a store that is away: both are told apart from what is well."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from starlette.requests import Request

from streams.board import listening
from streams.board.access import Access
from streams.board.hub import Hub
from streams.board.listening import Listening
from streams.board.serve import assemble
from streams.metrics import Metrics
from streams.settings import Settings
from tests.streams.board.test_hub import push


async def test_a_listener_who_takes_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "CUT_AFTER_S", 0.05)
    hub, never = Hub(), asyncio.Event()
    push(hub, 1)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            await never.wait()

    async def receive() -> Any:
        await never.wait()

    request = Request({"type": "http", "method": "GET", "path": "/v1/stream", "headers": []}, receive)
    served = Listening(hub, None, Access(None), Metrics())  # type: ignore[arg-type]  # no alert is looked up
    async with asyncio.timeout(5):
        await served.serve(request, [], send)
    assert [each["type"] for each in sent] == ["http.response.start", "http.response.body"]
    assert hub.listeners == 0


async def test_a_store_that_is_away_is_said_and_what_was_read_last_is_kept() -> None:
    redis = Redis.from_url("redis://127.0.0.1:1/0")  # nothing listens there
    hub = Hub()
    parts = assemble(Settings(), redis, Access(None), hub)
    push(hub, 1_000)
    polling = asyncio.create_task(parts.poller.run())
    async with asyncio.timeout(10):
        while hub.state is None or hub.state.freshness.store:  # noqa: ASYNC110  # what is waited for is a poll
            await asyncio.sleep(0.01)
    polling.cancel()
    assert hub.state.freshness.as_of_ms == 1_000
    assert parts.poller.away is not None and "does not answer" in parts.poller.away
    with pytest.raises(asyncio.CancelledError):
        await polling
    await redis.aclose()
