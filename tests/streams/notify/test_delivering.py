"""Alerts reach targets once, over real HTTP, with a real broker as the ledger and a real store for the lease."""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from hmac import HMAC
from pathlib import Path

import pytest
from aiohttp import web
from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from schemas.alerts import Alert
from schemas.deliveries import Resend, Silence, offsets_of
from streams.marks.lease import Lease
from streams.metrics import Metrics
from streams.notify import delivering as module
from streams.notify.delivering import Delivering
from streams.notify.journal import Journal
from streams.notify.outcome import Outcome, Verdict
from streams.notify.sender import Sender
from streams.notify.shapes import Request
from streams.notify.targets import Kind, Target, Targets
from streams.rules.live import LiveRules
from streams.settings import Settings
from streams.tally.windows import SHANGHAI
from tests.streams.notify.alerts import alert
from tests.streams.notify.conftest import KEYS, Put
from tests.streams.notify.receiver import Received, Receiver, status

DEFAULT_RULES = LiveRules("")
SECRET = "whsec_" + b64encode(b"0123456789abcdef0123456789abcdef").decode()


def now_ms() -> int:
    return int(time.time() * 1000)


def fresh(*args: object, **fields: object) -> Alert:
    """An alert of this moment."""
    return alert(*args, **{"as_of_ms": now_ms(), **fields})  # type: ignore[arg-type]


def hook(receiver: Receiver, name: str = "ops", **fields: object) -> Target:
    given = {"kind": Kind.WEBHOOK, "url": receiver.url, "secret": SECRET, "allow_private": True, "per_minute": 600}
    return Target(name=name, **{**given, **fields})  # type: ignore[arg-type]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as it:
        yield it


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, acks="all")
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture
def journal(settings: Settings, producer: AIOKafkaProducer) -> Journal:
    return Journal(settings.kafka, f"{settings.topic_prefix}deliveries", producer)


@pytest.fixture
def working(monkeypatch, redis: Redis, settings: Settings, journal: Journal) -> Callable:
    """A worker that delivers to some targets while the context lasts; `crash=True` ends it as a kill would."""
    monkeypatch.setattr(module, "_ASK_AGAIN_S", 0.05)

    @asynccontextmanager
    async def working(
        *targets: Target, name: str = "w1", crash: bool = False, chosen: Callable[[Alert], bool] = DEFAULT_RULES.tell
    ) -> AsyncIterator[Delivering]:
        lease = Lease(redis, KEYS.lease("deliver"), name)
        it = Delivering(
            lease, settings.kafka, f"{settings.topic_prefix}alerts", journal, Metrics(), SHANGHAI.offset_ms, now_ms,
            Targets(targets), chosen,
        )  # fmt: skip

        async def turn() -> None:
            while True:
                await it.work()

        task = asyncio.create_task(turn())
        try:
            yield it
        finally:
            task.cancel()
            await asyncio.wait({task})
            if crash:
                for runner in it._runners:
                    runner.cancel()
                await asyncio.wait(it._runners)
                it._runners = {}
                await redis.delete(KEYS.lease("deliver"))
            await it.close()
            if not task.cancelled():
                task.result()

    return working


async def states(journal: Journal) -> dict[str, list[str]]:
    """What the ledger says of every alert, by offset in its topic: who has it, in which state."""
    ledger, _ = await journal.read()
    found: dict[str, list[str]] = {}
    for message in ledger.messages():
        for offset in offsets_of(message.alerts):
            found.setdefault(str(offset), []).append(f"{message.target} {message.state}")
    return found


# -- once --------------------------------------------------------------------------------------
async def test_an_alert_becomes_one_signed_request(receiver: Receiver, working, put: Put, journal: Journal) -> None:
    async with working(hook(receiver)):
        await put(fresh("cluster:fur"), fresh("platform:all"))
        [got] = await receiver.until(1)
        await asyncio.sleep(0.5)
    assert len(receiver.got) == 1
    assert [each["scope"]["dimension"] for each in got.alerts] == ["platform", "cluster"]
    assert got.json["type"] == "hightide.alert" and got.json["data"]["digest"] is False
    assert got.json["data"]["text"].endswith("; also in cluster fur")
    check_signature(got)
    assert await states(journal) == {"0": ["ops delivered"], "1": ["ops delivered"]}


def check_signature(got: Received) -> None:
    """As a receiver does it, by the words of Standard Webhooks."""
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    expected = HMAC(b64decode(SECRET[6:]), signed, sha256).digest()
    version, _, signature = got.headers["webhook-signature"].partition(",")
    assert (version, b64decode(signature)) == ("v1", expected)
    assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 60


async def test_what_is_old_is_told_to_nobody(receiver: Receiver, working, put: Put, journal: Journal) -> None:
    async with working(hook(receiver)) as it:
        await put(alert(as_of_ms=now_ms() - 3_700_000), fresh(holder="s2"))
        await receiver.until(1)
        await asyncio.sleep(0.5)
        assert it._metrics.notify_old._value.get() == 1
    assert [each["holder"]["id"] for got in receiver.got for each in got.alerts] == ["s2"]
    assert await states(journal) == {"1": ["ops delivered"]}


async def test_what_no_rule_tells_of_is_told_to_nobody(
    receiver: Receiver, working, put: Put, journal: Journal, tmp_path: Path
) -> None:
    file = tmp_path / "rules.toml"
    file.write_text('[[rule]]\nkind = "record.session"\nname = "n"\nabout = "a"\nscopes = ["platform"]\n')
    async with working(hook(receiver), chosen=LiveRules(str(file)).tell):
        await put(fresh("cluster:fur", holder="s1"), fresh("platform:all", holder="s2"))
        await receiver.until(1)
        await asyncio.sleep(0.5)
    assert [each["holder"]["id"] for got in receiver.got for each in got.alerts] == ["s2"]
    assert await states(journal) == {"1": ["ops delivered"]}


async def test_a_restart_tells_nothing_again_and_what_came_meanwhile(receiver: Receiver, working, put: Put) -> None:
    async with working(hook(receiver), name="w1"):
        await put(fresh(holder="s1"))
        await receiver.until(1)
    await put(fresh(holder="s2"))
    async with working(hook(receiver), name="w2"):
        await receiver.until(2)
        await asyncio.sleep(0.5)
    assert [got.alerts[0]["holder"]["id"] for got in receiver.got] == ["s1", "s2"]


async def test_a_redis_that_lost_everything_tells_nobody_twice(
    receiver: Receiver, working, put: Put, redis: Redis
) -> None:
    """Within the hour, nothing but the ledger keeps an alert from being told again; it is a topic."""
    async with working(hook(receiver)):
        await put(*(fresh(holder=f"s{number}") for number in range(3)))
        await receiver.until(3)
        for _ in range(2):
            await redis.flushall()
            await asyncio.sleep(0.7)
        await put(fresh(holder="s9"))
        await receiver.until(4)
        await asyncio.sleep(0.5)
    await redis.flushall()
    async with working(hook(receiver), name="w2"):
        await asyncio.sleep(1.5)
    assert [got.alerts[0]["holder"]["id"] for got in receiver.got] == ["s0", "s1", "s2", "s9"]


async def test_a_crash_inside_a_request_sends_it_again_under_the_same_id(
    receiver: Receiver, working, put: Put, journal: Journal
) -> None:
    """The target has it, the ledger does not know: at least once, and a receiver can tell. Then never again."""
    inside = asyncio.Event()

    async def hang(received: Received) -> web.StreamResponse:
        inside.set()
        await asyncio.sleep(30)
        return web.Response()

    receiver.answers = [hang]
    async with working(hook(receiver), crash=True):
        await put(fresh("cluster:fur"))
        await inside.wait()
        # of the same event, and of others: they must not change what the message says
        await put(fresh("platform:all"), fresh(holder="s2"))
        await asyncio.sleep(0.3)
    async with working(hook(receiver), name="w2"):
        await receiver.until(4)
        await asyncio.sleep(0.5)
    first, again, *others = receiver.got
    assert first.id == again.id
    assert first.alerts == again.alerts
    assert len({got.id for got in receiver.got}) == len(receiver.got) - 1
    assert all(each == ["ops delivered"] for each in (await states(journal)).values())
    async with working(hook(receiver), name="w3"):
        await asyncio.sleep(1.0)
    assert len(receiver.got) == 2 + len(others)


async def test_one_worker_delivers_at_a_time(receiver: Receiver, working, put: Put) -> None:
    async with working(hook(receiver), name="w1"), working(hook(receiver), name="w2"):
        await put(*(fresh(holder=f"s{number}") for number in range(5)))
        await receiver.until(5)
        await asyncio.sleep(1.0)
    assert len(receiver.got) == 5


async def test_from_an_alert_in_its_topic_to_the_target_takes_less_than_half_a_second(
    receiver: Receiver, working, put: Put
) -> None:
    """One event after the other, as on a usual evening; grouping alone takes 0.15 s."""
    took_s: list[float] = []
    async with working(hook(receiver, per_minute=6_000)):
        await put(fresh(holder="first"))
        await receiver.until(1)
        for number in range(100):
            await put(fresh(holder=f"s{number}"))
            put_s = time.time()
            took_s.append((await receiver.until(number + 2))[-1].at_s - put_s)
    took_s.sort()
    assert took_s[98] < 0.5, f"p50 {took_s[50] * 1000:.0f} ms, p99 {took_s[98] * 1000:.0f} ms"


# -- targets that fail -------------------------------------------------------------------------
async def test_429_is_waited_out_as_long_as_it_says(receiver: Receiver, working, put: Put) -> None:
    receiver.answers = [status(429, retry_after="2")]
    async with working(hook(receiver)):
        await put(fresh())
        first, second = await receiver.until(2)
    assert first.id == second.id
    assert 2.0 <= second.at_s - first.at_s < 5.0


@pytest.mark.parametrize("wrong", [status(500), status(302, location="http://127.0.0.1:1/"), status(401)])
async def test_a_wrong_answer_is_tried_again(receiver: Receiver, working, put: Put, wrong: object) -> None:
    receiver.answers = [wrong]  # type: ignore[list-item]
    async with working(hook(receiver)):
        await put(fresh())
        first, second = await receiver.until(2)
        await asyncio.sleep(0.5)
    assert first.id == second.id and len(receiver.got) == 2
    assert 0.5 <= second.at_s - first.at_s < 3.0


async def test_a_target_that_is_slow_or_away_delays_only_itself(receiver: Receiver, working, put: Put) -> None:
    async def slow(received: Received) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    async with Receiver() as sleepy, Receiver() as gone:
        await gone.__aexit__()  # nobody listens there now
        sleepy.answer = slow
        targets = hook(receiver), hook(sleepy, "sleepy", timeout_s=1), hook(gone, "gone")
        async with working(*targets):
            for number in range(4):
                await put(fresh(holder=f"s{number}"))
                sent_s = time.time()
                await receiver.until(number + 1)
                assert receiver.got[-1].at_s - sent_s < 1.0
            sleepy.answer = status(200)
            await sleepy.until(3)
            async with Receiver(gone.port) as back:
                await back.until(1, 20)
                await asyncio.sleep(1.0)
                told = {each["holder"]["id"] for got in back.got for each in got.alerts}
                assert told == {"s0", "s1", "s2", "s3"}


async def test_what_waits_for_a_target_survives_a_restart_however_old_it_is(
    monkeypatch, receiver: Receiver, working, put: Put, journal: Journal
) -> None:
    """A target was away for long: its alerts are older than an hour when the next worker comes."""
    receiver.answer = status(503)
    async with working(hook(receiver)):
        await put(*(fresh(holder=f"s{number}") for number in range(5)))
        await receiver.until(1)
        await asyncio.sleep(0.5)
    ledger, _ = await journal.read()
    assert offsets_of(ledger.waiting("ops").alerts) == [0, 1, 2, 3, 4]
    receiver.answer = status(200)
    later_ms = 3 * 3_600_000
    monkeypatch.setattr("tests.streams.notify.test_delivering.now_ms", lambda: int(time.time() * 1000) + later_ms)
    async with working(hook(receiver), name="w2"):
        await receiver.until(6, 20)
        await asyncio.sleep(0.5)
    assert await states(journal) == {str(number): ["ops delivered"] for number in range(5)}


async def test_a_private_address_behind_a_name_is_refused(receiver: Receiver) -> None:
    url = f"http://localhost:{receiver.port}/"
    sender = Sender(hook(receiver, url=url, allow_private=False))
    outcome = await sender.send(Request(url, b"{}", {}), now_ms())
    await sender.close()
    assert outcome.verdict is Verdict.AGAIN and "private address" in outcome.answer
    assert receiver.got == []


async def test_an_answer_in_pieces_is_read_whole_and_an_endless_one_is_not(receiver: Receiver) -> None:
    async def pieces(received: Received) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(received.request)
        for part in (b'{"errmsg":"ok",', b'"errcode":0}'):
            await response.write(part)
            await asyncio.sleep(0.1)
        return response

    async def endless(received: Received) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(received.request)
        while True:
            await response.write(b"x" * 65_536)

    sender = Sender(hook(receiver, kind=Kind.WECOM, timeout_s=2))
    request = Request(receiver.url, b"{}", {})
    receiver.answers = [pieces, endless]
    assert (await sender.send(request, now_ms())).verdict is Verdict.DELIVERED
    assert await sender.send(request, now_ms()) == Outcome(Verdict.AGAIN, "200 without a code")
    await sender.close()


async def test_a_storm_over_http_is_all_told(receiver: Receiver, working, put: Put, journal: Journal) -> None:
    await put(*(fresh(f"anchor:a{number}", f"h{number}", rule="peak.hour") for number in range(2_000)))
    async with working(hook(receiver, per_minute=60), hook(receiver, "quiet", scopes=("platform",))):
        async with asyncio.timeout(60):
            # what comes is another task's
            while sum(len(got.alerts) for got in receiver.got) < 2_000:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    told = [each["alert_id"] for got in receiver.got for each in got.alerts]
    assert len(told) == len(set(told)) == 2_000
    assert await states(journal) == {str(number): ["ops delivered"] for number in range(2_000)}
    assert len(receiver.got) <= 60


# -- silences and requests ---------------------------------------------------------------------
async def test_a_silence_delays(receiver: Receiver, working, put: Put, journal: Journal) -> None:
    began_ms = now_ms()
    silence = Silence(id="q1", author="lin", from_ms=began_ms, until_ms=began_ms + 3_000, scopes=["cluster:fur"])
    async with working(hook(receiver)):
        await journal.write(silence)
        await asyncio.sleep(0.5)
        await put(fresh("cluster:fur", state="provisional"), fresh("cluster:down", holder="s2"))
        await receiver.until(1)
        await put(fresh("cluster:fur", revision=2))
        await receiver.until(2)
        await asyncio.sleep(0.5)
    assert [(got.alerts[0]["scope"]["id"], got.alerts[0]["state"]) for got in receiver.got] == [
        ("down", "confirmed"), ("fur", "confirmed"),
    ]  # fmt: skip
    assert receiver.got[1].at_s * 1000 >= silence.until_ms
    assert sorted((await states(journal)).items()) == [(str(number), ["ops delivered"]) for number in range(3)]


async def test_a_request_sends_it_again(receiver: Receiver, working, put: Put, journal: Journal) -> None:
    it = fresh()
    async with working(hook(receiver)):
        await put(it)
        await receiver.until(1)
        await journal.write(Resend(id="r1", author="lin", offset=0, alert=it, at_ms=now_ms(), target="ops"))
        first, again = await receiver.until(2)
        await asyncio.sleep(0.3)
    assert first.id != again.id and first.alerts == again.alerts
    async with working(hook(receiver), name="w2"):
        await asyncio.sleep(1.0)
    assert len(receiver.got) == 2


async def test_other_targets_count_from_the_next_look(receiver: Receiver, working, put: Put) -> None:
    async with working(hook(receiver, rules=("peak.*",))) as it:
        await put(fresh(holder="s1"))
        await asyncio.sleep(1.0)
        assert receiver.got == []
        it.targets = Targets((hook(receiver, "new"),))
        await receiver.until(1)
    assert receiver.got[0].alerts[0]["holder"]["id"] == "s1"
