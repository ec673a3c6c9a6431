"""Replay equality in small: however a log is cut, read again, rolled back or fought over, the tallies end the same.

A run is a random walk of two workers that both hold every partition, over one store. Its seed stands in the test's
name: `-k "[7]"` runs it again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
from faust.types import TP
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisGone

import streams.intake.path
import streams.intake.store_calls
from streams.tally.settle import Applied, Elsewhere
from tests.streams.intake.counting import Reader, restore, saved, tallies
from tests.streams.intake.making import MIDNIGHT_MS, ORDERS, Rec, as_bytes, paid, refund

SESSIONS = TP("live-sessions", 0)
#: short, so that a walk reads again from behind some copies and before others
DEDUPE_MS = 40_000
RECORDS = 90
STEPS = 60


class Killed(Exception):
    """The worker died here."""


# -- the log -----------------------------------------------------------------------------------
def order_log(random: Random) -> list[Rec]:
    """Payments (some twice), refunds of few orders (some too many, some of what is not paid yet), copies within and
    beyond the horizon, rejects, and records that were driven again."""
    values: list[bytes] = []
    kinds = [payment, order_back, bare_refund, second_payment, copy, broken]
    while len(values) < RECORDS:
        values.append(random.choices(kinds, [5, 3, 3, 1, 4, 1])[0](random, len(values), values))
    return [driven_again(random, rec) for rec in in_log(random, values)]


def driven_again(random: Random, rec: Rec) -> Rec:
    if random.random() > 0.2:
        return rec
    return rec._replace(headers=[("hightide-origin", b"orders/0/%d" % random.randrange(6))])


def payment(random: Random, at: int, values: list[bytes]) -> bytes:
    who = {name: f"{name}-{random.randrange(3)}" for name in ("anchor_id", "session_id", "buyer_id")}
    pay_ms = MIDNIGHT_MS + random.randrange(-3, 4) * 1_800_000
    return as_bytes(paid(f"p-{at}", random.randrange(1, 500), pay_time_ms=pay_ms, **who))


def order_back(random: Random, at: int, values: list[bytes]) -> bytes:
    return as_bytes(refund(f"r-{at}", random.choice((0, 20, 35, 60, 100)), f"order-{random.randrange(4)}"))


def bare_refund(random: Random, at: int, values: list[bytes]) -> bytes:
    whole = refund(f"b-{at}", random.choice((10, 60, 400)), f"order-p-{random.randrange(RECORDS)}")
    lacking = ("merchant_id", "category", "channel", "amount_fen", "pay_time_ms")
    return as_bytes({name: value for name, value in whole.items() if name not in lacking})


def second_payment(random: Random, at: int, values: list[bytes]) -> bytes:
    return as_bytes(paid(f"q-{at}", 77, order_id=f"order-p-{random.randrange(at + 1)}"))


def copy(random: Random, at: int, values: list[bytes]) -> bytes:
    return random.choice(values[-25:]) if values else b""


def broken(random: Random, at: int, values: list[bytes]) -> bytes:
    return random.choice((b"", b"no json", as_bytes(paid(f"b-{at}", currency="USD"))))


def session_log(random: Random) -> list[Rec]:
    return in_log(random, [session(random, at) for at in range(RECORDS // 3)])


def session(random: Random, at: int) -> bytes:
    return as_bytes(
        {
            "event_id": f"s-{at}",
            "event_type": random.choice(("session.started", "session.anchor_changed", "session.ended")),
            "event_time_ms": MIDNIGHT_MS + random.randrange(3_600_000),
            "session_id": f"session_id-{random.randrange(3)}",
            "room_id": "room-0042",
            "anchor_id": "anchor_id-1",
            "category": "womens-wear",
        }
    )


def in_log(random: Random, values: list[bytes]) -> list[Rec]:
    recs, arrival_ms = [], MIDNIGHT_MS
    for offset, value in enumerate(values):
        arrival_ms += random.choice((0, 500, 2_000, 2_000, 15_000))
        recs.append(Rec(offset, arrival_ms, b"key", value))
    return recs


# -- the walk ----------------------------------------------------------------------------------
class Walk:
    """Two workers and whatever happens to them."""

    def __init__(self, redis: Redis, logs: dict[TP, list[Rec]], shards: int, random: Random) -> None:
        self._redis = redis
        self._random = random
        self._readers = [Reader(redis, logs, shards, DEDUPE_MS) for _ in range(2)]
        #: what the store may go back to; the first is nothing at all
        self._before: list[dict[bytes, bytes]] = [{}]
        for reader in self._readers:
            self._endanger(reader)

    async def go(self) -> None:
        """Do `STEPS` random things, then let one worker read to the end."""
        for reader in self._readers:
            await reader.open()
        for _ in range(STEPS):
            await self._random.choices([self._read, self._restart, self._save, self._roll_back], [20, 2, 2, 1])[0]()
        self._danger = 0.0
        last = self._readers[0]
        await last.open()
        await last.read_all(self._random.randrange(1, 40))

    async def _read(self) -> None:
        reader = self._random.choice(self._readers)
        if left := [tp for tp in reader.partitions if reader.left(tp)]:
            try:
                await reader.read(self._random.choice(left), self._random.randrange(1, 30))
            except Killed:
                await reader.open()

    async def _restart(self) -> None:
        await self._random.choice(self._readers).open()

    async def _save(self) -> None:
        self._before.append(await saved(self._redis))

    async def _roll_back(self) -> None:
        """The store goes back, the workers do not know."""
        await restore(self._redis, self._random.choice(self._before))

    def _endanger(self, reader: Reader) -> None:
        self._danger = 0.15
        for settler in reader.path._settlers:
            settler.settle = self._dangerous(settler.settle)  # type: ignore[method-assign]

    def _dangerous(self, settle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """A settle before or after which the worker may die, or whose answer may be lost."""

        async def settled(*job: Any) -> Applied | Elsewhere:
            fate = self._random.choice(("dies before", "dies after", "loses the answer"))
            happens = self._random.random() < self._danger
            if happens and fate == "dies before":
                raise Killed
            answer: Applied | Elsewhere = await settle(*job)
            if happens:
                raise Killed if fate == "dies after" else RedisGone("cut after the command was sent")
            return answer

        return settled


@pytest.mark.parametrize("seed", range(20))
async def test_any_walk_ends_as_one_clean_pass(redis: Redis, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams.intake.store_calls, "backoff_s", lambda attempt, chance: 0.0)
    random = Random(seed)
    logs, shards = {ORDERS: order_log(random), SESSIONS: session_log(random)}, random.choice((1, 1, 2, 3))
    clean = Reader(redis, logs, shards, DEDUPE_MS)
    await clean.open()
    await clean.read_all()
    expected = await tallies(redis, shards)
    await redis.flushdb()
    monkeypatch.setattr(streams.intake.path, "MAX_ROWS", random.choice((5, 40, 4_000)))
    await Walk(redis, logs, shards, random).go()
    assert await tallies(redis, shards) == expected
