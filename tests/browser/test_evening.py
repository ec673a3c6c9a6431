"""The live page over real boards, workers and servers: what it shows is what was counted, and it shows it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Page, expect

from schemas.alerts import Alert, Rule, State, decode_alert
from schemas.money import yuan_text
from streams.lab.processes import board_process, worker_process
from streams.lab.simulator.catalogue import SCENARIOS
from streams.lab.simulator.dates import at
from streams.lab.simulator.pace import Pace
from streams.lab.simulator.play import play
from streams.lab.simulator.run import target_of
from streams.topics import Topics
from tests.browser.conftest import Lane
from tests.browser.looking import WALL, Look, text_of
from tests.chaos.log import read_topics
from tests.integration.scenario import Evening
from tests.integration.small import small_market
from tests.integration.told import until_told

#: notes when a revision of an alert first stands on the page, by the clock of this machine; 0: it was there before
_WATCH = """() => {
  window.seen = {};
  const note = (ms) => document.querySelectorAll("[data-alert]").forEach(({ dataset }) => {
    window.seen[`${dataset.alert} ${dataset.revision}`] ??= ms;
  });
  const look = () => note(Date.now());
  note(0);
  new MutationObserver(look).observe(document.getElementById("main"), {
    attributes: true, childList: true, subtree: true,
  });
}"""
_CHENSMCHEN = "session-chensmchen-20251231"


async def test_the_record_of_the_evening_appears_within_a_second_of_its_alert(
    lane: Lane, look: Look, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The night of CHENSMCHEN: up to eleven at once, the rest at 1,200 times its speed."""
    settings, records = lane.settings, list(SCENARIOS["chensmchen"].plan(1, None))
    eleven_ms = at("2025-12-31", 23)
    before = [each for each in records if each.arrival_ms < eleven_ms]
    async with (
        worker_process(settings, tmp_path / "worker.log"),
        board_process(settings, tmp_path / "board.log") as board,
    ):
        page = await look.at(board, size=WALL, ready="main .waiting")
        await play(before, target_of(settings), Pace(None))
        await expect(page.locator(".as-of time")).to_contain_text("31 Dec 22:59", timeout=60_000)
        await until_told(lane.redis, settings)
        await page.wait_for_timeout(2_000)
        await page.evaluate(_WATCH)
        await play(records[len(before) :], target_of(settings), Pace(1_200))
        record = page.locator(".events li.confirmed", has_text=_CHENSMCHEN).filter(has_text="Record session")
        await expect(record).to_contain_text("¥107.50 M 1.075 亿", timeout=30_000)
        await expect(record).to_contain_text("the platform, above ¥90.00 M (9000 万) of session-0002-20251229")
        await until_told(lane.redis, settings)
        await asyncio.sleep(1)
        shown = await waits(page, lane)
        await page.close()
    waits_ms = sorted(wait_ms for _, wait_ms in shown)
    record_property("ms from the topic to the page", waits_ms)
    assert waits_ms and waits_ms[-1] < 1_000, waits_ms
    records_of = [alert for alert, _ in shown if alert.rule is Rule.RECORD_SESSION and alert.holder.id == _CHENSMCHEN]
    assert any(alert.state is State.CONFIRMED for alert in records_of)


async def waits(page: Page, lane: Lane) -> list[tuple[Alert, int]]:
    """Alerts that were shown, and how many ms after their record in the topic."""
    seen: dict[str, int] = await page.evaluate("window.seen")
    topic = Topics(lane.settings.topic_prefix).alerts
    (told,) = (await read_topics(lane.settings.kafka, [topic])).values()
    found = []
    for record in told:
        alert = decode_alert(record.value)
        at_ms = seen.get(f"{alert.alert_id} {alert.revision}")
        if at_ms:
            found.append((alert, at_ms - record.timestamp))
    return found


async def test_the_page_shows_what_was_counted(lane: Lane, look: Look, tmp_path: Path) -> None:
    look.expected = ("404 (Not Found)",)  # of the session that there is not
    market = Evening(lane.settings, lane.redis, *small_market(), tmp_path)
    worker = market.start_worker()
    try:
        async with board_process(lane.settings, tmp_path / "board.log") as board:
            page = await look.at(board, ready="main .waiting")
            assert "¥" not in await text_of(page, "main"), "unknown is never ¥0"
            await market.play()
            assert (await market.finish(worker)).differences == []
            await until_told(market.redis, market.settings)
            await check_hour(page, market)
            await check_pages(page)
            await page.close()
    finally:
        await market.end()


async def check_hour(page: Page, market: Evening) -> None:
    """The running hour, its leaders and channels against the truth."""
    truth = market.truth
    hour_ms = (truth.watermark_ms or 0) // 3_600_000 * 3_600_000
    hour = {
        (tally.dimension, tally.id): each["gmv_fen"]
        for tally, each in truth.tallies.items()
        if tally.grain == "hour" and tally.start_ms == hour_ms
    }
    await expect(page.locator(".hero .huge")).to_have_text(spaced(hour["platform", "all"]), timeout=10_000)
    for dimension in ("cluster", "anchor"):
        sold = sorted(
            (fen for (of, id), fen in hour.items() if of == dimension and id != "(none)" and fen), reverse=True
        )
        amounts = page.locator(f".{dimension}s .money")
        await expect(amounts).to_have_text([spaced(fen) for fen in sold[:10]])
    sold = sorted((fen for (of, _), fen in hour.items() if of == "channel"), reverse=True)
    await expect(page.locator(".shares .money")).to_have_text([spaced(fen) for fen in sold])
    await expect(page.locator(".sign")).to_be_visible()  # the market is of another year


async def check_pages(page: Page) -> None:
    """What is ranked has a page of its own, and so has what is not there."""
    await page.locator(".clusters a").first.click()
    await expect(page.locator(".today .huge")).to_contain_text("¥")
    await expect(page.locator(".day rect.running")).to_be_attached()
    await page.go_back()
    await page.locator(".sessions a").first.click()
    await expect(page.locator(".curve path.water")).to_be_attached()
    assert await page.locator(".problem").count() == 0
    await page.goto(f"{page.url.split('#')[0]}#/report/today")
    await expect(page.locator(".provinces-gmv table")).to_be_visible()
    assert await page.locator(".problem").all_inner_texts() == []
    await page.goto(f"{page.url.split('#')[0]}#/session/none-such")
    await expect(page.locator(".problem")).to_contain_text("no event of a session of this name was counted")


def spaced(fen: int) -> str:
    """An amount as a page in English has it: both notations, the second one smaller and without brackets."""
    return yuan_text(fen).replace("(", "").replace(")", "")


async def test_a_board_that_is_away_is_said_loudly_and_comes_back(lane: Lane, look: Look, tmp_path: Path) -> None:
    look.expected = ("Failed to load resource", "net::ERR")
    async with board_process(lane.settings, tmp_path / "first.log") as board:
        page = await look.at(board, ready="main .waiting")
        await expect(page.locator(".sign")).to_have_count(0)
    await expect(page.locator(".sign.cut")).to_contain_text("Connection lost", timeout=10_000)
    again = replace(lane.settings, board=board.removeprefix("http://"))
    async with board_process(again, tmp_path / "second.log"):
        await expect(page.locator(".sign")).to_have_count(0, timeout=20_000)
