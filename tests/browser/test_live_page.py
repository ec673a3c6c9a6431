"""The live page in a real browser: what it shows is what was counted, and it says when that is old."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from schemas.money import yuan_text
from streams.lab.processes import board_process
from streams.topics import Topics
from tests.chaos.log import read_topics
from tests.integration.scenario import Evening
from tests.integration.told import until_told

#: notes when each alert first stands on the page, by the wall clock
_WATCH = """() => {
  window.seen = {};
  const look = () => document.querySelectorAll("[data-alert]").forEach((each) => {
    window.seen[each.dataset.alert] ??= performance.timeOrigin + performance.now();
  });
  new MutationObserver(look).observe(document.getElementById("alerts"), {childList: true, subtree: true});
}"""


async def play_and_finish(market: Evening) -> None:
    await market.play()
    report = await market.finish(market._workers[0])
    assert report.differences == []
    await until_told(market.redis, market.settings)


async def test_the_page_shows_what_was_counted(market: Evening, board: str, page: Page) -> None:
    await page.goto(board)
    await expect(page.locator("#as-of")).to_have_text("Waiting for the first event")
    await expect(page.locator("#hour-gmv")).to_have_text("–")  # unknown is never 0
    await play_and_finish(market)
    hour_ms = (market.truth.watermark_ms or 0) // 3_600_000 * 3_600_000
    hour = {
        tally.dimension + tally.id: each["gmv_fen"]
        for tally, each in market.truth.tallies.items()
        if tally.grain == "hour" and tally.start_ms == hour_ms
    }
    western, _, _ = yuan_text(hour["platformall"]).partition(" (")
    await expect(page.locator("#hour-gmv")).to_have_text(western, timeout=10_000)
    best = sorted((sum for id, sum in hour.items() if id.startswith("cluster") and "(none)" not in id), reverse=True)
    await expect(page.locator("#clusters b").first).to_have_text(yuan_text(best[0]))
    await expect(page.locator("#alerts li")).to_have_count(9)
    await expect(page.locator("#tide .mark")).to_have_count(1)
    await expect(page.locator("#alarm")).to_contain_text("No new events since")  # the market is of another year


async def test_an_alert_stands_on_the_page_within_a_second_of_its_topic(
    market: Evening, board: str, page: Page
) -> None:
    await page.goto(board)
    await page.evaluate(_WATCH)
    await play_and_finish(market)
    await asyncio.sleep(1)
    seen: dict[str, float] = await page.evaluate("window.seen")
    topic = Topics(market.settings.topic_prefix).alerts
    (records,) = (await read_topics(market.settings.kafka, [topic])).values()
    first: dict[str, int] = {}
    for record in records:
        first.setdefault(record.key.decode(), record.timestamp)
    waits_ms = sorted(at_ms - first[id] for id, at_ms in seen.items())
    assert len(waits_ms) > 20
    assert waits_ms[-1] < 1_000, waits_ms[-5:]


async def test_a_board_that_is_away_is_said_loudly_and_comes_back(market: Evening, tmp_path: Path, page: Page) -> None:
    async with board_process(market.settings, tmp_path / "first.log") as address:
        await page.goto(address)
        await expect(page.locator("#alarm")).to_be_hidden()
    await expect(page.locator("#alarm.loud")).to_contain_text("Connection lost")
    settings = replace(market.settings, board=address.removeprefix("http://"))
    async with board_process(settings, tmp_path / "second.log"):
        await expect(page.locator("#alarm")).to_be_hidden(timeout=15_000)


async def test_a_cluster_and_a_session_have_pages_of_their_own(market: Evening, board: str, page: Page) -> None:
    await play_and_finish(market)
    await page.goto(board)
    await page.locator("#clusters a").first.click()
    await expect(page.locator("#scope-gmv")).to_contain_text("¥")
    await expect(page.locator("#hours rect").first).to_be_attached()
    await page.locator("#back").click()
    await page.locator("#sessions a").first.click()
    await expect(page.locator("#scope-gmv")).to_contain_text("¥")
    await page.goto(f"{board}/scope.html?dimension=session&id=none-such")
    await expect(page.locator("#alarm.loud")).to_contain_text("The board could not say")


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_everyone_can_read_it(market: Evening, board: str, page: Page, language: str) -> None:
    """Without findings of axe in both themes; by keyboard; and on a phone without scrolling sideways."""
    await play_and_finish(market)
    await page.goto(f"{board}/?lang={language}")
    await expect(page.locator("#alerts li")).to_have_count(9)
    for _ in ("dark", "light"):
        assert await serious(page) == []
        await page.locator("#theme").click()
    await page.set_viewport_size({"width": 390, "height": 844})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(wide) == 0
    await page.locator(".name").focus()
    for expected in ("language", "theme"):
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.id") == expected
    await page.locator("#language").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if language == "en" else "en")


async def serious(page: Page) -> list[Any]:
    """What axe finds of the two graver kinds."""
    found = (await Axe().run(page)).response["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")]
