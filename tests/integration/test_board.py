"""The board over a market that a real worker has counted: every number against the truth, every question asked."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientSession
from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from streams.lab.processes import board_process
from streams.lab.truth import Sketch, Tally, Truth
from streams.settings import Settings
from streams.tally.windows import GRAIN_MS, SHANGHAI
from streams.topics import Topics
from tests.integration.scenario import Evening
from tests.integration.small import small_market
from tests.integration.told import until_told

DAY_MS = GRAIN_MS["day"]


@pytest.fixture
async def market(settings: Settings, redis: Redis, tmp_path: Path) -> AsyncIterator[Evening]:
    settings = replace(settings, board="127.0.0.1:0", shards=2)
    market = Evening(settings, redis, *small_market(), tmp_path)
    worker = market.start_worker()
    await market.play()
    report = await market.finish(worker)
    assert report.differences == []
    await until_told(redis, settings)
    yield market
    await market.end()


@pytest.fixture
async def board(market: Evening, tmp_path: Path) -> AsyncIterator[str]:
    async with board_process(market.settings, tmp_path / "board.log") as address:
        yield address


async def test_every_number_is_that_of_the_truth_and_nothing_that_may_be_asked_breaks_it(
    market: Evening, board: str, tmp_path: Path
) -> None:
    async with ClientSession(board) as client:
        await check_tallies(client, market.truth)
        await check_sessions(client, market.truth)
        await check_rankings(client, market.truth)
        await check_alerts(client, market.truth)
        await check_tags(client)
        await fuzz(board, tmp_path)
        await check_late(client, market)


# -- against the truth -------------------------------------------------------------------------------
async def get(client: ClientSession, path: str, **query: Any) -> Any:
    async with client.get(path, params={name: str(value) for name, value in query.items()}) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def check_tallies(client: ClientSession, truth: Truth) -> None:
    """Every window of up to 25 tallies of each dimension and grain."""
    by_tally: defaultdict[tuple[str, str, str], dict[int, dict[str, int]]] = defaultdict(dict)
    for tally, counters in truth.tallies.items():
        if tally.grain != "session":
            by_tally[tally.dimension, tally.id, tally.grain][tally.start_ms] = counters
    asked_of: Counter[tuple[str, str]] = Counter()
    final = 0
    for (dimension, id, grain), due in sorted(by_tally.items()):
        asked_of[dimension, grain] += 1
        if asked_of[dimension, grain] > 25 and id != "(none)":
            continue
        first, last = min(due), max(due)
        asked = {"grain": grain, "from_ms": first, "to_ms": last + 1}
        answer = await get(client, f"/v1/tallies/{dimension}/{quote(id, safe='')}", **asked)
        assert answer["as_of_ms"] == truth.watermark_ms
        windows = {each["start_ms"]: each for each in answer["windows"]}
        assert answer["next"] is None and len(windows) == (last - first) // GRAIN_MS[grain] + 1
        for start_ms, window in windows.items():
            told = window["counters"]
            expected = due.get(start_ms, dict.fromkeys(next(iter(due.values())), 0))
            assert {name: told[name] for name in expected} == expected, (dimension, id, grain, start_ms)
            check_distinct(told, truth, Tally(dimension, id, grain, start_ms))
            final += window["final"]
    assert final > 100 and len(asked_of) == 9 + 9 + 5


def check_distinct(told: dict[str, Any], truth: Truth, tally: Tally) -> None:
    """Estimated, so a little off; and null with a reason exactly where there is no sketch."""
    for of in ("buyers", "merchants", "anchors"):
        assert (told[of] is None) == (of in told["reasons"])
        if told[of] is not None:
            exact = truth.sketches.get(Sketch(of, *tally), 0)
            assert abs(told[of] - exact) <= max(2, 0.03 * exact), (of, tally)


async def check_sessions(client: ClientSession, truth: Truth) -> None:
    totals = {tally.id: each for tally, each in truth.tallies.items() if tally.grain == "session"}
    assert len(totals) > 20
    for id, expected in totals.items():
        if id != "(none)":
            answer = await get(client, f"/v1/sessions/{quote(id, safe='')}")
            assert {name: answer["total"][name] for name in expected} == expected, id
            assert sum(hour["counters"]["orders_created"] for hour in answer["hours"]) >= expected["orders_created"]


async def check_rankings(client: ClientSession, truth: Truth) -> None:
    hours = sorted({each.start_ms for each in truth.tallies if each.grain == "hour" and each.dimension == "cluster"})
    days = sorted({each.start_ms for each in truth.tallies if each.grain == "day" and each.dimension == "cluster"})
    for ranking, dimension in (("clusters", "cluster"), ("anchors", "anchor"), ("provinces", "province")):
        for window, starts in (("hour", hours), ("day", days)):
            for start_ms in starts:
                due = {
                    tally.id: counters
                    for tally, counters in truth.tallies.items()
                    if (tally.dimension, tally.grain, tally.start_ms) == (dimension, window, start_ms)
                    and tally.id != "(none)"
                }
                answer = await get(client, f"/v1/rankings/{ranking}", window=window, at_ms=start_ms, limit=1000)
                sold = {id: each["gmv_fen"] for id, each in due.items() if each["gmv_fen"]}
                assert {row["id"]: row["gmv_fen"] for row in answer["rows"] if row["gmv_fen"]} == sold
                values = [row["value"] for row in answer["rows"]]
                assert values == sorted(values, reverse=True)
    year = await get(client, "/v1/rankings/merchants", window="year", by="orders", at_ms=days[-1], limit=1000)
    of_year = [day for day in days if SHANGHAI.day(day) >= SHANGHAI.day(year["start_ms"])]
    orders: defaultdict[str, int] = defaultdict(int)
    for tally, counters in truth.tallies.items():
        if tally.dimension == "merchant" and tally.grain == "day" and tally.start_ms in of_year:
            orders[tally.id] += counters["orders_paid"]
    orders.pop("(none)", None)
    assert {row["id"]: row["value"] for row in year["rows"] if row["value"]} == {k: v for k, v in orders.items() if v}
    for leader, best in truth.rankings.items():
        if leader.rule in ("peak.hour", "record.session") and leader.dimension != "session":
            kind = "hours" if leader.rule == "peak.hour" else "sessions"
            by = "net" if ".net." in leader.metric else "gmv"
            scope = f"{leader.dimension}:{leader.id}"
            answer = await get(client, f"/v1/rankings/{kind}", scope=scope, by=by)
            assert answer["best"]["holder"]["id"] == best.holder and answer["best"]["value_fen"] == best.value_fen
            closed = [row for row in answer["rows"] if row["state"] == "closed"]
            assert closed[0]["value_fen"] == best.value_fen


async def check_alerts(client: ClientSession, truth: Truth) -> None:
    """Every confirmed alert and none else; paged, nothing comes twice."""
    latest: dict[str, Any] = {}
    entries, cursor = [], None
    while True:
        page = await get(client, "/v1/alerts", limit=17, **({} if cursor is None else {"cursor": cursor}))
        for told in page["alerts"]:
            entries.append(int(told["entry"].split("-")[0]))
            latest.setdefault(told["alert"]["alert_id"], told["alert"])
        cursor = page["next"]
        if cursor is None:
            break
    assert entries == sorted(set(entries), reverse=True)
    standing = {id for id, alert in latest.items() if alert["state"] in ("confirmed", "reinstated")}
    assert standing == {alert.alert_id for alert in truth.alerts}
    some = next(iter(truth.alerts))
    scope = f"{some.dimension}:{some.scope_id}"
    chosen = await get(client, "/v1/alerts", scope=scope, rule=some.rule, state="confirmed", limit=1000)
    assert chosen["alerts"] and all(
        (each["alert"]["rule"], each["alert"]["scope"]["id"]) == (some.rule, some.scope_id) for each in chosen["alerts"]
    )


async def check_tags(client: ClientSession) -> None:
    async with client.get("/v1/rankings/hours") as first:
        tag = first.headers["ETag"]
    async with client.get("/v1/rankings/hours", headers={"If-None-Match": f'"x", W/{tag}'}) as second:
        assert second.status == 304 and await second.read() == b""


async def check_late(client: ClientSession, market: Evening) -> None:
    """An order that comes to a closed hour corrects it, and takes its `final` away for every tally that it touches."""
    settings = market.settings
    hour_ms = min(
        each.start_ms for each in market.truth.tallies if each.grain == "hour" and each.dimension == "cluster"
    )
    asked = {"from_ms": hour_ms, "to_ms": hour_ms + 1}
    (before,) = (await get(client, "/v1/tallies/platform/all", **asked))["windows"]
    assert before["final"]
    order = {
        "event_id": "late-1", "event_type": "order.paid", "event_time_ms": hour_ms + 5, "order_id": "late-1",
        "merchant_id": "m", "category": "late", "channel": "shelf", "amount_fen": 700, "quantity": 1,
        "currency": "CNY", "pay_time_ms": hour_ms + 5,
    }  # fmt: skip
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka) as producer:
        topic, arrival_ms = Topics(settings.topic_prefix).orders, market.truth.watermark_ms
        await producer.send_and_wait(topic, json.dumps(order).encode(), b"late-1", timestamp_ms=arrival_ms)
    async with asyncio.timeout(20):
        while True:
            (after,) = (await get(client, "/v1/tallies/platform/all", **asked))["windows"]
            if after["counters"]["gmv_fen"] != before["counters"]["gmv_fen"]:
                break
            await asyncio.sleep(0.1)
    assert (after["counters"]["gmv_fen"], after["final"]) == (before["counters"]["gmv_fen"] + 700, False)
    (category,) = (await get(client, "/v1/tallies/category/late", **asked))["windows"]
    assert (category["counters"]["gmv_fen"], category["final"]) == (700, False)
    ranking = await get(client, "/v1/rankings/categories", at_ms=hour_ms)
    assert ranking["final"] is False


# -- against its own description ---------------------------------------------------------------------
async def fuzz(board: str, folder: Path) -> None:
    """Schemathesis asks what the OpenAPI document allows and what it does not: no 5xx, no answer off its schema."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{board}/openapi.json", "--exclude-path", "/v1/stream",
        "--max-examples", "25", "--seed", "5", "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
        "negative_data_rejection,unsupported_method",
    ]  # fmt: skip
    ran = await asyncio.to_thread(
        subprocess.run, command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )  # it leaves what it found in its folder
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]


# -- the stream --------------------------------------------------------------------------------------
async def test_a_listener_is_told_alerts_once_whatever_becomes_of_board_and_connection(
    market: Evening, redis: Redis, tmp_path: Path
) -> None:
    from streams.keys import shard_keys

    key = shard_keys(market.settings.group, 0).told()
    (last, fields), *_ = await redis.xrevrange(key, count=1)
    number = int(last.split(b"-")[0])

    async def told(ahead: int) -> None:
        await redis.xadd(key, {"a": fields[b"a"]}, f"{number + ahead}-0")

    async with board_process(market.settings, tmp_path / "first.log") as address, ClientSession(address) as client:
        events = events_of(client, None)
        event, id, data = await anext(events)
        assert event == "snapshot" and data["alerts"][-1]["entry"] == last.decode()
        began = asyncio.get_running_loop().time()
        await told(1)
        id, entries = await until_alerts(events, id)
        assert entries == [f"{number + 1}-0"] and asyncio.get_running_loop().time() - began < 1.0
        await events.aclose()
        await told(2)
        await asyncio.sleep(0.2)
        events = events_of(client, id)  # the same board: it goes on where it was
        id, entries = await until_alerts(events, id)
        assert entries == [f"{number + 2}-0"]
        await events.aclose()
    await told(3)
    async with board_process(market.settings, tmp_path / "second.log") as address, ClientSession(address) as client:
        events = events_of(client, id)  # another one: a snapshot, with what was missed and no more
        event, id, data = await anext(events)
        assert (event, data["alerts_after"]) == ("snapshot", f"{number + 2}-0")
        assert [each["entry"] for each in data["alerts"]] == [f"{number + 3}-0"]
        await events.aclose()


async def until_alerts(events: AsyncIterator[tuple[str, str, Any]], id: str) -> tuple[str, list[str]]:
    """The id and the entries of the next change that brings alerts."""
    async with asyncio.timeout(10):
        async for event, id, data in events:
            assert event == "change"
            if "alerts" in data:
                return id, [each["entry"] for each in data["alerts"]]
    raise AssertionError(f"the stream ended at {id}")


async def events_of(client: ClientSession, last: str | None) -> AsyncIterator[tuple[str, str, Any]]:
    """The events of a stream as (event, id, data)."""
    headers = {} if last is None else {"Last-Event-ID": last}
    async with client.get("/v1/stream", headers=headers) as response:
        assert response.status == 200 and response.content_type == "text/event-stream"
        event: dict[str, str] = {}
        async for line in response.content:
            name, _, value = line.decode().strip().partition(": ")
            if name == "data":
                yield event["event"], event["id"], json.loads(value)
            elif name:
                event[name] = value
