"""The pipeline and the truth judge every small log alike, record by record, however the log is cut and read again."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from schemas.events import OrderEvent
from schemas.rejects import origin_of
from streams.intake.admission import admit_order
from streams.intake.judge import Judged, judge, spoken_of
from streams.intake.order import GENERATION_DAYS, generation_of, generation_starts_ms
from streams.intake.order_store import OrderRules, load_orders, write_orders
from streams.intake.resends import ResendMemory
from streams.keys import shard_keys
from streams.lab.truth.judge import PartitionJudge
from streams.lab.truth.model import Record, Rules
from streams.tally.windows import DAY_MS, SHANGHAI
from tests.streams.intake.making import DEDUPE_MS, MIDNIGHT_MS, ORDERS, Rec, as_bytes, chunk, paid, refund

KEYS = shard_keys("test", 0)
#: where a generation begins
BORDER_MS = generation_starts_ms(generation_of(MIDNIGHT_MS, SHANGHAI), SHANGHAI)
SECOND_MS = 1_000
#: what one record arrives after the one before. Arrivals go back a little: a broker took the partition over
STEPS_MS = st.sampled_from(
    [0, 1, SECOND_MS, SECOND_MS, SECOND_MS, -1, -2 * SECOND_MS]
    + [DEDUPE_MS + by for by in (-1, 0, 1)]
    + [days * DAY_MS + by for days in (1, 7, 30, 35) for by in (0, 1)]
    + [GENERATION_DAYS * DAY_MS]
)
#: what is told of an event as the other side must tell it, too
NAMES = ("session_id", "anchor_id", "merchant_id", "category", "channel", "province", "amount_fen", "pay_time_ms")
WHERE = ("merchant_id", "category", "channel", "amount_fen", "pay_time_ms")


class Said(NamedTuple):
    """One record to be: an event of an order, or a copy of an earlier record."""

    kind: str
    order: int
    fen: int
    #: ids are reused, by copies and by producers that are wrong
    event: int
    copied: int
    after_ms: int
    origin: bytes | None


class Cut(NamedTuple):
    """One chunk, of which a part is settled; then the worker goes on, or another begins at the shard furthest back."""

    size: int
    settled: int
    restarts: bool
    back: int


SAID = st.builds(
    Said,
    kind=st.sampled_from(["paid", "paid", "bare", "bare", "whole", "created", "copy", "copy", "broken"]),
    order=st.integers(0, 1),
    fen=st.sampled_from([0, 30, 60, 100, 101]),
    event=st.integers(0, 9),
    copied=st.integers(1, 6),
    after_ms=STEPS_MS,
    origin=st.sampled_from([None, None, None, b"orders/0/0", b"orders/0/1"]),
)
CUT = st.builds(Cut, size=st.integers(1, 9), settled=st.integers(1, 9), restarts=st.booleans(), back=st.integers(0, 9))


def log_of(said: list[Said], begins_ms: int) -> list[Rec]:
    recs: list[Rec] = []
    arrival_ms = begins_ms
    for offset, each in enumerate(said):
        arrival_ms += each.after_ms
        headers = [("hightide-origin", each.origin)] if each.origin else []
        recs.append(Rec(offset, arrival_ms, b"key", value_of(each, recs, arrival_ms), headers))
    return recs


def value_of(said: Said, before: list[Rec], arrival_ms: int) -> bytes:
    if said.kind == "copy" and before:
        return before[-min(said.copied, len(before))].value or b""
    if said.kind == "broken":
        return b"no json"
    base = {"anchor_id": f"anchor-{said.event}", "province": f"province-{said.fen}", "event_time_ms": arrival_ms}
    base |= {"order_id": f"order-{said.order}", "pay_time_ms": arrival_ms - said.event * 1_000}
    if said.kind in ("paid", "created", "copy"):
        kind = "created" if said.kind == "created" else "paid"
        return as_bytes(paid(f"e-{said.event}", said.fen, **base, event_type=f"order.{kind}"))
    whole = refund(f"e-{said.event}", said.fen, **base)
    return as_bytes({k: v for k, v in whole.items() if said.kind == "whole" or k not in WHERE})


def told(event: Any, first: bool) -> tuple[object, ...]:
    fields = event.get if isinstance(event, dict) else lambda name: getattr(event, name)
    return ("counted", first, *(fields(name) for name in NAMES))


# -- the two sides -----------------------------------------------------------------------------
def by_truth(recs: list[Rec], rules: Rules) -> list[tuple[object, ...]]:
    side, outcomes = PartitionJudge("orders", 0, rules), []
    for each in recs:
        rejected = dict(side.count.rejected)
        before = side.count.counted, side.count.resends
        side.take(Record("orders", 0, each.offset, each.timestamp, each.key, each.value, origin_of(each.headers)))
        if side.count.counted > before[0]:
            outcomes.append(told(side.counted[-1].event, side.counted[-1].first_refund))
        elif side.count.resends > before[1]:
            outcomes.append(("resend",))
        else:
            outcomes += [
                ("rejected", reason) for reason, n in side.count.rejected.items() if n > rejected.get(reason, 0)
            ]
    return outcomes


def by_pipeline(judged: Judged) -> dict[int, tuple[object, ...]]:
    found: dict[int, tuple[object, ...]] = dict.fromkeys(judged.resends, ("resend",))
    found |= {each.record.offset: ("rejected", each.reason.value) for each in judged.rejects}
    return found | {each.offset: told(each.event, each.first_refund) for each in judged.counted}


class Worker:
    """Reads `recs` from before `low`, where the shard furthest back stands, as `opening.py` does."""

    def __init__(self, redis: Redis, recs: list[Rec], rules: OrderRules, low: int) -> None:
        self._redis, self._recs, self._rules, self._low = redis, recs, rules, low
        self._memory = ResendMemory(DEDUPE_MS)
        admitted = (
            each for each in recs[:low] if isinstance(admit_order(each.value, each.timestamp, SHANGHAI), OrderEvent)
        )
        since_ms = max((each.timestamp for each in admitted), default=0) - DEDUPE_MS
        self.at = min(
            next(each.offset for each in [*recs, Rec(low, 1 << 60, b"", b"")] if each.timestamp >= since_ms), low
        )

    async def take(self, cut: Cut, fence: int) -> tuple[Judged, int]:
        """Judge the next chunk, settle a part of what the home shard lacks; returns where its fence is then."""
        recs = self._recs[self.at : self.at + cut.size]
        it, admitted = chunk(recs), [admit_order(each.value, each.timestamp, SHANGHAI) for each in recs]
        book = await load_orders(self._redis, KEYS, ORDERS, spoken_of(it, admitted, self._rules.index), self._rules)
        assert book is not None
        book.low = self._low
        judged = judge(it, admitted, self._memory, book)
        stop = it.end if not cut.restarts else min(it.end, fence + cut.settled)
        if stop > fence:
            async with self._redis.pipeline(transaction=True) as pipe:
                for key, row in write_orders(KEYS, ORDERS, book, judged.touched_in(fence, stop)).items():
                    pipe.hset(key, items=list(row))
                pipe.hset(KEYS.fence(*ORDERS), "next", stop)
                await pipe.execute()
        self.at = it.end
        return judged, max(fence, stop)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(SAID, min_size=1, max_size=14),
    cuts=st.lists(CUT, min_size=1, max_size=4),
    begins_ms=st.sampled_from([BORDER_MS - 1, BORDER_MS, BORDER_MS + DAY_MS]),
    refund_days=st.sampled_from([0, 1, 30, 35]),
    index=st.booleans(),
)
async def test_both_judge_alike(
    redis: Redis, said: list[Said], cuts: list[Cut], begins_ms: int, refund_days: int, index: bool
) -> None:
    await redis.flushdb()
    await redis.hset(KEYS.fence(*ORDERS), "next", 0)
    recs = log_of(said, begins_ms)
    expected = by_truth(recs, Rules(dedupe_ms=DEDUPE_MS, refund_days=refund_days, order_index=index))
    rules = OrderRules(SHANGHAI, refund_days * DAY_MS, index)
    worker, fence, low, turn = Worker(redis, recs, rules, 0), 0, 0, 0
    while fence < len(recs):
        cut, stood_at = cuts[turn % len(cuts)], fence
        judged, fence = await worker.take(cut, fence)
        found = {at: what for at, what in by_pipeline(judged).items() if at >= low}
        assert found == {at: expected[at] for at in found}
        if fence > stood_at:
            turn += 1
            if cut.restarts:
                low = max(0, fence - cut.back)
                worker = Worker(redis, recs, rules, low)
