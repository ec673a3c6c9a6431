"""The heartbeat: what it notices when nothing arrives, and what it must not mistake for trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic

import pytest
from faust.types import TP
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisGone

import streams.intake.heartbeat
from streams.errors import LogReplaced, WorkerStuck
from streams.intake.chunk import Chunk
from streams.intake.fitting import BYTES_PER_EVENT
from streams.intake.heartbeat import COMMIT_EVERY, SILENT_AFTER_S, STUCK_AFTER_S, Heartbeat
from streams.intake.partition import Partition
from streams.tally.windows import HOUR_MS
from tests.streams.intake.making import MIDNIGHT_MS, ORDERS, paid, records, sample
from tests.streams.intake.rig import Rig

GOOD = records([paid(f"p-{at}") for at in range(10)])


class Answering:
    """Whether some call is waiting for Redis, as `Patience` tells it."""

    waiting = False


class Watched:
    """An intake that has settled `[0, 6)` of ten records, and a heartbeat that looks at it.

    `ends` is what the consumer says of the end of the log (None while it is not known).
    """

    def __init__(self, redis: Redis, shards: int = 1) -> None:
        self.redis = redis
        self.rig = Rig(redis, {ORDERS: GOOD}, shards=shards)
        self.ends: dict[TP, int | None] = {ORDERS: 10}
        self.committed: list[Mapping[TP, int]] = []
        self.patience = Answering()
        #: whether Kafka answers when it is asked, and how often it was
        self.kafka_is_there, self.kafka_asked = True, 0
        self.heart = Heartbeat(redis, self.rig.keys, self.rig.intake, self.patience, self.rig.meter)  # type: ignore[arg-type]
        self.heart.ends = self._ends
        self.heart.commit = self._commit
        self.heart.kafka_answers = self._kafka_answers

    async def begin(self) -> None:
        await self.rig.open()
        await self.rig.take(GOOD[:6])

    @property
    def partition(self) -> Partition:
        return self.rig.intake.partitions[ORDERS]

    async def fence(self, **fields: int) -> dict[str, int]:
        """Change fields of the fence behind the worker's back; returns what stands there."""
        key = self.rig.keys[0].fence(*ORDERS)
        if fields:
            await self.redis.hset(key, mapping=dict(fields))
        return {name.decode(): int(value) for name, value in (await self.redis.hgetall(key)).items()}

    def aged(self, seconds: float) -> None:
        """As if the partition had not moved for so long."""
        self.partition.moved_at = monotonic() - seconds

    def silent(self, seconds: float) -> None:
        """As if no fetch had been answered for so long."""
        self.ends = {ORDERS: None, TP("orders", 1): None}
        self.heart._heard_at = monotonic() - seconds

    async def _kafka_answers(self) -> bool:
        self.kafka_asked += 1
        return self.kafka_is_there

    async def _ends(self) -> Mapping[TP, int | None]:
        return self.ends

    async def _commit(self, fences: Mapping[TP, int]) -> None:
        self.committed.append(fences)


@pytest.fixture
async def watched(redis: Redis) -> Watched:
    it = Watched(redis)
    await it.begin()
    return it


# -- fences ------------------------------------------------------------------------------------
async def test_a_fence_that_stands_where_it_was_left_is_left_alone(watched: Watched) -> None:
    before = watched.partition
    await watched.heart.beat()
    assert (watched.partition, watched.rig.seeks) == (before, [])


@pytest.mark.parametrize(("next_", "kind"), [(5, "rolled_back"), (0, "rolled_back"), (7, "behind")])
async def test_a_fence_that_stands_elsewhere_is_read_from_again(watched: Watched, next_: int, kind: str) -> None:
    await watched.fence(next=next_)
    await watched.heart.beat()
    assert watched.partition.fences == [next_]
    assert [list(seek) for seek in watched.rig.seeks] == [[ORDERS]]
    assert sample(watched.rig.metrics, "hightide_fence_mismatches_total", kind=kind) == 1
    await watched.heart.beat()
    assert len(watched.rig.seeks) == 1


async def test_a_fence_that_is_gone_is_set_to_the_beginning_of_the_log(watched: Watched) -> None:
    await watched.redis.flushdb()
    await watched.heart.beat()
    assert (await watched.fence())["next"] == 0
    assert watched.partition.fences == [0]
    assert sample(watched.rig.metrics, "hightide_fence_mismatches_total", kind="missing") == 1


async def test_while_a_chunk_is_taken_nothing_is_compared(watched: Watched) -> None:
    """It may be settled already, and the worker not yet know."""
    await watched.fence(next=7)
    watched.partition.taking = True
    await watched.heart.beat()
    assert watched.rig.seeks == []


async def test_before_the_fence_is_reached_one_that_is_ahead_is_left_alone(watched: Watched) -> None:
    await watched.rig.open()
    assert watched.partition.read_to < watched.partition.low
    await watched.fence(next=7)
    await watched.heart.beat()
    assert watched.rig.seeks == []


async def test_a_fence_that_went_back_is_read_from_also_before_it_was_reached(watched: Watched) -> None:
    """What was to be read before it may have been dropped, and nothing may follow."""
    await watched.rig.open()
    assert watched.partition.read_to < watched.partition.low
    await watched.fence(next=0)
    await watched.heart.beat()
    assert [list(seek) for seek in watched.rig.seeks] == [[ORDERS]]


async def test_a_partition_that_another_worker_has_now_is_not_compared(watched: Watched) -> None:
    """Kafka took all partitions away: nobody tells the intake, and the fence moves without us."""
    await watched.fence(next=9)
    watched.ends = {}
    await watched.heart.beat()
    assert (watched.rig.seeks, watched.partition.fences) == ([], [6])


async def test_a_store_that_is_away_is_no_matter_of_the_heartbeat(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*arguments: object) -> None:
        raise RedisGone("refused")

    monkeypatch.setattr(streams.intake.heartbeat, "read_fence", gone)
    await watched.heart.beat()
    assert (watched.rig.faults, watched.rig.seeks) == ([], [])


async def test_the_accounting_beside_the_fence_is_measured(watched: Watched) -> None:
    await watched.heart.beat()
    where = {"topic": "orders", "partition": "0"}
    assert sample(watched.rig.metrics, "hightide_conservation_gap_records", **where) == 0
    assert sample(watched.rig.metrics, "hightide_lag_records", **where) == 4
    await watched.fence(counted=4)
    await watched.heart.beat()
    assert sample(watched.rig.metrics, "hightide_conservation_gap_records", **where) == 2


@pytest.mark.parametrize(("shard", "counted", "gap"), [(0, 4, 2), (1, 4, 2), (2, 4, 2), (1, 9, -3)])
async def test_the_accounting_is_that_of_the_worst_shard(redis: Redis, shard: int, counted: int, gap: int) -> None:
    watched = Watched(redis, shards=3)
    await watched.begin()
    await redis.hset(watched.rig.keys[shard].fence(*ORDERS), "counted", counted)
    await watched.heart.beat()
    assert sample(watched.rig.metrics, "hightide_conservation_gap_records", topic="orders", partition="0") == gap


async def test_memory_and_times_of_a_partition_are_measured(watched: Watched) -> None:
    await watched.heart.beat()
    where = {"topic": "orders", "partition": "0"}
    assert sample(watched.rig.metrics, "hightide_remembered_records", **where) == 6
    assert sample(watched.rig.metrics, "hightide_remembered_bytes", **where) == 6 * BYTES_PER_EVENT
    assert sample(watched.rig.metrics, "hightide_trusted_ms", **where) == MIDNIGHT_MS
    assert sample(watched.rig.metrics, "hightide_arrival_ms", **where) == MIDNIGHT_MS + 5_000


async def test_the_watermark_that_redis_has_tells_what_is_late(watched: Watched) -> None:
    await watched.heart.beat()
    await watched.redis.set(watched.rig.keys[0].watermark(), MIDNIGHT_MS + 2 * HOUR_MS)
    late = {"topic": "orders", "partition": "0"}
    await watched.rig.take(GOOD[6:8])
    assert sample(watched.rig.metrics, "hightide_events_late_total", **late) == 0
    await watched.heart.beat()
    await watched.rig.take(GOOD[8:])
    assert sample(watched.rig.metrics, "hightide_events_late_total", **late) == 2


# -- who is away -------------------------------------------------------------------------------
async def test_a_store_is_away_from_a_beat_that_fails_to_one_that_does_not(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*arguments: object) -> None:
        raise RedisGone("refused")

    assert not watched.heart.redis_away
    with monkeypatch.context() as patch:
        patch.setattr(streams.intake.heartbeat, "read_fence", gone)
        await watched.heart.beat()
        assert watched.heart.redis_away
    await watched.heart.beat()
    assert not watched.heart.redis_away


async def test_a_store_that_a_settle_waits_for_is_away(watched: Watched) -> None:
    watched.patience.waiting = True
    assert watched.heart.redis_away


async def test_a_store_that_keeps_a_beat_waiting_is_away_before_the_beat_ends(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    async def slowly(key: str) -> None:
        monkeypatch.setattr(streams.intake.heartbeat, "SILENT_AFTER_S", 60.0)
        seen.append(watched.heart.redis_away)
        monkeypatch.setattr(streams.intake.heartbeat, "SILENT_AFTER_S", -1.0)
        seen.append(watched.heart.redis_away)

    monkeypatch.setattr(watched.redis, "get", slowly)
    await watched.heart._read_watermark()
    assert (seen, watched.heart.redis_away) == ([False, True], False)


async def test_kafka_is_away_until_a_fetch_is_answered(watched: Watched) -> None:
    watched.kafka_is_there = False
    watched.silent(10 * STUCK_AFTER_S)
    await watched.heart.beat()
    assert watched.heart.kafka_away
    assert watched.partition.end is None
    watched.ends = {ORDERS: 10}
    await watched.heart.beat()
    assert not watched.heart.kafka_away
    assert watched.partition.end == 10


# -- the log -----------------------------------------------------------------------------------
async def test_a_log_that_ends_before_the_fence_stops_the_worker_at_the_second_look(watched: Watched) -> None:
    watched.ends = {ORDERS: 5}
    await watched.heart.beat()
    with pytest.raises(LogReplaced, match=r"orders/0: the tallies stand at offset 6, but the log ends at 5"):
        await watched.heart.beat()


async def test_a_log_that_ends_before_the_fence_of_one_shard_stops_the_worker(redis: Redis) -> None:
    """The others have not counted what is gone: the shard that has would never agree with them."""
    watched = Watched(redis, shards=2)
    await watched.begin()
    watched.partition.fences[0] = 5
    watched.ends = {ORDERS: 5}
    await watched.heart.beat()
    with pytest.raises(LogReplaced, match=r"orders/0: the tallies stand at offset 6, but the log ends at 5"):
        await watched.heart.beat()


async def test_an_end_that_was_only_old_stops_nobody(watched: Watched) -> None:
    """A worker that was paused finds the fence moved by another one before its own next fetch is answered."""
    for highwater in (5, 6, 5, 10):
        watched.ends = {ORDERS: highwater}
        await watched.heart.beat()


# -- standing still ----------------------------------------------------------------------------
async def test_unread_records_that_do_not_move_end_the_worker(watched: Watched) -> None:
    watched.aged(STUCK_AFTER_S - 1)
    await watched.heart.beat()
    watched.aged(STUCK_AFTER_S + 1)
    with pytest.raises(WorkerStuck, match="orders/0 has 4 unread records and moved nothing for 60 s"):
        await watched.heart.beat()


async def test_with_nothing_unread_nobody_is_stuck(watched: Watched) -> None:
    watched.ends = {ORDERS: 6}
    watched.aged(10 * STUCK_AFTER_S)
    await watched.heart.beat()


async def test_a_commit_marker_at_the_end_of_the_log_is_settled_and_then_nothing_unread(watched: Watched) -> None:
    """It has an offset and no record: an idle partition would end its worker every minute, and hold the watermark."""
    watched.ends = {ORDERS: 7}
    await watched.rig.intake.take(Chunk(ORDERS, watched.partition.epoch, 6, 7, 7, []))
    watched.aged(10 * STUCK_AFTER_S)
    await watched.heart.beat()
    await watched.heart.flags()
    fence = await watched.fence()
    assert (fence["next"], fence["holes"], fence["unread"]) == (7, 1, 0)


async def test_time_in_which_redis_is_away_does_not_count(watched: Watched) -> None:
    watched.patience.waiting = True
    watched.aged(10 * STUCK_AFTER_S)
    await watched.heart.beat()
    watched.patience.waiting = False
    await watched.heart.beat()


async def test_a_stopped_partition_is_not_stuck(watched: Watched) -> None:
    watched.partition.stopped = "4 rejects in a row"
    watched.aged(10 * STUCK_AFTER_S)
    await watched.heart.beat()


async def test_unread_records_that_do_not_move_because_kafka_is_away_end_nobody(watched: Watched) -> None:
    watched.kafka_is_there = False
    watched.aged(STUCK_AFTER_S + 1)
    await watched.heart.beat()
    watched.kafka_is_there = True
    await watched.heart.beat()


async def test_a_consumer_that_never_fetches_although_kafka_is_there_ends_the_worker(watched: Watched) -> None:
    """Faust has such a state: alive in its group, holding its partitions, and never fetching again."""
    watched.silent(STUCK_AFTER_S - 1)
    await watched.heart.beat()
    watched.silent(STUCK_AFTER_S + 1)
    with pytest.raises(WorkerStuck, match="no fetch was answered for 60 s, although Kafka is there"):
        await watched.heart.beat()


async def test_a_short_silence_is_not_asked_about(watched: Watched) -> None:
    watched.silent(SILENT_AFTER_S - 1)
    await watched.heart.beat()
    assert watched.kafka_asked == 0


async def test_a_kafka_that_is_away_is_said_once_and_waited_for(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.kafka_is_there = False
    for _ in range(3):
        watched.silent(10 * STUCK_AFTER_S)
        await watched.heart.beat()
    watched.ends = {ORDERS: 10}
    await watched.heart.beat()
    await watched.heart.beat()
    assert caplog.messages == ["Kafka does not answer: waiting until it does", "Kafka answers again"]


async def test_time_in_which_kafka_was_away_does_not_count(watched: Watched) -> None:
    watched.kafka_is_there = False
    watched.silent(10 * STUCK_AFTER_S)
    await watched.heart.beat()
    watched.kafka_is_there = True
    await watched.heart.beat()


async def test_one_partition_without_an_answer_ends_nobody(watched: Watched) -> None:
    watched.silent(10 * STUCK_AFTER_S)
    watched.ends[ORDERS] = 6
    await watched.heart.beat()


async def test_a_worker_without_partitions_is_not_silent(watched: Watched) -> None:
    watched.silent(10 * STUCK_AFTER_S)
    watched.ends = {}
    await watched.heart.beat()
    assert watched.kafka_asked == 0


async def test_a_consumer_thread_that_does_not_answer_ends_the_worker(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> Mapping[TP, int | None]:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr(streams.intake.heartbeat, "STUCK_AFTER_S", 0.01)
    watched.heart.ends = never
    with pytest.raises(WorkerStuck, match="thread of the Kafka client did not answer"):
        await watched.heart.beat()


# -- flags -------------------------------------------------------------------------------------
@pytest.mark.parametrize(("highwater", "unread"), [(6, 0), (7, 1)])
async def test_a_flag_tells_whether_records_lie_behind_the_fence(watched: Watched, highwater: int, unread: int) -> None:
    watched.ends = {ORDERS: highwater}
    await watched.fence(unread=1 - unread)
    await watched.heart.flags()
    assert (await watched.fence())["unread"] == unread


async def test_while_the_end_is_not_known_a_partition_is_not_fully_read(watched: Watched) -> None:
    watched.ends = {ORDERS: None}
    await watched.fence(unread=0)
    await watched.heart.flags()
    assert (await watched.fence())["unread"] == 1


async def test_a_worker_whose_fence_is_not_the_one_that_stands_flags_nothing(watched: Watched) -> None:
    watched.ends = {ORDERS: 6}
    await watched.fence(next=8, unread=1)
    await watched.heart.flags()
    assert (await watched.fence())["unread"] == 1


async def test_a_flag_that_did_not_change_is_written_again_every_few_beats(watched: Watched) -> None:
    """A store that went back by less than a settle has lost the flag alone; nothing else would ever tell."""
    watched.ends = {ORDERS: 6}
    await watched.heart.flags()
    await watched.fence(unread=1)
    await watched.heart.flags()
    assert (await watched.fence())["unread"] == 1
    for _ in range(COMMIT_EVERY):
        await watched.heart.beat()
    await watched.heart.flags()
    assert (await watched.fence())["unread"] == 0


# -- telling Kafka -----------------------------------------------------------------------------
async def test_every_few_beats_kafka_is_told_the_fences(watched: Watched) -> None:
    for _ in range(2 * COMMIT_EVERY):
        await watched.heart.beat()
    assert watched.committed == [{ORDERS: 6}] * 2


async def test_a_commit_that_fails_is_of_no_consequence(watched: Watched) -> None:
    async def failing(fences: Mapping[TP, int]) -> None:
        raise RuntimeError("the coordinator moved")

    watched.heart.commit = failing
    for _ in range(COMMIT_EVERY):
        await watched.heart.beat()
    assert watched.rig.faults == []
