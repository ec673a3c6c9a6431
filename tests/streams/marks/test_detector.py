"""From tallies and marks to alerts, one fact after the other, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from redis.asyncio import Redis

from streams.keys import Keys, shard_keys, shard_of
from streams.marks.detector import Detector, PassResult
from streams.marks.evidence import evidence_ranges
from streams.marks.facts import Fact, decode_fact
from streams.marks.store import MarkStore
from streams.tally.sessions import Scopes
from streams.tally.windows import SHANGHAI

KEYS = [shard_keys("test", 0)]
DAY = 20_453
HOUR = DAY * 24
LATENESS_MS = 120_000


def at(hours: float) -> int:
    """Epoch ms, so many hours into the local day 2025-12-31."""
    return SHANGHAI.start_ms("day", DAY) + int(hours * 3_600_000)


class Clock:
    """The clock that is passed in."""

    now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def detector(redis: Redis) -> Callable[..., Detector]:
    """Makes detectors with a history of 1."""

    def make(
        worker: str = "w1", keys: list[Keys] = KEYS, marks_a_pass: int = 100, clock: Clock | None = None
    ) -> Detector:
        clock = clock or Clock()
        return Detector(
            redis, keys, SHANGHAI, LATENESS_MS, 1, 0, "orders", worker, clock, marks_a_pass=marks_a_pass
        )  # fmt: skip

    return make


async def told(redis: Redis, keys: Keys = KEYS[0]) -> list[Fact]:
    """What the outbox has; it is emptied."""
    found = await redis.xrange(keys.outbox())
    await redis.delete(keys.outbox())
    return [decode_fact(fields[b"f"]) for _, fields in found]


def short(facts: list[Fact]) -> list[tuple[str, str, str, int]]:
    return [(fact.dimension, fact.holder, fact.state, fact.value) for fact in facts]


def hour(number: int, value: int, cluster: str = "c1") -> dict:
    """Arguments of a settle: this hour of the day gets so much more."""
    return {
        "sums": [(KEYS[0].hours("cluster", DAY, cluster), f"{number:02d}g", value)],
        "peaks": [f"hour|{HOUR + number}|cluster|{cluster}"],
    }


# -- hours -------------------------------------------------------------------------------------
async def test_an_hour_becomes_a_peak_and_is_confirmed(redis: Redis, settle: Callable, detector: Callable) -> None:
    write, it = settle(KEYS), detector()
    await write(0, **hour(8, 100))
    await write(0, **hour(9, 200))
    await write.watermark(at(9.9))
    assert await it.peaks_pass(0) == PassResult(True, 2, {("peak.hour", "provisional"): 1}, at(9.9), False)
    [fact] = await told(redis)
    assert (fact.holder, fact.start_ms, fact.end_ms) == ("2025-12-31T09", at(9), at(10))
    await write.watermark(at(10) + LATENESS_MS - 1)
    assert not (await it.peaks_pass(0)).alerts
    await write.watermark(at(10) + LATENESS_MS)
    assert (await it.peaks_pass(0)).alerts == {("peak.hour", "confirmed"): 1}
    assert short(await told(redis)) == [("cluster", "2025-12-31T09", "confirmed", 200)]


async def test_without_news_a_pass_does_nothing(redis: Redis, settle: Callable, detector: Callable) -> None:
    write, it = settle(KEYS), detector()
    await write.watermark(at(9))
    assert await it.peaks_pass(0) == PassResult(watermark_ms=at(9))
    assert await it.records_pass(0) == PassResult(watermark_ms=at(9))
    await write(0, **hour(8, 100))
    assert (await it.peaks_pass(0)).did_work
    assert not (await it.peaks_pass(0)).did_work


async def test_before_there_is_a_watermark_nothing_closes(settle: Callable, detector: Callable) -> None:
    write, it = settle(KEYS), detector()
    await write(0, **hour(8, 100))
    assert await it.peaks_pass(0) == PassResult(True, 1, {}, 0, False)


async def test_a_session_has_peak_hours_of_its_own(redis: Redis, settle: Callable, detector: Callable) -> None:
    write, it = settle(KEYS), detector()
    key = KEYS[0].session_hours("s1")
    sums = [(key, f"{HOUR + 8}g", 100), (key, f"{HOUR + 9}g", 200)]
    await write(0, sums=sums, peaks=[f"hour|{HOUR + 8}|session|s1", f"hour|{HOUR + 9}|session|s1"])
    await write.watermark(at(20))
    await it.peaks_pass(0)
    assert short(await told(redis)) == [("session", "2025-12-31T09", "confirmed", 200)]


async def test_an_hour_of_a_city_has_no_peak(redis: Redis, settle: Callable, detector: Callable) -> None:
    await settle(KEYS)(0, peaks=[f"hour|{HOUR}|city|x"])
    assert (await detector().peaks_pass(0)).raised == 0
    assert await redis.zcard(KEYS[0].changed("peaks")) == 0


# -- evidence ----------------------------------------------------------------------------------
async def test_evidence_is_what_the_value_was_read_from(redis: Redis, settle: Callable, detector: Callable) -> None:
    write, it = settle(KEYS), detector()
    await write(0, **hour(8, 100))
    await write(0, **hour(9, 200))
    await write.watermark(at(20))
    await write.fence("orders", 1, next=50, trusted_ms=at(20), arrival_ms=at(20), unread=0)
    await write.fence("live-sessions", 0, next=70, trusted_ms=at(20), arrival_ms=at(20), unread=0)
    await redis.hset(KEYS[0].first_offsets("orders", 0), mapping={HOUR + 8: 11, HOUR + 9: 33})
    await redis.hset(KEYS[0].first_offsets("orders", 1), mapping={HOUR + 8: 22})
    await it.peaks_pass(0)
    [fact] = await told(redis)
    assert evidence_ranges(fact.evidence) == [("orders", 0, 33, 99)]


# -- rolling -----------------------------------------------------------------------------------
def minutes(*values: tuple[int, int]) -> dict:
    """Arguments of a settle: these minutes of the day get so much more."""
    return {
        "sums": [
            (KEYS[0].minutes("cluster", HOUR + minute // 60, "c1"), f"{minute % 60:02d}g", value)
            for minute, value in values
        ],
        "peaks": [f"minute|{HOUR * 60 + minute}|cluster|c1" for minute, _ in values],
    }


async def test_the_best_sixty_minutes_of_a_day(redis: Redis, settle: Callable, detector: Callable) -> None:
    write, it = settle(KEYS), detector()
    await write(0, **minutes((600, 50), (1_439, 10)))
    await write(0, **minutes((1_440 + 30, 40), (1_440 + 89, 40), (1_440 + 90, 1)))
    await write.watermark(at(24) + LATENESS_MS)
    await it.peaks_pass(0)
    [fact] = await told(redis)
    assert (fact.rule, fact.holder, fact.state, fact.value) == ("peak.rolling", "2026-01-01", "provisional", 80)
    assert (fact.start_ms, fact.end_ms) == (at(24.5), at(25.5))
    await write.watermark(at(48) + LATENESS_MS)
    await it.peaks_pass(0)
    assert short(await told(redis)) == [("cluster", "2026-01-01", "confirmed", 80)]


async def test_minutes_far_apart_are_looked_at_around_each(redis: Redis, settle: Callable, detector: Callable) -> None:
    write, it = settle(KEYS), detector()
    await write(0, **minutes((10, 5), (65, 5)))
    await it.peaks_pass(0)
    await write(0, **minutes((20, 1), (1_300, 9), (-1_000, 3)))
    await write.watermark(at(48) + LATENESS_MS)
    await it.peaks_pass(0)
    fact = (await told(redis))[-1]
    assert (fact.state, fact.value, fact.start_ms) == ("confirmed", 11, at(6 / 60))


# -- records -----------------------------------------------------------------------------------
def declared(at_ms: int, category: str = "fur", merchant: str | None = None, event: str = "e") -> str:
    scopes = Scopes("anchor-1", merchant, None, category, "room-1", None)
    return f"{at_ms:015d}|{event}\0{msgspec.json.encode(scopes).decode()}"


def sold(id: str, hour: int, gross: int, refunds: int = 0, keys: Keys = KEYS[0], **fields: str | int) -> dict:
    """Arguments of a settle: this session sold so much in an hour of the day."""
    key = keys.session_hours(id)
    return {
        "sums": [(key, f"{HOUR + hour}g", gross), (key, f"{HOUR + hour}r", refunds)],
        "sessions": [(keys.session(id), fields)] if fields else [],
        "records": [f"session|{id}"],
    }


def ended(hours: float) -> str:
    return f"{at(hours):015d}|end"


async def test_a_session_becomes_a_record_and_refunds_take_it_back(
    redis: Redis, settle: Callable, detector: Callable
) -> None:
    write, it = settle(KEYS), detector()
    await write(0, **sold("s1", 8, 100, started=declared(at(8)), ended=ended(9), first_ms=at(8), last_ms=at(9)))
    await write(0, **sold("s2", 8, 200, started=declared(at(8)), first_ms=at(8), last_ms=at(10)))
    await write.watermark(at(10))
    result = await it.records_pass(0)
    assert result.alerts == {("record.session", "provisional"): 6}
    facts = await told(redis)
    assert {(fact.dimension, fact.metric.split(".")[2]) for fact in facts} == {
        (dimension, metric) for dimension in ("anchor", "category", "platform") for metric in ("gross", "net")
    }
    assert {(fact.holder, fact.start_ms, fact.end_ms) for fact in facts} == {("s2", at(8), None)}
    await write(0, **sold("s2", 9, 5, 110, ended=ended(11)))
    await write.watermark(at(11) + LATENESS_MS)
    await it.records_pass(0)
    facts = await told(redis)
    assert {(fact.state, fact.value, fact.end_ms) for fact in facts if "gross" in fact.metric} == {
        ("confirmed", 205, at(11))
    }
    assert {(fact.state, fact.value, fact.cause) for fact in facts if "net" in fact.metric} == {
        ("retracted", 95, "fell")
    }


async def test_a_silent_session_closes_six_hours_after_its_last_sign(
    redis: Redis, settle: Callable, detector: Callable
) -> None:
    write, it = settle(KEYS), detector()
    await write(0, **sold("s1", 1, 100, started=declared(at(1)), ended=ended(2), first_ms=at(1), last_ms=at(2)))
    await write(0, **sold("s2", 8, 200, started=declared(at(8)), first_ms=at(8), last_ms=at(9)))
    await write.watermark(at(15) + LATENESS_MS - 1)
    assert set((await it.records_pass(0)).alerts) == {("record.session", "provisional")}
    await write.watermark(at(15) + LATENESS_MS)
    assert set((await it.records_pass(0)).alerts) == {("record.session", "confirmed")}
    facts = await told(redis)
    assert {fact.event_time_ms for fact in facts if fact.state == "confirmed"} == {at(15)}
    assert {fact.end_ms for fact in facts} == {None}


async def test_orders_paid_after_the_end_confirm_late_and_a_refund_takes_it_back(
    redis: Redis, settle: Callable, detector: Callable
) -> None:
    write, it = settle(KEYS), detector()
    for id, gross, start in (("s1", 100, 1), ("s2", 90, 3)):
        await write(
            0, **sold(id, start, gross, started=declared(at(start)), ended=ended(start + 1), first_ms=0, last_ms=0)
        )
    await write.watermark(at(6))
    await it.records_pass(0)
    assert await told(redis) == []
    await write(0, **sold("s2", 9, 20))
    await it.records_pass(0)
    assert {(fact.state, fact.value, fact.cause) for fact in await told(redis)} == {("confirmed", 110, "late")}
    await write(0, **sold("s2", 9, 0, 15))
    await it.records_pass(0)
    facts = await told(redis)
    assert len(facts) == 3, "one message for each scope, of net alone"
    assert {(fact.metric, fact.state, fact.value, fact.previous.value) for fact in facts} == {
        ("gmv.paid.net.v1", "retracted", 95, 100)
    }
    await write(0, **sold("s1", 1, 0, 10))
    await it.records_pass(0)
    assert {(fact.holder, fact.state, fact.cause, fact.by.holder, fact.by.value) for fact in await told(redis)} == {
        ("s2", "reinstated", "freed", "s1", 90)
    }


async def test_before_there_is_a_watermark_an_alert_does_not_say_when(redis: Redis, settle: Callable) -> None:
    it = Detector(redis, KEYS, SHANGHAI, LATENESS_MS, 0, 0, "orders", "w1", Clock())
    await settle(KEYS)(0, **hour(8, 100))
    await it.peaks_pass(0)
    [fact] = await told(redis)
    assert (fact.state, fact.as_of_ms, fact.event_time_ms) == ("provisional", None, None)


async def test_a_session_without_a_start_has_no_record(redis: Redis, settle: Callable, detector: Callable) -> None:
    write, it = settle(KEYS), detector()
    await write(0, **sold("s1", 8, 100, ended=ended(9), first_ms=at(8), last_ms=at(9)))
    await write.watermark(at(20))
    assert (await it.records_pass(0)).raised == 0
    assert await redis.zcard(KEYS[0].changed("records")) == 0


async def test_an_earlier_start_moves_a_session_to_its_scopes(
    redis: Redis, settle: Callable, detector: Callable
) -> None:
    write, it = settle(KEYS), detector()
    for id, gross, start, end in (("s1", 100, 1, 2), ("s2", 200, 3, 4)):
        await write(
            0, **sold(id, start, gross, started=declared(at(start)), ended=ended(end), first_ms=0, last_ms=at(end))
        )
    await write.watermark(at(20))
    await it.records_pass(0)
    assert ("category", "s2", "confirmed", 200) in short(await told(redis))
    await write(0, **sold("s2", 3, 0, started=declared(at(2.9), category="home")))
    await it.records_pass(0)
    facts = await told(redis)
    assert {(fact.dimension, fact.scope_id, fact.state, fact.cause) for fact in facts} == {
        ("category", "fur", "retracted", "withdrawn")
    }


async def test_sessions_of_all_shards_meet_in_one_ranking(redis: Redis, settle: Callable, detector: Callable) -> None:
    keys = [shard_keys("test", number) for number in range(3)]
    write, it = settle(keys), detector(keys=keys)
    await write.watermark(at(20))
    for number in range(1, 7):
        shard = shard_of("session", f"s{number}", 3)
        fields = {"started": declared(at(number)), "ended": ended(number + 1), "first_ms": at(number), "last_ms": 0}
        await write(shard, **sold(f"s{number}", number, 100 * number, keys=keys[shard], **fields))
    assert len({shard_of("session", f"s{number}", 3) for number in range(1, 7)}) > 1
    for _ in range(2):
        for shard in range(3):
            await it.records_pass(shard)
    facts = await told(redis, keys[shard_of("platform", "all", 3)])
    gross = [fact for fact in facts if fact.dimension == "platform" and "gross" in fact.metric]
    last = {fact.holder: fact.state for fact in gross}
    assert last == {f"s{number}": "confirmed" for number in range(2, 7)}


# -- passes ------------------------------------------------------------------------------------
async def test_a_pass_takes_so_many_marks_and_says_that_there_are_more(
    redis: Redis, settle: Callable, detector: Callable
) -> None:
    write, it = settle(KEYS), detector(marks_a_pass=2)
    for number in range(5):
        await write(0, **hour(number, 10))
    results = [await it.peaks_pass(0) for _ in range(4)]
    assert [(result.raised, result.more) for result in results] == [(2, True), (2, True), (1, False), (0, False)]
    await write.watermark(at(20))
    results = [await it.peaks_pass(0) for _ in range(4)]
    assert [(result.raised, result.more) for result in results] == [(2, True), (2, True), (1, False), (0, False)]


async def test_no_hour_is_confirmed_before_an_earlier_one_that_waits(
    redis: Redis, settle: Callable, detector: Callable
) -> None:
    """The mark of the better, earlier hour is the newer one: it changed once more, late."""
    write, it = settle(KEYS), detector(marks_a_pass=1)
    await write(0, **hour(7, 10))
    await write(0, **hour(9, 200))
    await write(0, **hour(8, 300))
    await write.watermark(at(20))
    while (await it.peaks_pass(0)).did_work:
        pass
    states = [(fact.holder[-2:], fact.state) for fact in await told(redis)]
    assert ("09", "confirmed") not in states
    assert states[-1] == ("08", "confirmed")


async def test_another_worker_with_the_lease_does_it(redis: Redis, settle: Callable, detector: Callable) -> None:
    one, other = detector("w1"), detector("w2")
    await settle(KEYS)(0, **hour(8, 100))
    assert (await one.peaks_pass(0)).did_work
    await settle(KEYS)(0, **hour(8, 100))
    assert await other.peaks_pass(0) == PassResult()
    await one.release()
    assert (await other.peaks_pass(0)).did_work


async def test_peaks_and_records_may_run_at_once(settle: Callable, detector: Callable) -> None:
    it = detector()
    await settle(KEYS)(0, **hour(8, 100))
    await settle(KEYS)(0, **sold("s1", 8, 100, started=declared(at(8)), first_ms=at(8), last_ms=at(8)))
    peaks, records = await asyncio.gather(it.peaks_pass(0), it.records_pass(0))
    assert peaks.did_work
    assert records.did_work


# -- the clock ---------------------------------------------------------------------------------
async def test_a_partition_that_comes_while_they_are_read_holds_the_watermark_back(
    redis: Redis, settle: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are listed, and then the worker stops for a while: what it reads then must not lack the other."""
    write, smembers = settle(KEYS), redis.smembers
    await write.fence("orders", 0, next=9, trusted_ms=at(20), arrival_ms=at(20), unread=1)

    async def stopped(key: str) -> object:
        listed = await smembers(key)
        await write.fence("orders", 1, next=9, trusted_ms=at(7), arrival_ms=at(20), unread=1)
        return listed

    monkeypatch.setattr(redis, "smembers", stopped)
    progress = await MarkStore(redis, KEYS).progress()
    assert [{place: each.trusted_ms for place, each in shard.items()} for shard in progress] == [
        {("orders", 0): at(20), ("orders", 1): at(7)}
    ]


async def test_an_idle_partition_lets_go_after_two_looks(settle: Callable, detector: Callable) -> None:
    clock = Clock()
    write, it = settle(KEYS), detector(clock=clock)
    await write.fence("orders", 0, next=9, trusted_ms=at(9), arrival_ms=at(9), unread=0)
    await write.fence("orders", 1, next=9, trusted_ms=at(2), arrival_ms=at(2), unread=0)
    assert (await it.peaks_pass(0)).watermark_ms == at(2)
    clock.now_ms += 499
    assert (await it.peaks_pass(0)).watermark_ms == at(2)
    clock.now_ms += 1
    assert (await it.peaks_pass(0)).watermark_ms == at(9)


@pytest.mark.parametrize(("idle_ms", "expected"), [(0, at(9)), (60_000, at(13) - 60_000)])
async def test_when_all_is_idle_the_clock_may_move_it(redis: Redis, settle: Callable, idle_ms, expected) -> None:
    clock = Clock()
    clock.now_ms = at(12)
    it = Detector(redis, KEYS, SHANGHAI, LATENESS_MS, 1, idle_ms, "orders", "w1", clock)
    await settle(KEYS).watermark(at(9))
    assert (await it.peaks_pass(0)).watermark_ms == at(9)
    clock.now_ms = at(13)
    assert (await it.peaks_pass(0)).watermark_ms == expected
