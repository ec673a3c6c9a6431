"""Everybody can use the live page: axe finds nothing, the keyboard reaches everything, a phone shows all of it."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.answered import evening
from tests.browser.looking import PHONE, WALL, Look
from tests.browser.replay import Replay, alert, late

#: every kind of page, and what is on it once it is whole
PAGES = {
    "": ".hero .huge",
    "#/cluster/cluster-haining-fur": ".hour .water",
    "#/session/session-0042": ".curve .water",
    "#/report/day": ".clusters-gmv table",
    "#/alerts/": ".its-alerts li",
}
_AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
_LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(autouse=True)
def an_evening(replay: Replay, look: Look) -> None:
    replay.answers = evening()
    replay.snapshot["alerts"] += [alert("record-session-net-retracted", 118), alert("peak-hour-superseded", 119)]
    look.expected = ("Failed to load resource",)


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_axe_finds_nothing(replay: Replay, look: Look, theme: str, lang: str) -> None:
    for route, ready in PAGES.items():
        page = await look.at(replay.url + route, size=WALL, theme=theme, lang=lang, motion="reduce", ready=ready)
        assert await violations(page) == [], route
        await page.close()


async def test_axe_finds_nothing_on_a_phone(replay: Replay, look: Look) -> None:
    for route, ready in PAGES.items():
        page = await look.at(replay.url + route, size=PHONE, motion="reduce", ready=ready)
        assert await violations(page) == [], route
        await page.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_axe_finds_nothing_while_something_is_wrong(replay: Replay, look: Look, theme: str) -> None:
    replay.snapshot = late(replay.snapshot, 600_000)
    page = await look.at(replay.url, theme=theme, motion="reduce", ready=".sign.late")
    assert await violations(page) == []
    replay.token = "secret"
    page = await look.at(replay.url, theme=theme, motion="reduce", ready="form.token")
    assert await violations(page) == []


async def violations(page: Page) -> list[Any]:
    """What axe finds, as (rule, places)."""
    await page.evaluate(_AXE)  # by the debugger: the page's own policy lets no script in
    found = await page.evaluate("levels => axe.run({ runOnly: levels })", _LEVELS)
    assert len(found["passes"]) > 15, "it must have looked"
    return [(each["id"], each["impact"], [node["html"] for node in each["nodes"]][:3]) for each in found["violations"]]


async def test_the_keyboard_reaches_everything_and_one_sees_where_it_is(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url)
    walked = []
    for _ in range(60):
        await page.keyboard.press("Tab")
        where = await page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.tagName, e.textContent.trim().slice(0, 30), s.outlineStyle, parseFloat(s.outlineWidth)]; }"
        )
        if where[0] == "BODY":
            break
        walked.append(where)
    assert [each[1] for each in walked[:6]] == ["Skip to content", "Hightide", "Live", "Alerts", "Report", "API"]
    reached = {each[1] for each in walked}
    assert reached >= {"cluster-haining-fur", "anchor-chen", "CHENSMCHEN 貂皮大衣专场", "Live rooms", "womens-wear"}
    assert all(style == "solid" and width >= 2 for _, _, style, width in walked), "the focus is seen everywhere"


async def test_pages_are_opened_and_left_by_keyboard(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main", "the head can be skipped"
    await page.locator(".clusters a").first.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("cluster-haining-fur")
    assert await page.evaluate("document.activeElement.id") == "main"
    await page.go_back()
    await expect(page.locator(".hero .huge")).to_be_visible()


async def test_what_changes_leaves_the_focus_where_it_is(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url)
    await page.locator(".clusters a", has_text="cluster-yiwu-goods").focus()
    first, second = replay.snapshot["clusters"]
    replay.change(clusters=[{**second, "rank": 1, "gmv_fen": 10**10}, {**first, "rank": 2}])
    await expect(page.locator(".clusters li").first).to_contain_text("cluster-yiwu-goods")
    assert await page.evaluate("document.activeElement.textContent") == "cluster-yiwu-goods"


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
async def test_a_phone_shows_every_page_without_scrolling_sideways(replay: Replay, look: Look, lang: str) -> None:
    for route, ready in PAGES.items():
        page = await look.at(replay.url + route, size=PHONE, lang=lang, ready=ready)
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], route
        cut = await page.evaluate(
            "() => [...document.querySelectorAll('main .huge, main .against, h1, h2, button')]"
            ".filter((e) => e.scrollWidth > e.clientWidth + 1 && !e.className.includes('unseen'))"
            ".map((e) => e.textContent)"
        )
        assert cut == [], route


async def test_who_wants_less_motion_gets_none(replay: Replay, look: Look) -> None:
    moving = "() => document.getAnimations().length"
    still = await look.at(replay.url, motion="reduce")
    lively = await look.at(replay.url, motion="no-preference")
    replay.change(alerts=[alert("peak-rolling-confirmed", 120)])
    await expect(lively.locator(".events li").first).to_contain_text("Peak 60 minutes")
    await expect(still.locator(".events li").first).to_contain_text("Peak 60 minutes")
    assert await lively.evaluate(moving) > 0 and await still.evaluate(moving) == 0
