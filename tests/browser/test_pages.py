"""Pages of their own, the comparison and the report: what they show of answers, and what they say of none."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Page, expect

from tests.browser.answered import DAY_MS, HOUR_MS, alerts, evening, holders, ranking, tallies, window
from tests.browser.looking import Look, text_of
from tests.browser.replay import Replay, late


@pytest.fixture(autouse=True)
def an_evening(replay: Replay, look: Look) -> None:
    replay.answers = evening()
    look.expected = ("Failed to load resource",)


async def test_a_cluster_has_its_day_its_hour_its_best_and_its_alerts(replay: Replay, look: Look) -> None:
    page = await look.at(f"{replay.url}#/cluster/cluster-haining-fur", ready=".hour .water")
    assert await text_of(page, "header.title") == "Cluster cluster-haining-fur"
    assert "¥90.00 M 9000 万" in await text_of(page, ".today")
    assert "Trading merchants 5" in await text_of(page, ".today .facts")
    assert "High water ¥21.50 M (2150 万)" in await text_of(page, ".hour .chart")
    assert await page.locator(".day rect").count() == 24
    assert "30 Dec 21:00–22:00 ¥21.50 M 2150 万" in await text_of(page, ".best-hours tbody")
    await page.locator(".best-sessions a").click()
    await expect(page.locator(".problem")).to_contain_text("the test answers nothing here")  # session-0007 is unknown


async def test_ids_may_be_anything(replay: Replay, look: Look) -> None:
    id = "a/b?c#d%2F 貂皮\u202e<b>&\n"
    replay.snapshot["clusters"][0]["id"] = id
    page = await look.at(replay.url)
    replay.asked.clear()
    await page.locator(".clusters a").first.click()
    await expect(page.locator("h1")).to_have_text("a/b?c#d%2F 貂皮�<b>&�")
    await _until_asked(page, replay, f"/v1/alerts?limit=50&scope=cluster%3A{quote(id, safe='')}")


async def test_a_province_has_no_minutes_and_says_so(replay: Replay, look: Look) -> None:
    page = await look.at(f"{replay.url}#/province/zhejiang", ready=".hour .quiet")
    assert await text_of(page, ".hour") == (
        "The hour Minutes are not kept of a province: the running hour shows in the day."
    )
    assert await page.locator(".its-alerts").count() == 0


async def test_a_session_has_its_curve_its_hours_and_what_it_has_to_beat(replay: Replay, look: Look) -> None:
    page = await look.at(f"{replay.url}#/session/session-0042", ready=".curve .water")
    assert "CHENSMCHEN 貂皮大衣专场" in await text_of(page, "h1")
    title = await text_of(page, ".title .facts")
    assert "State open Start 31 Dec 16:00 End — not yet Anchor anchor-chen" in title
    assert "¥90.00 M 9000 万 (" not in await text_of(page, ".today")
    assert "the platform ¥90.00 M 9000 万 session-0007 n 16+" in await text_of(page, ".records tbody")
    assert await page.locator(".hours tbody tr").count() == 8
    assert "High water ¥90.00 M (9000 万)" in await text_of(page, ".curve")
    states = await page.locator(".its-alerts .state").all_inner_texts()
    assert [each[1:].strip() for each in states] == ["confirmed", "retracted", "superseded"]


async def test_minutes_that_are_not_kept_are_said_and_not_drawn(replay: Replay, look: Look) -> None:
    old = [window(HOUR_MS + at * 60_000, 60_000, None) for at in range(50)]
    replay.answers["v1/tallies/session/session-0042?grain=minute"] = tallies("session", "session-0042", "minute", old)
    page = await look.at(f"{replay.url}#/session/session-0042", ready=".curve .quiet")
    assert await text_of(page, ".curve .quiet") == "Minutes of this session are not kept any more: its hours are below."
    assert "¥0" not in await text_of(page, "main")


# -- completed hours only ----------------------------------------------------------------------------
async def test_the_last_whole_hour_is_compared_with_the_same_of_other_days(replay: Replay, look: Look) -> None:
    last_ms = HOUR_MS - 3_600_000
    replay.answers["v1/tallies/platform/all?grain=hour"] = tallies(
        "platform", "all", "hour", [window(last_ms, 3_600_000, 1_120_000_000)]
    )
    page = await look.at(replay.url, ready=".compare .others")
    assert await text_of(page, ".compare h2") == "Last whole hour 31 Dec 22:00–23:00"
    assert "¥11.20 M 1120 万" in await text_of(page, ".compare .own")
    assert await text_of(page, ".others") == (
        "Yesterday = 0.0 % ¥11.20 M 1120 万 Last week = 0.0 % ¥11.20 M 1120 万 Last year = 0.0 % ¥11.20 M 1120 万"
    )
    spans = {path for path in replay.asked if "grain=hour" in path}
    day_ms = 86_400_000
    starts = {last_ms - day_ms, last_ms - 7 * day_ms, last_ms - 366 * day_ms}  # 2024 was a leap year
    expected = {f"/v1/tallies/platform/all?grain=hour&from_ms={at}&to_ms={at + 3_600_000}" for at in starts}
    assert expected < spans and len(spans) == 4, "the running hour is compared with nothing"


async def test_an_hour_that_is_not_closed_yet_is_not_compared(replay: Replay, look: Look) -> None:
    """A minute after the end of an hour late orders are still coming: the hour before it is the last whole one."""
    just_ended = [
        window(HOUR_MS - 7_200_000, 3_600_000, 900_000_000),
        window(HOUR_MS - 3_600_000, 3_600_000, 800_000_000, final=False),
    ]
    replay.answers["v1/tallies/platform/all?grain=hour"] = tallies("platform", "all", "hour", just_ended)
    replay.snapshot["freshness"]["as_of_ms"] = HOUR_MS + 60_000
    replay.snapshot = late(replay.snapshot, 1_000)
    page = await look.at(replay.url, ready=".compare .others")
    assert await text_of(page, ".compare h2") == "Last whole hour 31 Dec 21:00–22:00"


@pytest.mark.parametrize(("fen", "reason"), [(None, "not kept any more"), (0, "nothing was counted then")])
async def test_nothing_is_compared_with_what_is_not_known(
    replay: Replay, look: Look, fen: int | None, reason: str
) -> None:
    replay.answers["v1/tallies/platform/all?grain=hour"] = tallies(
        "platform", "all", "hour", [window(HOUR_MS - 3_600_000, 3_600_000, fen)]
    )
    page = await look.at(replay.url, ready=".compare .others")
    row = await text_of(page, ".others div")
    assert row.startswith("Yesterday —") and reason in row
    assert "¥0" not in row and "%" not in row


# -- the report --------------------------------------------------------------------------------------
async def test_the_report_has_what_a_report_is_made_of(replay: Replay, look: Look) -> None:
    page = await look.at(f"{replay.url}#/report/day", ready=".passed table")
    assert await text_of(page, ".business h2") == "The business · 30 Dec 2024"
    assert "Earning anchors 5" in await text_of(page, ".business")
    asked = set(replay.asked)
    day = f"window=day&at_ms={DAY_MS - 86_400_000}"
    for kind, by in (
        ("provinces", "gmv"), ("provinces", "growth"), ("clusters", "gmv"), ("clusters", "growth"),
        ("clusters", "merchants"), ("clusters", "orders"), ("clusters", "buyers"), ("merchants", "gmv"),
        ("anchors", "gmv"),
    ):  # fmt: skip
        assert f"/v1/rankings/{kind}?by={by}&{day}&limit=10" in asked
        assert await page.locator(f".{kind}-{by} table").count() == 1
    assert "/v1/rankings/passed?limit=10" in asked
    assert "haining-fur ¥330.00 M 3.3 亿" in await text_of(page, ".passed")
    assert "66.7 %" in await text_of(page, ".channels tbody tr:nth-child(2)")


async def test_growth_compares_no_part_and_does_not_invent_a_base(replay: Replay, look: Look) -> None:
    replay.answers["v1/rankings/clusters"] = ranking("clusters", "growth", before=800_000_000, value=25.0)
    page = await look.at(f"{replay.url}#/report/day", ready=".clusters-growth table")
    assert "▲ 25.0 % ¥10.00 M" in await text_of(page, ".clusters-growth tbody tr")
    replay.answers["v1/rankings/clusters"] = ranking("clusters", "growth", before=0, value=None)
    page = await look.at(f"{replay.url}#/report/day", ready=".clusters-growth .quiet")
    assert await page.locator(".clusters-growth table").count() == 0
    page = await look.at(f"{replay.url}#/report/today", ready=".clusters-growth .quiet")
    assert await text_of(page, ".clusters-growth .quiet") == ("Growth compares whole windows: choose one that is over.")
    assert not any("by=growth" in path and f"at_ms={DAY_MS}&" in path for path in replay.asked)


async def test_alerts_are_shown_by_state(replay: Replay, look: Look) -> None:
    page = await look.at(f"{replay.url}#/alerts/", ready=".its-alerts li")
    assert await page.locator(".its-alerts li").count() == 4
    await page.get_by_role("link", name="retracted").click()
    await page.wait_for_url("**/#/alerts/retracted")
    await _until_asked(page, replay, "/v1/alerts?limit=200&state=retracted")


async def test_a_problem_is_told_in_its_own_words_and_what_was_known_stays(replay: Replay, look: Look) -> None:
    replay.answers |= {"v1/rankings/hours": holders("hour"), "v1/alerts": alerts("peak-hour-confirmed")}
    page = await look.at(f"{replay.url}#/cluster/cluster-haining-fur", ready=".hour .water", turned=True)
    replay.answers.clear()
    await page.clock.run_for(20_000)
    await expect(page.locator(".today .problem")).to_contain_text("This can not be shown: the test answers nothing")
    assert "¥90.00 M" in await text_of(page, ".today")


async def _until_asked(page: Page, replay: Replay, path: Any) -> None:
    for _ in range(50):
        if path in replay.asked:
            return
        await page.wait_for_timeout(50)
    raise AssertionError(f"{path} was not asked: {replay.asked[-5:]}")
