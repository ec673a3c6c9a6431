"""The intake of a worker over a real store; Kafka is lists, and what ends the worker is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from faust.types import TP
from redis.asyncio import Redis

from streams.errors import Expected
from streams.intake.admission import admit_order
from streams.intake.chunk import Record, StartAt
from streams.intake.intake import WorkerIntake
from streams.intake.measure import Meter
from streams.intake.opening import Opener
from streams.intake.order_store import OrderRules
from streams.intake.path import Path
from streams.intake.store_calls import Patience
from streams.keys import shard_keys
from streams.metrics import Metrics
from streams.tally.windows import SHANGHAI
from tests.streams.intake.making import DEDUPE_MS, NOW_MS, ORDERS, ORDERS_MS, FakeLog, FakeRejects, chunk

REJECT_LIMIT = 4


class Rig:
    """`faults` are what would have ended the worker, `seeks` where the consumer was sent, `settled` counts settles."""

    def __init__(
        self, redis: Redis, log: Mapping[TP, Sequence[Record]], reject_share: int = 0, shards: int = 1
    ) -> None:
        self.keys = [shard_keys("test", shard) for shard in range(shards)]
        self.metrics = Metrics()
        self.meter = Meter(self.metrics)
        self.log = FakeLog(log)
        self.faults: list[Expected] = []
        self.seeks: list[Mapping[TP, StartAt]] = []
        self.settled = 0
        self.opener = Opener(redis, self.keys, DEDUPE_MS, self._claim, lambda: NOW_MS)
        patience, rejects = Patience(lambda: None), FakeRejects()
        orders = OrderRules(SHANGHAI, ORDERS_MS, index=True)
        self.path = Path(redis, self.keys, orders, {"orders": admit_order}, rejects, patience, self.meter)  # type: ignore[arg-type]
        self.intake = WorkerIntake(
            self.opener, self.path, patience, self.meter, REJECT_LIMIT, self.faults.append, reject_share
        )
        self.intake.reseek = self._seek
        self.intake.settled = self._settled

    async def open(self) -> Mapping[TP, StartAt]:
        """Be assigned everything."""
        return await self.intake.open(set(self.log.logs), self.log)

    async def take(self, recs: Sequence[Record], tp: TP = ORDERS) -> None:
        """Hand over `recs` as a chunk of the present epoch."""
        await self.intake.take(chunk(recs, tp, self.intake.partitions[tp].epoch))

    async def _claim(self) -> None:
        """The database of a test is its own."""

    async def _seek(self, starts: Mapping[TP, StartAt]) -> None:
        self.seeks.append(starts)

    def _settled(self) -> None:
        self.settled += 1
