"""The live page in a real browser, over a stream made of the examples of `schemas`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.looking import WALL, Look, text_of
from tests.browser.replay import Replay, alert, example, late

#: what a browser says of answers that a test means to be missing
_MISSING = "Failed to load resource"


@pytest.fixture(autouse=True)
def missing_answers_are_expected(look: Look) -> None:
    look.expected = (_MISSING,)


async def test_it_shows_what_is_streamed_in_both_notations(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url, size=WALL)
    assert await text_of(page, ".hero .huge") == "¥18.75 M 1875 万"
    assert await text_of(page, ".hero .against") == "87.2 % of the best hour"
    assert "High water ¥21.50 M (2150 万)" in await text_of(page, ".hero .chart")
    assert "about 5,411" in await text_of(page, ".hero .facts")
    assert await text_of(page, ".clusters li") == "1 cluster-haining-fur ¥16.50 M 1650 万"
    assert "Live rooms 88.0 % ¥16.50 M 1650 万" in await text_of(page, ".shares")
    show = await text_of(page, ".sessions li")
    assert "CHENSMCHEN 貂皮大衣专场 ¥90.00 M" in show and "Above the record of the platform" in show
    assert "Best minute ¥315.80 K (31.58 万)" in await text_of(page, ".minutes")
    record = await text_of(page, ".events li")
    assert "provisional Record session" in record and "above ¥90,000,000.00 of session-0007" in record
    assert "anchor anchor-chen" not in await text_of(page, ".history tbody")
    assert "5" in await text_of(page, ".history tbody tr:nth-child(2)")


async def test_a_change_replaces_its_sections_and_an_alert_is_shown_once_and_said(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url)
    await expect(page.locator(".events li")).to_have_count(1)
    assert await page.locator("#said").inner_text() == ""
    replay.change(**example("board/stream/change"))
    await expect(page.locator(".events .state")).to_have_text(["✓confirmed"])
    record = await text_of(page, ".events li")
    assert "¥107.50 M 1.075 亿 session-0042" in record and "above ¥90.00 M (9000 万) of session-0007" in record
    said = await page.locator("#said").inner_text()
    assert said == "Record session confirmed, category womens-wear: session-0042, ¥107.50 M (1.075 亿)"
    assert await page.locator("#said").get_attribute("aria-live") == "polite"
    assert "6,106" in await text_of(page, ".hero .facts")
    assert "cluster-haining-fur" in await text_of(page, ".clusters li")  # what did not change stays


async def test_one_event_is_one_line_and_what_is_taken_back_is_another(replay: Replay, look: Look) -> None:
    record, wide = "record-session-confirmed", {"scope": {"dimension": "platform", "id": "all"}, "alert_id": "c"}
    net = {"metric": "gmv.paid.net.v1", "alert_id": "b"}
    page = await look.at(replay.url)
    replay.change(alerts=[alert(record, 118), alert(record, 119, **net), alert(record, 120, **wide)])
    await expect(page.locator(".events .also")).to_be_visible()
    assert await page.locator(".events li").count() == 1
    line = await text_of(page, ".events li")
    assert "the platform, above" in line
    assert "also category womens-wear, category womens-wear · net of refunds" in line
    replay.change(alerts=[alert(record, 121, **net, state="retracted", revision=3, reason="its own value fell")])
    await expect(page.locator(".events .state")).to_have_text(["✕retracted", "✓confirmed"])
    assert "its own value fell" in await text_of(page, ".events li")
    assert await page.locator(".events .value b").first.evaluate("e => getComputedStyle(e).textDecorationLine") == (
        "line-through"
    )


async def test_unknown_is_a_dash_with_its_reason_and_never_nothing_yuan(replay: Replay, look: Look) -> None:
    replay.snapshot = example("board/stream/snapshot-before-the-first-event")
    page = await look.at(replay.url, ready="main .waiting")
    assert await text_of(page, "main") == "Live No event has been counted yet. This page fills as soon as orders come."
    assert "¥0" not in await page.content()
    said = example("board/stream/snapshot")
    said["hour"] |= {"best": None, "reasons": {"best": "no hour has closed yet"}}
    said["minutes"]["gmv_fen"] = [None] * 40 + [0] * 19 + [12_000_000]
    said |= {"clusters": None, "anchors": [], "channels": [], "alerts": []}
    said["sessions"]["top"][0]["records"] = [{**each, "history": 1} for each in said["sessions"]["top"][0]["records"]]
    replay.change(**{name: value for name, value in said.items() if name != "alerts_after"})
    await page.wait_for_selector(".hero .huge")
    assert "No hour has closed yet" in await text_of(page, ".hero .against")
    assert await text_of(page, ".clusters .quiet") == "The new hour is still being read."
    assert await text_of(page, ".anchors .quiet") == "Nobody has sold in this hour yet."
    assert "history 1 of 3: no records yet" in await text_of(page, ".sessions li")
    assert await page.locator(".minutes rect.gap").count() == 40
    assert await page.locator(".hero path.water").count() == 0, "a curve of half an hour would lie"
    assert "No order has" not in await text_of(page, ".alerts") and "¥0" not in await page.content()


@pytest.mark.parametrize(
    ("fresh", "sign"),
    [
        ({"behind_ms": 600_000, "unread": True}, "Data is late What you see ends 10 min ago. Orders lie in Kafka"),
        ({"behind_ms": 600_000, "unread": False}, "Data is late What you see ends 10 min ago. Nothing waits"),
        ({"behind_ms": 1_000, "store": False}, "The store does not answer"),
    ],
)
async def test_late_data_and_a_store_that_is_away_are_said_loudly(
    replay: Replay, look: Look, fresh: dict[str, Any], sign: str
) -> None:
    replay.snapshot = late(replay.snapshot, fresh["behind_ms"])
    replay.snapshot["freshness"] |= fresh
    page = await look.at(replay.url, ready=".sign")
    assert (await text_of(page, ".sign")).startswith(sign)
    assert (await page.locator("#said").inner_text()).startswith(sign.split(" What")[0])
    size = await page.locator(".sign strong").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert size >= 20, "loud"


async def test_data_on_time_has_no_sign(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url)
    assert await page.locator(".sign").count() == 0
    assert await text_of(page, ".as-of .chip") in ("1 s behind", "2 s behind", "3 s behind")


async def test_what_is_played_is_called_a_replay_only_while_it_moves(replay: Replay, look: Look) -> None:
    replay.snapshot = late(replay.snapshot, 40 * 86_400_000)
    page = await look.at(replay.url, ready=".sign.late", turned=True)
    fresh = replay.snapshot["freshness"]
    replay.change(freshness={**fresh, "as_of_ms": fresh["as_of_ms"] + 30_000})
    await page.wait_for_selector(".sign.replay")
    assert await text_of(page, ".sign") == "Replay This is not now: events of 31 Dec 2024 are being played."
    for _ in range(10):  # the stream says that it lives, and that nothing moves
        await page.clock.run_for(10_000)
        replay.change(freshness={**fresh, "as_of_ms": fresh["as_of_ms"] + 30_000})
    await page.wait_for_selector(".sign.late")


async def test_a_stream_that_falls_silent_is_said_loudly_and_opened_anew(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url, ready=".hero .huge", turned=True)
    await page.clock.run_for(14_000)
    await page.wait_for_selector(".sign.cut")
    assert "Connection lost Nothing was heard for 1" in await text_of(page, ".sign")
    assert await text_of(page, ".hero .huge") == "¥18.75 M 1875 万", "what was known stays"
    await page.clock.run_for(13_000)
    await expect(page.locator(".sign")).to_have_count(0)
    assert len(replay.resumed) == 2


async def test_it_resumes_where_it_was(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url)
    replay.change(alerts=[alert("record-session-confirmed", 118)])
    await expect(page.locator(".events .state")).to_have_text(["✓confirmed"])
    replay.cut()
    replay.change(alerts=[alert("peak-hour-confirmed", 119)])
    await expect(page.locator(".events li")).to_have_count(2)
    assert replay.resumed == [None, "replay.1.0-0"]
    replay.change(alerts=[alert("peak-hour-confirmed", 119), alert("peak-rolling-confirmed", 120)])
    await expect(page.locator(".events li")).to_have_count(3)
    said = await page.locator("#said").inner_text()
    assert said.startswith("Peak 60 minutes confirmed") and "Peak hour" not in said, "what is known is not said again"


async def test_language_and_theme_are_switched_and_remembered(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url, lang="de-DE", theme="dark")
    dark = await _ground(page)
    await page.get_by_role("button", name="中文").click()
    await page.get_by_role("button", name="浅色").click()
    assert await text_of(page, ".hero .huge") == "1875 万 ¥18.75 M"
    assert await text_of(page, ".hero .against") == "达到最佳小时的 87.2 %"
    await page.reload()
    await page.wait_for_selector(".hero .huge")
    assert await text_of(page, ".hero .huge") == "1875 万 ¥18.75 M"
    assert await page.evaluate("document.documentElement.lang") == "zh-CN"
    assert await _ground(page) != dark
    assert await page.get_by_role("button", name="深色").count() == 1


async def _ground(page: Page) -> str:
    ground: str = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return ground


async def test_the_language_and_theme_of_the_browser_hold_until_one_is_chosen(replay: Replay, look: Look) -> None:
    chinese = await look.at(replay.url, lang="zh-CN", theme="light")
    assert await text_of(chinese, ".hero h2") == "当前小时 23:00–24:00 · 已过 57 / 60 分钟"
    english = await look.at(replay.url, lang="en-GB", theme="dark")
    assert await text_of(english, ".hero h2") == "Running hour 23:00–24:00 · 57 of 60 minutes"
    assert await _ground(chinese) != await _ground(english)


async def test_a_board_with_tokens_asks_for_one_and_keeps_it(replay: Replay, look: Look) -> None:
    replay.token = "secret"
    page = await look.at(replay.url, ready="form.token")
    await page.get_by_label("Token").fill("secret")
    await page.get_by_role("button", name="Open the board").click()
    await page.wait_for_selector(".hero .huge")
    (cookie,) = await page.context.cookies()
    assert (cookie["name"], cookie["value"], cookie["sameSite"]) == ("hightide-token", "secret", "Strict")


async def test_it_renders_with_data(replay: Replay, look: Look, tmp_path: Path) -> None:
    page = await look.at(replay.url, size=WALL)
    shot = await page.screenshot(path=tmp_path / "wall.png")
    assert len(shot) > 60_000, "a page without data is smaller"
    box: dict[str, float] | None = await page.locator(".hero path.water").bounding_box()  # type: ignore[assignment]
    assert box is not None and box["width"] > 400 and box["height"] > 100
    size = await page.locator(".hero .huge b").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert size > 70, "it is read from five metres"
    assert await page.evaluate("document.documentElement.scrollHeight") == WALL[1], "a wall has nobody who scrolls"
    assert json.loads(await page.evaluate("JSON.stringify([...document.styleSheets].length)")) == 4
