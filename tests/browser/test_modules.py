"""The page's pure modules, run in the browser that they are for, against the code of the project that says the same."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from playwright.async_api import Page

from schemas.money import exact_text, yuan_text
from streams.notify.events import _WIDEST
from tests.browser.looking import Look
from tests.browser.replay import Replay


@pytest.fixture(autouse=True)
def missing_answers_are_expected(look: Look) -> None:
    look.expected = ("Failed to load resource",)


async def run(page: Page, module: str, code: str, argument: Any = None) -> Any:
    """What `code` (of `m`, the module, and `a`) gives."""
    return await page.evaluate(
        f"async (a) => {{ const m = await import('/js/{module}.js'); return {code}; }}", argument
    )


async def test_money_reads_as_it_does_everywhere_else(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url)
    edges = [0, 1, 99, 100, 999_999, 1_000_000, 1_000_999, 99_999_999, 100_000_000, 10**10 - 1, 10**10, 10_750_000_000]
    chance = Random(7)
    fens = [*edges, *(chance.randrange(10 ** chance.randrange(1, 16)) for _ in range(3_000))]
    fens += [-fen for fen in fens]
    assert await run(page, "money", "a.map(m.yuanText)", fens) == [yuan_text(fen) for fen in fens]
    assert await run(page, "money", "a.map(m.exactText)", fens) == [exact_text(fen) for fen in fens]


async def test_both_languages_say_the_same_things(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url)
    shape = """(() => { const of = (w) => Object.fromEntries(Object.entries(w).sort().map(([name, value]) =>
        [name, typeof value === 'object' ? of(value) : typeof value === 'function' ? value.length : 'text']));
        return of(m.default); })()"""
    english, chinese = await run(page, "words/en", shape), await run(page, "words/zh", shape)
    assert english == chinese and len(english) > 120


async def test_the_widest_scope_is_that_of_the_messages(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url)
    assert await run(page, "live/events", "m.WIDEST") == list(_WIDEST)


@pytest.mark.parametrize(
    ("gmv_fen", "bests", "expected"),
    [
        (89, (90, 40), ("next", 90, 2, ["anchor"])),
        (90, (90, 40), ("next", 90, 1, ["anchor"])),
        (91, (90, 40), ("beaten", None, None, ["platform", "anchor"])),
        (10, (90, 40), ("next", 40, 31, [])),
    ],
)
async def test_a_session_has_beaten_what_it_is_strictly_above(
    replay: Replay, look: Look, gmv_fen: int, bests: tuple[int, int], expected: tuple[Any, ...]
) -> None:
    page = await look.at(replay.url)
    records = [
        {"scope": {"dimension": dimension, "id": "x"}, "best": {"value_fen": best}, "history": 3, "needed": 3}
        for dimension, best in zip(("platform", "anchor"), bests, strict=True)
    ]
    session = {"gmv_fen": gmv_fen, "recent_fen": 600, "end_ms": None, "records": records}
    found = await run(page, "live/reach", "m.reach(a)", session)
    beaten = [scope["dimension"] for scope in found["beaten"]]
    assert (found["kind"], found.get("best_fen"), found.get("short_fen"), beaten) == expected
    if expected[0] == "next":
        assert found["in_ms"] == pytest.approx(expected[2] * 1_000)


async def test_minutes_become_a_curve_only_if_all_of_them_are_known(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url)
    hour = {"start_ms": 3_600_000, "gmv_fen": 60}
    code = "m.rising(a.hour, a.minutes, a.as_of_ms)"
    whole = {"hour": hour, "minutes": {"start_ms": 3_480_000, "gmv_fen": [9, 9, 10, 20, 30]}, "as_of_ms": 3_750_000}
    assert await run(page, "live/rising", code, whole) == [[0, 0], [1, 10], [2, 30], [2.5, 60]]
    part = {**whole, "minutes": {"start_ms": 3_480_000, "gmv_fen": [9, 9, None, 20, 30]}}
    assert await run(page, "live/rising", code, part) is None
    none = {**whole, "minutes": {"start_ms": 3_660_000, "gmv_fen": [20, 30]}}
    assert await run(page, "live/rising", code, none) is None, "its beginning is not there"


async def test_times_are_those_of_the_business_wherever_one_looks_from(replay: Replay, look: Look) -> None:
    page = await look.at(replay.url)
    hour = {"id": "2025-12-31T20", "start_ms": 1_767_182_400_000}
    code = "((z) => [z.offset_ms, z.time(a.start_ms), z.fullDate(a.start_ms), z.time(z.startOfDay(a.start_ms))])"
    said = await run(page, "time", f"{code}(new m.Zone(m.offsetOf(a), false))", hour)
    assert said == [8 * 3_600_000, "20:00", "31 Dec 2025", "00:00"]
    leap = await run(page, "time", "new m.Zone(0, false).yearBefore(Date.UTC(2024, 1, 29))")
    assert leap is None
