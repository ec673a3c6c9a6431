"""The program that sends live traffic: at a pace, each record stamped with the wall clock when it is sent.

It prints a line `sent N` now and then.
"""

from __future__ import annotations

import asyncio
import gc
import time
from itertools import islice
from typing import Any

import uvloop
from aiokafka import AIOKafkaProducer

from streams.lab.bench.live import probes
from streams.lab.bench.live.ring import Ready, Ring
from streams.lab.bench.live.standard_input import ended
from streams.lab.bench.live.tasks import Batch, Produce, Sent, SentProbe, main

#: what is due is sent this often: short beside what is measured, long beside what a request costs
_TICK_S = 0.01
#: after a stall what was missed is sent over several ticks
_MOST_A_TICK = 5_000
_TELL_EVERY_S = 0.1
_BATCH_BYTES = 4 << 20


async def produce(task: Produce) -> Sent:
    """Send everything of `task`, or until standard input ends; returns once all is acknowledged."""
    ring = Ring(task.profile, task.seed, task.ring, task.partitions)
    producer = AIOKafkaProducer(
        bootstrap_servers=task.kafka, acks="all", enable_idempotence=False, max_batch_size=_BATCH_BYTES
    )
    await producer.start()
    try:
        return await _Sending(task, ring, producer).run()
    finally:
        await producer.stop()


class _Sending:
    def __init__(self, task: Produce, ring: Ring, producer: Any) -> None:
        self._task = task
        self._ring = ring
        self._numbers = ring.numbers_of(task.first_round)
        self._producer = producer
        self._batches: list[Batch] = []
        self._probes: list[SentProbe] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._acked = 0
        self._sent = 0
        self._probes_sent = 0
        self._late_s = 0.0

    async def run(self) -> Sent:
        gc.freeze()  # the ring is not looked through again and again
        stop = asyncio.ensure_future(ended())
        began = told = time.perf_counter()
        while not stop.done() and not self._is_done(passed := time.perf_counter() - began):
            await self._send_due(passed)
            if time.perf_counter() - told >= _TELL_EVERY_S:
                told = time.perf_counter()
                print(f"sent {self._acked}", flush=True)
            await asyncio.sleep(_TICK_S)
        await asyncio.gather(*self._under_way)
        return Sent(self._batches, self._probes, self._late_s * 1_000)

    def _is_done(self, passed_s: float) -> bool:
        return 0 < self._task.seconds <= passed_s and self._sent >= int(self._task.seconds * self._task.events_per_s)

    async def _send_due(self, passed_s: float) -> None:
        """What is due after so many seconds, each partition's as one batch."""
        task = self._task
        due = int((min(passed_s, task.seconds) if task.seconds else passed_s) * task.events_per_s) - self._sent
        self._late_s = max(self._late_s, due / task.events_per_s - _TICK_S)
        now_ms = time.time() * 1_000
        by_partition: dict[int, list[Ready]] = {}
        for number in islice(self._numbers, min(due, _MOST_A_TICK)):
            record = self._ring.ready(number, int(now_ms))
            by_partition.setdefault(record.partition, []).append(record)
            self._sent += 1
        first_probe = self._probes_sent
        for number in range(first_probe, self._probes_due(passed_s)):
            key, value = probes.probe(number, int(now_ms))
            by_partition.setdefault(number % task.partitions, []).append(Ready(number % task.partitions, key, value))
            self._probes_sent += 1
        new_probes = range(first_probe, self._probes_sent)
        await asyncio.gather(*(self._send(records, now_ms, new_probes) for records in by_partition.values()))

    def _probes_due(self, passed_s: float) -> int:
        task = self._task
        if not task.probes or passed_s < task.probes_from_s:
            return 0
        share = (passed_s - task.probes_from_s) / (task.seconds - task.probes_from_s)
        return min(task.probes, int(share * task.probes) + 1)

    async def _send(self, records: list[Ready], now_ms: float, new_probes: range) -> None:
        """Hand one batch over, which waits while an earlier one has not left; its acknowledgement is noted later.

        Probes of a partition stand at the end of its batch, in the order of their numbers.
        """
        partition, builder = records[0].partition, self._producer.create_batch()
        for record in records:
            if builder.append(timestamp=int(now_ms), key=record.key, value=record.value) is None:
                raise ValueError(f"{len(records):,} records of one tick do not fit into a batch")
        future = await self._producer.send_batch(builder, self._task.topic, partition=partition)
        mine = [number for number in new_probes if number % self._task.partitions == partition]
        noting = asyncio.ensure_future(self._note(future, partition, len(records), now_ms, mine))
        self._under_way.add(noting)
        noting.add_done_callback(self._under_way.discard)

    async def _note(self, future: Any, partition: int, records: int, now_ms: float, numbers: list[int]) -> None:
        first = (await future).offset
        self._acked += records
        self._batches.append(Batch(partition, first, records, now_ms, time.time() * 1_000))
        at = first + records - len(numbers)
        self._probes += [SentProbe(number, partition, at + n, now_ms) for n, number in enumerate(numbers)]


def run(task: Produce) -> Sent:
    """Send in an event loop of our own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(produce(task))


if __name__ == "__main__":
    main(Produce, run)
