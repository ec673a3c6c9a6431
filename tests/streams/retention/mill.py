"""The whole path but for Kafka and Faust: events by hand, admitted, folded, settled, read by the detectors, audited."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from faust.types import TP
from redis.asyncio import Redis

from schemas.events import OrderEvent
from streams.intake.admission import Refusal, admit_order, admit_session
from streams.intake.order import generation_of
from streams.keys import Keys, shard_keys
from streams.lab.audit.compare import differences, looked_at
from streams.lab.audit.shelf import Shelf
from streams.lab.audit.store import Stored, read_into, read_stored
from streams.lab.truth import Record, Rules, Truth, compute_truth
from streams.lab.truth.spilled import SpilledTruth
from streams.marks.detector import Detector
from streams.metrics import Metrics
from streams.retention.purger import Purger
from streams.scripts import lua_script
from streams.tally.fold import Counted, fold
from streams.tally.rows import shard_rows
from streams.tally.settle import Applied, Progress, Settler
from streams.tally.windows import DAY_MS, HOUR_MS, SHANGHAI

#: 2025-03-01 00:00 in Shanghai
BEGIN_MS = 1_740_758_400_000
PLACES = (TP("orders", 0), TP("orders", 1), TP("live-sessions", 0))


def t(day: int, hour: float = 0.0) -> int:
    """Epoch milliseconds of an hour of a day, counted from the beginning."""
    return BEGIN_MS + day * DAY_MS + round(hour * HOUR_MS)


class Mill:
    """One application on an empty store."""

    def __init__(self, redis: Redis, shards: int = 1) -> None:
        self.redis = redis
        self.keys: list[Keys] = [shard_keys("mill", shard) for shard in range(shards)]
        self.log: list[Record] = []
        self.metrics = Metrics()
        #: what Kafka says that the input has
        self.partitions: set[tuple[str, int]] | None = {(tp.topic, tp.partition) for tp in PLACES}
        self._settlers = [Settler(redis, each) for each in self.keys]
        self._next: defaultdict[TP, int] = defaultdict(int)
        self._numbers = count()
        self._clock_ms = 0
        self.detector = Detector(
            redis, self.keys, SHANGHAI, 120_000, 3, 0, "orders", "mill", self._clock, marks_a_pass=50
        )

    def _clock(self) -> int:
        self._clock_ms += 1_000  # two looks at "nothing unread" are never too near to each other
        return self._clock_ms

    async def open(self) -> Mill:
        """Set the fences of all partitions."""
        init = lua_script(self.redis, "streams.tally", "fences")
        for keys in self.keys:
            for tp in PLACES:
                fence = keys.fence(tp.topic, tp.partition)
                await init(keys=[fence, keys.partitions()], args=[f"{tp.partition}:{tp.topic}", 0])
                await self.redis.hset(fence, "unread", 0)
        return self

    # -- events --------------------------------------------------------------------------------
    async def paid(self, time_ms: int, fen: int, arrival_ms: int | None = None, tp: TP = PLACES[0], **ids: Any) -> None:
        """A payment; `ids` replace or add fields."""
        await self._order("order.paid", time_ms, arrival_ms, tp, {"amount_fen": fen, "pay_time_ms": time_ms, **ids})

    async def refunded(self, time_ms: int, pay_time_ms: int, fen: int, tp: TP = PLACES[0], **ids: Any) -> None:
        """The first refund of an order."""
        fields = {"refund_id": f"r-{next(self._numbers)}", "refund_fen": fen, "amount_fen": fen, **ids}
        await self._order("order.refunded", time_ms, None, tp, {"pay_time_ms": pay_time_ms, **fields})

    async def created(self, time_ms: int, tp: TP = PLACES[0], **ids: Any) -> None:
        """An order that is not paid."""
        await self._order("order.created", time_ms, None, tp, {"amount_fen": 1, **ids})

    async def session(self, what: str, time_ms: int, session_id: str, **ids: Any) -> None:
        """A session is `started` or `ended`."""
        number = next(self._numbers)
        event = {
            "event_id": f"s-{number:06d}", "event_type": f"session.{what}", "event_time_ms": time_ms,
            "session_id": session_id, "room_id": "room-0001", "anchor_id": "anchor-0001",
            "merchant_id": "merchant-0001", "cluster_id": "haining-fur", "category": "womens-wear", **ids,
        }  # fmt: skip
        await self._settle(PLACES[2], time_ms, event)

    async def _order(self, kind: str, time_ms: int, arrival_ms: int | None, tp: TP, fields: dict[str, Any]) -> None:
        number = next(self._numbers)
        event = {
            "event_id": f"e-{number:06d}", "event_type": kind, "event_time_ms": time_ms, "order_id": f"o-{number:06d}",
            "merchant_id": "merchant-0001", "category": "womens-wear", "channel": "live", "quantity": 1,
            "currency": "CNY", "anchor_id": "anchor-0001", "cluster_id": "haining-fur", "province": "Zhejiang",
            "city": "Jiaxing", "buyer_id": f"buyer-{number % 40}", **fields,
        }  # fmt: skip
        await self._settle(tp, time_ms if arrival_ms is None else arrival_ms, event)

    async def _settle(self, tp: TP, arrival_ms: int, event: dict[str, Any]) -> None:
        value, offset = json.dumps(event).encode(), self._next[tp]
        self._next[tp] += 1
        self.log.append(Record(tp.topic, tp.partition, offset, arrival_ms, None, value))
        admit = admit_order if tp.topic == "orders" else admit_session
        admitted = admit(value, arrival_ms, SHANGHAI)
        assert not isinstance(admitted, Refusal), admitted
        refunded = admitted.event_type == "order.refunded"
        deltas = fold([Counted(offset, arrival_ms, admitted, refunded)], SHANGHAI)
        progress = Progress(offset, offset + 1, 1, 0, 0, 0, admitted.event_time_ms, arrival_ms, 1, arrival_ms, 0)
        orders: dict[str, list[bytes]] = {}
        if refunded and isinstance(admitted, OrderEvent):
            generation = generation_of(arrival_ms, SHANGHAI)
            orders = {self.keys[0].orders(*tp, generation): [admitted.order_id.encode(), b"judged"]}
        for settler, rows in zip(self._settlers, shard_rows(deltas, self.keys), strict=True):
            assert isinstance(await settler.settle(tp, progress, rows, deltas.first_offsets, orders), Applied)

    # -- what follows --------------------------------------------------------------------------
    async def moves_on(self, to_ms: int) -> None:
        """Event time moves on, in every partition: a created order, or a session of its own."""
        for tp in PLACES[:2]:
            await self.created(to_ms, tp, anchor_id=None, cluster_id=None, province=None, city=None)
        await self.session("started", to_ms, f"session-at-{to_ms}")
        await self.detected()

    async def detected(self) -> None:
        """The detectors read everything, and tell the watermark."""
        for shard in range(len(self.keys)):
            for one_pass in (self.detector.peaks_pass, self.detector.records_pass):
                for _ in range(2):  # the second look believes that nothing is unread
                    while (await one_pass(shard)).more:
                        pass

    def purger(self, worker_id: str = "mill", rest: Any = None) -> Purger:
        """A worker's purger."""

        async def partitions() -> set[tuple[str, int]] | None:
            return self.partitions

        async def no_rest(_: float) -> None:
            return None

        return Purger(
            self.redis,
            self.keys,
            SHANGHAI,
            30 * DAY_MS,
            30 * DAY_MS,
            worker_id,
            self.metrics,
            partitions,
            rest or no_rest,
        )

    async def purge(self) -> None:
        """Purge until nothing is left to do."""
        purger = self.purger()
        for _ in range(20):
            await purger.work()
        await purger.release()

    def truth(self) -> Truth:
        """The truth of the log."""
        return compute_truth(self.log, Rules())

    async def stored(self) -> Stored:
        """What Redis holds."""
        return await read_stored(self.redis, self.keys, SHANGHAI, 30)

    async def differences(self) -> list[str]:
        """What the audit would say of the tallies."""
        stored, truth = await self.stored(), self.truth()
        found = list(differences(stored, truth, looked_at(stored, truth, SHANGHAI)))
        assert await self._differences_in_a_file() == found
        return found

    async def _differences_in_a_file(self) -> list[str]:
        with TemporaryDirectory() as folder:
            truth = SpilledTruth(Path(folder) / "sums", Rules())
            shelf = Shelf(truth.db)
            floors = await read_into(self.redis, self.keys, SHANGHAI, 30, shelf)
            shelf.flush()
            by_place: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)
            for record in self.log:
                by_place[record.topic, record.partition].append(record)
            for place, records in by_place.items():
                truth.judge(*place).take(records)
            truth.finish()
            found = list(shelf.differences(shelf.kept(floors, SHANGHAI)))
            truth.db.close()
            return found

    async def names(self, *families: str, shard: int = 0) -> list[str]:
        """The keys of some families (all without), without the shard's prefix, in order."""
        prefix = self.keys[shard].prefix
        names = sorted(key.decode().removeprefix(prefix) for key in await self.redis.keys(f"{prefix}*"))
        return [name for name in names if not families or name.partition(":")[0] in families]

    async def dump(self, without: Sequence[str] = ()) -> dict[str, bytes]:
        """Every key with its content, but for some families; leases come and go."""
        left_out = {*without, "lease"}
        dumped: dict[str, bytes] = {}
        for key in await self.redis.keys("mill:*"):
            if key.decode().split("}:", 1)[1].partition(":")[0] not in left_out:
                dumped[key.decode()] = await self.redis.dump(key)
        return dumped
