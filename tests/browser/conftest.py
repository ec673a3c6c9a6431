"""A real browser for the live page, one for the whole run: the system's Chromium. Where there is none, tests say so."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright
from redis.asyncio import Redis

from streams.connect import check_store, redis_client
from streams.settings import Settings
from streams.topic_admin import ensure_topics, simulated_topics
from tests.browser.looking import Look
from tests.browser.replay import Replay
from tests.integration.conftest import addresses, servers  # noqa: F401  # fixtures

_HERE = Path(__file__).parent
_NAMES = ("chromium", "chromium-browser", "google-chrome")


class Lane(NamedTuple):
    """Where a test plays to."""

    settings: Settings
    redis: Redis


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here runs in one loop, that of the browser, and needs what `make check` does not: a browser."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.servers)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        # a sandbox can not be had as root in a container; nothing but our own pages is opened
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def replay() -> AsyncIterator[Replay]:
    """A server of the page that streams and answers what a test says."""
    server = Replay()
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def look(browser: Browser) -> AsyncIterator[Look]:
    """Opens pages in contexts of their own, and after the test finds that nothing was wrong with any of them."""
    looking = Look(browser)
    yield looking
    await looking.close()
    assert looking.faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def lane(addresses: tuple[str, str]) -> AsyncIterator[Lane]:  # noqa: F811
    """Topics and a group of their own on real servers, and a client of the store."""
    kafka, redis_url = addresses
    name = f"b{uuid4().hex[:12]}"
    board = "127.0.0.1:0"
    settings = Settings(kafka=kafka, redis=redis_url, group=name, topic_prefix=f"{name}-", idle_s=0, board=board)
    await ensure_topics(settings, simulated_topics(settings))
    redis = redis_client(settings)
    await check_store(redis, settings)
    yield Lane(settings, redis)
    await redis.aclose()
