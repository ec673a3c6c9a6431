"""People are told: real workers, a real broker and store, a real HTTP server at the other end."""

from __future__ import annotations

import asyncio
import json
import signal
from base64 import b64encode
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from redis.asyncio import Redis

from schemas.alerts import Alert, decode_alert
from streams.keys import shard_keys
from streams.lab.audit.alerts import FINAL, all_revisions
from streams.notify.events import Event, event_of, width
from streams.settings import Settings
from streams.topics import Topics
from tests.integration.scenario import Evening
from tests.integration.small import play_share, small_market
from tests.integration.test_rejects_cmd import hightide
from tests.streams.notify.receiver import Received, Receiver

#: the market plays in 2025: what it tells is old, but for who says otherwise
_HUNDRED_YEARS_MIN = 52_560_000
SECRET = "whsec_" + b64encode(b"0123456789abcdef0123456789abcdef").decode()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as it:
        yield it


@pytest.fixture
async def market(settings: Settings, redis: Redis, receiver: Receiver, tmp_path: Path) -> AsyncIterator[Evening]:
    """The small market, told to the receiver."""
    market = Evening(replace(settings, notify=str(tmp_path / "notify.toml")), redis, *small_market(), tmp_path)
    write_targets(market.settings, receiver)
    yield market
    await market.end()


def write_targets(settings: Settings, receiver: Receiver, more: str = "") -> None:
    Path(settings.notify).write_text(
        f'old_after_min = {_HUNDRED_YEARS_MIN}\n[[target]]\nname = "ops"\nkind = "webhook"\n'
        f'url = "{receiver.url}"\nsecret = "{SECRET}"\nallow_private = true\n{more}'
    )


def write_mistake(settings: Settings) -> None:
    Path(settings.notify).write_text("[[target]]\nkind = 'pager'\n")


def alerts_of(received: Received) -> list[Alert]:
    return [decode_alert(json.dumps(each).encode()) for each in received.alerts]


async def until_told(receiver: Receiver, settings: Settings) -> None:
    """Wait until the last revision of every alert was received."""
    last = {alert.alert_id: alert.revision for alert in await published(settings)}
    async with asyncio.timeout(120):
        while True:
            got: dict[str, int] = {}
            for each in (alert for received in receiver.got for alert in alerts_of(received)):
                got[each.alert_id] = max(each.revision, got.get(each.alert_id, 0))
            if got == last:
                return
            await asyncio.sleep(0.2)


async def published(settings: Settings) -> list[Alert]:
    return await all_revisions(settings.kafka, Topics(settings.topic_prefix).alerts)


async def test_people_end_up_with_the_alerts_of_the_truth_and_one_message_an_event(
    market: Evening, receiver: Receiver, redis: Redis
) -> None:
    worker = market.start_worker()
    await market.play()
    report = await market.finish(worker)
    assert report.differences == []
    await until_told(receiver, market.settings)
    told: dict[str, Alert] = {}
    for each in (alert for received in receiver.got for alert in alerts_of(received)):
        told[each.alert_id] = each
    assert {id for id, alert in told.items() if alert.state in FINAL} == {each.alert_id for each in market.truth.alerts}
    check_events(receiver)
    assert [fields[b"a"] for _, fields in await redis.xrange(shard_keys(market.settings.group, 0).told())]
    stream = [
        decode_alert(fields[b"a"]) for _, fields in await redis.xrange(shard_keys(market.settings.group, 0).told())
    ]
    assert stream == await published(market.settings)
    await check_command(market.settings, told)
    await check_resend(market.settings, receiver)


def check_events(receiver: Receiver) -> None:
    """No revision is told twice; an event has one message, and another only where it came to win at a wider scope.

    What else comes of it later is in a digest.
    """
    revisions = [(each.alert_id, each.revision) for received in receiver.got for each in alerts_of(received)]
    assert len(revisions) == len(set(revisions))
    widths: defaultdict[Event, list[int]] = defaultdict(list)
    for received in receiver.got:
        if not received.json["data"]["digest"]:
            alerts = alerts_of(received)
            assert len({event_of(each) for each in alerts}) == 1
            widths[event_of(alerts[0])].append(width(alerts[0]))
    for event, each in widths.items():
        assert each == sorted(set(each), reverse=True), event


async def check_command(settings: Settings, told: dict[str, Alert]) -> None:
    """`hightide alerts` shows them, and who got them."""
    listed = await hightide(settings, "alerts", "list", "--limit", "0", "--json")
    lines = [json.loads(line) for line in listed.stdout.splitlines()]
    assert {each["alert"]["alert_id"] for each in lines} == set(told)
    assert {(message["target"], message["state"]) for each in lines for message in each["messages"]} == {
        ("ops", "delivered")
    }
    assert all(len(each["messages"]) == 1 for each in lines)
    one = next(iter(told))
    shown = await hightide(settings, "alerts", "show", one)
    assert "ops: delivered, 1 tries" in shown.stdout and told[one].text in shown.stdout
    assert (await hightide(settings, "alerts", "show", "nothing")).returncode == 64


async def check_resend(settings: Settings, receiver: Receiver) -> None:
    """`hightide alerts resend` tells a revision again, under another id."""
    first, before = receiver.got[0], len(receiver.got)
    one = alerts_of(first)[0]
    asked = await hightide(settings, "alerts", "resend", one.alert_id, "--revision", str(one.revision))
    assert asked.stdout == f"revision {one.revision} is told again to all that it is for\n"
    again = (await receiver.until(before + 1))[-1]
    assert alerts_of(again) == [one] and again.id != first.id
    assert ", sent again" in (await hightide(settings, "alerts", "show", one.alert_id)).stdout


async def test_a_worker_killed_inside_a_request_repeats_it_and_nothing_else(
    market: Evening, receiver: Receiver
) -> None:
    first = market.start_worker()

    async def kill(received: Received) -> web.StreamResponse:
        first.kill()
        await asyncio.sleep(0.5)
        return web.Response()

    receiver.answers = [*[receiver.answer] * 3, kill]
    await play_share(market, 0.0, 0.6)
    await asyncio.to_thread(first.wait, 60)
    second = market.start_worker()
    await play_share(market, 0.6, 1.0)
    report = await market.finish(second)
    assert report.differences == []
    await until_told(receiver, market.settings)
    ids = [received.id for received in receiver.got]
    assert [id for id in dict.fromkeys(ids) if ids.count(id) > 1] == [ids[3]]
    assert ids.count(ids[3]) == 2
    again = [received for received in receiver.got if received.id == ids[3]]
    assert again[0].alerts == again[1].alerts


async def test_a_file_is_read_again_and_one_with_mistakes_changes_nothing(market: Evening, receiver: Receiver) -> None:
    write_targets(market.settings, receiver, 'rules = ["record.session"]\n')
    worker = market.start_worker()
    await play_share(market, 0.0, 0.5)
    await receiver.until(1, 60)
    write_mistake(market.settings)
    worker.send_signal(signal.SIGHUP)
    await asyncio.sleep(1.0)
    assert "the targets stay as they were" in market.log(0)
    assert "notify.toml: target 1: kind = 'pager': no kind of target (valid: webhook" in market.log(0)
    assert SECRET not in market.log(0) and receiver.url not in market.log(0)
    assert {alert.rule.value for received in receiver.got for alert in alerts_of(received)} == {"record.session"}
    write_targets(market.settings, receiver)
    worker.send_signal(signal.SIGHUP)
    await play_share(market, 0.5, 1.0)
    await market.finish(worker)
    await until_told(receiver, market.settings)


async def test_a_wrong_file_stops_the_start(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("[[target]]\nkind = 'pager'\n")
    ended = await hightide(replace(settings, notify=str(tmp_path / "x.toml")), "worker")
    assert ended.returncode == 2
    assert "x.toml: target 1: kind = 'pager': no kind of target" in ended.stderr


async def test_silences_from_the_command_line(settings: Settings) -> None:
    added = await hightide(
        settings, "alerts", "silence", "add", "--until", "2h", "--scope", "cluster:fur", "--author", "lin", "--json"
    )
    silence = json.loads(added.stdout)
    assert silence["author"] == "lin" and silence["scopes"] == ["cluster:fur"]
    assert silence["until_ms"] - silence["from_ms"] == 7_200_000
    listed = await hightide(settings, "alerts", "silence", "list")
    assert f"{silence['id']}  on " in listed.stdout and "by lin: cluster:fur" in listed.stdout
    ended = await hightide(settings, "alerts", "silence", "end", silence["id"])
    assert ended.returncode == 0
    assert (await hightide(settings, "alerts", "silence", "list")).stdout == "no silences\n"
    assert (await hightide(settings, "alerts", "silence", "end", "nope")).returncode == 64
    wrong = await hightide(settings, "alerts", "silence", "add", "--until", "2h", "--rule", "peak.day")
    assert wrong.returncode == 2 and "'peak.day' names none" in wrong.stderr
    over = await hightide(settings, "alerts", "silence", "add", "--until", "2020-01-01")
    assert over.returncode == 2 and "would end before it begins" in over.stderr
