"""A worker's path over a real store, without Kafka: logs in lists, opened, read in chunks of any size, and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from faust.types import TP
from redis.asyncio import Redis

from streams.intake.admission import admit_order, admit_session
from streams.intake.chunk import Record
from streams.intake.judge import Judged
from streams.intake.measure import Meter
from streams.intake.opening import Opener
from streams.intake.order_store import OrderRules
from streams.intake.partition import Partition
from streams.intake.path import Path, Reseek
from streams.intake.store_calls import Patience
from streams.keys import shard_keys
from streams.metrics import Metrics
from streams.tally.fence import read_fence
from streams.tally.windows import SHANGHAI
from tests.streams.intake.making import ORDERS_MS, FakeLog, FakeRejects, chunk

GROUP = "test"
#: written by every settle, however the log is cut: not part of what must be equal
_OF_THE_CUT = ("sequence", "changed:")
#: of a fence, what is a function of the log
_ACCOUNT = (
    b"next",
    b"origin",
    b"counted",
    b"resends",
    b"rejected",
    b"trusted_ms",
    b"arrival_ms",
    b"last_crc",
    b"last_ms",
)


class Reader:
    """One worker that holds every partition of `logs`. Several may do so at once: the fences decide who counts."""

    def __init__(self, redis: Redis, logs: Mapping[TP, Sequence[Record]], shards: int, dedupe_ms: int) -> None:
        self.redis = redis
        self.keys = [shard_keys(GROUP, shard) for shard in range(shards)]
        self.rejects = FakeRejects()
        self.partitions: dict[TP, Partition] = {}
        self._log = FakeLog(logs)
        self._opener = Opener(redis, self.keys, dedupe_ms, _no_claim, lambda: 0)
        admit = {"orders": admit_order, "live-sessions": admit_session}
        orders = OrderRules(SHANGHAI, ORDERS_MS, index=True)
        rejects: Any = self.rejects
        self.path = Path(redis, self.keys, orders, admit, rejects, Patience(_nothing), Meter(Metrics()))

    async def open(self, *tps: TP) -> None:
        """Open these partitions, or all."""
        opened = await self._opener.open(tps or self._log.logs, self._log)
        self.partitions.update({tp: partition for tp, (partition, _) in opened.items()})

    def ended(self) -> bool:
        """Whether everything has been read."""
        return all(self.left(tp) == 0 for tp in self.partitions)

    def left(self, tp: TP) -> int:
        """How many records of a partition this worker has not read yet."""
        return len(self._log.logs[tp]) - self.partitions[tp].read_to

    async def read(self, tp: TP, size: int) -> Judged | None:
        """Take the next `size` records; None if the fence stood elsewhere and the partition was opened again."""
        partition = self.partitions[tp]
        recs = self._log.logs[tp]
        run = recs[partition.read_to : partition.read_to + size]
        try:
            judged = await self.path.take(partition, chunk(run, tp, partition.epoch, len(recs)))
        except Reseek:
            await self.open(tp)
            return None
        partition.read_to = run[-1].offset + 1
        return judged

    async def read_all(self, size: int = 1_000_000) -> None:
        """Read until the end of every partition."""
        while not self.ended():
            for tp in self.partitions:
                if self.left(tp):
                    await self.read(tp, size)


async def tallies(redis: Redis, shards: int) -> dict[str, object]:
    """Everything that must be a function of the log: sums, sessions, refunds, first offsets, estimates, accounts."""
    found: dict[str, object] = {}
    for shard in range(shards):
        prefix = shard_keys(GROUP, shard).prefix
        async for key in redis.scan_iter(f"{prefix}*", count=1_000):
            name = key.decode().removeprefix(prefix)
            if not name.startswith(_OF_THE_CUT):
                found[f"{shard} {name}"] = await _value(redis, key, name)
    return found


async def _value(redis: Redis, key: bytes, name: str) -> object:
    kind = await redis.type(key)
    if kind == b"hash":
        fields = await redis.hgetall(key)
        return {field: fields[field] for field in _ACCOUNT} if name.startswith("fence:") else fields
    if kind == b"set":
        return sorted(await redis.smembers(key))
    assert kind == b"string", f"{name} is a {kind!r}: what a settle writes is compared here"
    return await redis.pfcount(key)


async def fences(redis: Redis, tp: TP, shards: int) -> list[int | None]:
    """Where the fences of a partition stand."""
    found = [await read_fence(redis, shard_keys(GROUP, shard), tp) for shard in range(shards)]
    return [each and each.next for each in found]


async def saved(redis: Redis) -> dict[bytes, bytes]:
    """The whole database as it is now."""
    return {key: await redis.dump(key) async for key in redis.scan_iter(count=1_000)}


async def restore(redis: Redis, before: Mapping[bytes, bytes]) -> None:
    """Take the database back to what `saved` found, as a restored snapshot or a failover with lag does."""
    async with redis.pipeline(transaction=True) as pipe:
        pipe.flushdb()
        for key, value in before.items():
            pipe.restore(key, 0, value)
        await pipe.execute()


async def _no_claim() -> None:
    """The database of a test is its own."""


def _nothing() -> None:
    """Retries are not counted here."""
