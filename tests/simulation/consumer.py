"""The consumer under a worker's thread: aiokafka's, as far as `ChunkThread` asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from aiokafka.structs import TopicPartition

from tests.simulation.kafka import Rec, SimKafka
from tests.simulation.process import Process

#: a fetch may be answered after the partitions have moved
_SLOWEST_S = 2.0


class _State:
    """What aiokafka keeps of an assigned partition."""

    def __init__(self, position: int | None) -> None:
        self.position = position
        self.highwater: int | None = None
        self.lso: int | None = None
        self.timestamp: float | None = None

    @property
    def has_valid_position(self) -> bool:
        return self.position is not None


class SimConsumer:
    """A consumer of one process. Where it stands in a partition, and what it knows of it, is in `_states`."""

    def __init__(self, kafka: SimKafka, process: Process, topics: Iterable[str], now_ms: Callable[[], float]) -> None:
        self._kafka = kafka
        self._process = process
        self._topics = set(topics)
        self._now_ms = now_ms
        self._states: dict[TopicPartition, _State] = {}
        self._closed = False
        self._coordinator = SimpleNamespace(check_errors=lambda: None)
        assignment = SimpleNamespace(state_value=self._states.get)
        self._assignment = assignment
        self.subscriptions = SimpleNamespace(
            fetch_context=nullcontext,
            reassignment_in_progress=False,
            subscription=SimpleNamespace(assignment=assignment),
        )
        self._fetcher = SimpleNamespace(
            _closed=False, _subscriptions=self.subscriptions, fetched_records=self._fetched_records
        )

    # -- the group ---------------------------------------------------------------------------------
    def assign(self, partitions: set[TopicPartition]) -> None:
        """As aiokafka after a rebalance: every partition anew, at a position that is not ours."""
        self._states = {each: _State(self._anywhere(each)) for each in sorted(partitions)}
        self._assignment.state_value = self._states.get

    def _anywhere(self, partition: TopicPartition) -> int:
        log = self._kafka.logs[partition]
        return self._kafka.random.choice((log.first, log.end))

    def assignment(self) -> set[TopicPartition]:
        return set(self._states)

    def subscription(self) -> set[str]:
        return self._topics

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {each.partition for each in self._kafka.logs if each.topic == topic}

    # -- questions ---------------------------------------------------------------------------------
    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await self._kafka.ask(self._process)
        return {each: self._kafka.logs[each].first for each in partitions}

    async def offsets_for_times(self, times_ms: Mapping[TopicPartition, int]) -> dict[TopicPartition, Any]:
        await self._kafka.ask(self._process)
        found: dict[TopicPartition, Any] = {}
        for each, time_ms in times_ms.items():
            there = (record for record in self._kafka.logs[each].records if record.timestamp >= time_ms)
            found[each] = next(there, None)
        return found

    async def commit(self, offsets: Mapping[TopicPartition, Any]) -> None:
        await self._kafka.ask(self._process)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._states[partition].position = offset

    # -- fetching ----------------------------------------------------------------------------------
    async def _fetched_records(
        self,
        partitions: set[TopicPartition],
        timeout: float = 0.2,  # noqa: ASYNC109 (the name is aiokafka's)
        max_records: int | None = None,
    ) -> dict[TopicPartition, list[Rec]]:
        kafka, random = self._kafka, self._kafka.random
        await self._process.passes()
        asked = {each: (state, state.position, kafka.logs[each].end) for each, state in self._states.items()}
        slow = random.random() < kafka.weather.slow
        await asyncio.sleep(random.random() * (_SLOWEST_S if slow else kafka.weather.longest_s))
        if kafka.down:
            await asyncio.sleep(timeout)
            return {}
        await self._process.passes()
        found = {}
        for each in sorted(partitions & self._states.keys()):
            state, position, end = asked.get(each, (None, None, 0))
            here = self._states[each]
            # an answer to a question from before a seek or a rebalance is thrown away, and asked anew
            fresh = state is not here or position != here.position
            before = here.position
            run = self._drain(each, here, kafka.logs[each].end if fresh else end)
            if run or here.position != before:
                found[each] = run
        if not found:
            await asyncio.sleep(timeout * random.random())
        return found

    def _drain(self, partition: TopicPartition, state: _State, end: int) -> list[Rec]:
        kafka, random, log = self._kafka, self._kafka.random, self._kafka.logs[partition]
        end = min(end, log.end)
        if state.position is None or not log.first <= state.position <= log.end:
            state.position = log.first  # auto_offset_reset=earliest
        state.highwater, state.timestamp = end, self._now_ms()
        first, last = log.at(state.position), log.at(end)
        run = log.records[first : min(last, first + random.randint(1, kafka.weather.longest_run))]
        if not run:  # what has no record moves the position all the same
            state.position = max(state.position, end)
            return run
        behind = run[-1].offset + 1
        after = log.at(behind)
        upto = log.records[after].offset if after < len(log.records) else end
        state.position = random.choice((behind, upto)) if upto <= end else behind
        if len(run) > 1 and random.random() < kafka.weather.hole_once:
            self._leave_out(partition, run)
        return run

    def _leave_out(self, partition: TopicPartition, run: list[Rec]) -> None:
        at = self._kafka.random.randrange(len(run) - 1)
        if (place := (partition, run[at].offset)) not in self._kafka.left_out:
            self._kafka.left_out.add(place)
            self._kafka.trace(f"kafka: {partition.topic}/{partition.partition} without {run[at].offset}, once")
            del run[at]
