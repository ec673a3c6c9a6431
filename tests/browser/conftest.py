"""A real browser, headless, on a board over a market that a real worker counted."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright
from redis.asyncio import Redis

from streams.lab.processes import board_process
from streams.settings import Settings
from tests.integration.conftest import addresses, redis, servers, settings  # noqa: F401  # fixtures
from tests.integration.scenario import Evening
from tests.integration.small import small_market

CHROMIUM = shutil.which("chromium")
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs servers and a browser."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.servers)
            item.add_marker(pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"))


@pytest.fixture
async def market(settings: Settings, redis: Redis, tmp_path: Path) -> AsyncIterator[Evening]:  # noqa: F811
    """A market that is not played yet, with a worker."""
    market = Evening(replace(settings, board="127.0.0.1:0"), redis, *small_market(), tmp_path)
    market.start_worker()
    yield market
    await market.end()


@pytest.fixture
async def board(market: Evening, tmp_path: Path) -> AsyncIterator[str]:
    """Its board's address."""
    async with board_process(market.settings, tmp_path / "board.log") as address:
        yield address


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium of the system; nothing is downloaded."""
    async with async_playwright() as playwright:
        # a container's root may not make namespaces
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A wall screen. What the page complains about fails the test."""
    context = await browser.new_context(viewport={"width": 1920, "height": 1080}, locale="en-US", color_scheme="dark")
    page, complaints = await context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    await context.close()
    # an answer that does not come, or is a problem, is told by the page itself
    assert [each for each in complaints if not each.startswith("Failed to load resource")] == []
