"""How a run must end: everything in Redis and in the topics is what the final log says, by `streams/lab/truth`."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from schemas.alerts import Alert, decode_alert
from schemas.rejects import decode_rejected, origin_of
from streams.lab.audit.alerts import FINAL
from streams.lab.truth import Record, Rules, Tally, Truth, compute_truth
from streams.tally.counters import COUNTERS, with_net
from streams.tally.sessions import TAIL_DAYS
from streams.tally.windows import DAY_MS, SHANGHAI
from streams.topics import ALERTS, REJECTS
from tests.simulation.values import Hash, Sketch

if TYPE_CHECKING:
    from tests.simulation.world import World

#: between two looks whether all is done, which are cheap, and, once it seems so, between comparisons, which are not
_BETWEEN_S, _BETWEEN_COMPARISONS_S = 0.5, 2.0
#: what a detection may still lag behind when nothing seems left to do: leases of the dead, and a slow turn
_LAST_LOOKS = 15
#: counters that are also kept over whole dimensions
_TOTALLED = "gprb"


class Checker:
    """Waits until a world has drained, and compares it with the truth of its log."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def wait_and_check(self, within_s: float) -> None:
        """Notes in `world.problems` what is wrong."""
        world, truth = self._world, None
        deadline_s = world.loop.time() + within_s
        looks = 0
        while not world.problems:
            await asyncio.sleep(_BETWEEN_COMPARISONS_S if looks else _BETWEEN_S)
            if world.refused_log:
                return
            left = list(self._undone())
            if not left:
                truth = truth or self.truth()
                left = list(self.differences(truth))
                looks += 1
            if not left:
                return
            if world.loop.time() > deadline_s or looks > _LAST_LOOKS:
                world.problems += left
        return

    def truth(self) -> Truth:
        """The truth of the log as it is now."""
        plan = self._world.plan
        rules = Rules(
            lateness_ms=plan.lateness_ms,
            dedupe_ms=plan.dedupe_ms,
            min_history=plan.min_history,
            order_index=plan.order_index,
        )
        truth = compute_truth(self._log(), rules)
        kafka = self._world.kafka
        if truth.watermark_ms is not None and (kafka.live or not kafka.driven):
            return truth
        # A partition that counted as idle has got an older record by our own hand; or else:
        # All that have a say count as idle beside one that has none: the watermark stays where it was told last, and
        # where that was depends on who was read first. The audit takes it as it stands, too.
        return compute_truth(self._log(), rules, clock_ms=self._watermark_ms())

    def _watermark_ms(self) -> int:
        return int(self._world.store.get(b"sim:{0}:watermark") or 0)

    def _log(self) -> list[Record]:
        return [
            Record(tp.topic, tp.partition, *record[:4], origin_of(record.headers))
            for tp, log in self._world.kafka.logs.items()
            for record in (*log.expired, *log.records)
            if record.offset >= int(self._fence(0, tp).get(b"origin", 0))  # type: ignore[union-attr]
        ]

    # -- has it drained? ---------------------------------------------------------------------------
    def _undone(self) -> Iterator[str]:
        world = self._world
        for shard in range(world.plan.shards):
            prefix = b"sim:{%d}:" % shard
            for tp, log in world.kafka.logs.items():
                fence = self._fence(shard, tp)
                if fence is None or int(fence[b"next"]) != log.end:
                    yield f"shard {shard} stands at {fence and fence[b'next']} of {tp}, the log ends at {log.end}"
            for name in (b"changed:peaks", b"changed:records", b"outbox"):
                if waiting := world.store.data.get(prefix + name):
                    yield f"{len(waiting)} wait in {name!r} of shard {shard}"
        for key, value in world.store.data.items():
            if b":redrive:" in key and b"lease" not in key:
                yield f"{key!r} still has {value!r}"

    def _fence(self, shard: int, tp: Any) -> Hash | None:
        key = f"sim:{{{shard}}}:fence:{tp.partition}:{tp.topic}".encode()
        return self._world.store.data.get(key)  # type: ignore[return-value]

    # -- is it right? ------------------------------------------------------------------------------
    def differences(self, truth: Truth) -> Iterator[str]:
        """One line for everything that is not as it must be."""
        yield from self._accounts(truth)
        yield from self._tallies(truth)
        yield from self._rankings(truth)
        yield from self._alerts(truth)
        yield from self._rejects(truth)

    def _accounts(self, truth: Truth) -> Iterator[str]:
        counts = {(count.topic, count.partition): count for count in truth.partitions}
        for tp in self._world.kafka.logs:
            count = counts.get((tp.topic, tp.partition))
            should = (count.counted, count.resends, sum(count.rejected.values())) if count else (0, 0, 0)
            for shard in range(self._world.plan.shards):
                fence = self._fence(shard, tp)
                assert fence is not None, "looked at before"
                have = tuple(int(fence.get(name, 0)) for name in (b"counted", b"resends", b"rejected"))
                if have != should:
                    yield f"{tp} shard {shard}: counted, resends, rejected are {have}, should be {should}"
                passed = int(fence[b"next"]) - int(fence.get(b"origin", 0))
                if passed != (holes := int(fence.get(b"holes", 0))) + sum(have):
                    yield f"{tp} shard {shard}: {passed} offsets are not {have} and {holes} holes"
        if self._watermark_ms() != (truth.watermark_ms or 0):
            yield f"the watermark is {self._watermark_ms()}, should be {truth.watermark_ms}"

    def _tallies(self, truth: Truth) -> Iterator[str]:
        sums, sketches = self._stored()
        for tally in sums.keys() | truth.tallies.keys():
            have, should = with_net(sums.get(tally, {})), truth.tallies.get(tally, with_net({}))
            if have != should:
                changed = {name: (have[name], should[name]) for name in have if have[name] != should[name]}
                yield f"{tally}: is, should be {changed}"
        yield from self._totals(truth)
        exact = {sketch: count for sketch, count in truth.sketches.items() if sketch.grain != "day"}
        for sketch, count in exact.items():
            name = sketch.of, sketch.dimension, sketch.id, sketch.start_ms
            if sketches.pop(name, 0) != count:
                yield f"{sketch}: should be {count}"
        yield from (f"{name}: {count}, should not be there" for name, count in sketches.items())

    def _totals(self, truth: Truth) -> Iterator[str]:
        have: defaultdict[str, int] = defaultdict(int)
        for shard in range(self._world.plan.shards):
            totals: Any = self._world.store.data.get(b"sim:{%d}:totals" % shard) or {}
            for name, value in totals.items():
                have[name.decode()] += int(value)
        should: defaultdict[str, int] = defaultdict(int)
        for tally, counters in truth.tallies.items():
            if tally.grain == "hour":
                for code in _TOTALLED:
                    should[f"{tally.dimension}:{code}"] += counters[COUNTERS[code]]
        for name in sorted(have.keys() | should.keys()):
            if have[name] != should[name]:
                yield f"the total of {name} is {have[name]}, should be {should[name]}"

    def _stored(self) -> tuple[dict[Tally, dict[str, int]], dict[tuple[str, str, str, int], int]]:
        sums: defaultdict[Tally, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        sketches = {}
        for key, value in self._world.store.data.items():
            name = key.decode().partition("}:")[2]
            kind, _, rest = name.partition(":")
            if type(value) is Hash and kind in ("hours", "minutes"):
                self._add(sums, kind, rest, value)
            elif type(value) is Sketch:
                dimension, _, rest = rest.partition(":")
                hour, _, id = rest.partition(":")
                start_ms = 0 if dimension == "session" else SHANGHAI.start_ms("hour", int(hour))
                sketches[kind, dimension, rest if dimension == "session" else id, start_ms] = len(value)
        return sums, sketches  # type: ignore[return-value]

    def _add(self, sums: Any, kind: str, rest: str, fields: Hash) -> None:
        dimension, _, rest = rest.partition(":")
        if dimension == "session" and kind == "hours":
            for name, value in fields.items():
                self._add_session(sums, rest, int(name[:-1]), chr(name[-1]), int(value))
            return
        index, _, id = rest.partition(":")
        for name, value in fields.items():
            code = chr(name[2])
            if kind == "minutes":
                minute = int(index) * 60 + int(name[:2])
                sums[Tally(dimension, id, "minute", SHANGHAI.start_ms("minute", minute))][code] += int(value)
            else:
                self._add_hour(sums, dimension, id, int(index) * 24 + int(name[:2]), code, int(value))

    def _add_hour(self, sums: Any, dimension: str, id: str, hour: int, code: str, value: int) -> None:
        sums[Tally(dimension, id, "hour", SHANGHAI.start_ms("hour", hour))][code] += value
        sums[Tally(dimension, id, "day", SHANGHAI.start_ms("day", hour // 24))][code] += value

    def _add_session(self, sums: Any, id: str, hour: int, code: str, value: int) -> None:
        self._add_hour(sums, "session", id, hour, code, value)
        ended = None
        for shard in range(self._world.plan.shards):
            facts: Any = self._world.store.data.get(f"sim:{{{shard}}}:session:{id}".encode())
            ended = ended or (facts and facts.get(b"ended"))
        until_ms = None if ended is None else int(ended[:15]) + TAIL_DAYS * DAY_MS
        if until_ms is None or SHANGHAI.start_ms("hour", hour) < until_ms:
            sums[Tally("session", id, "session", 0)][code] += value

    def _rankings(self, truth: Truth) -> Iterator[str]:
        found = {}
        for key, value in self._world.store.data.items():
            name = key.decode().partition("}:")[2]
            if name.startswith("ranking:") and type(value) is Hash and b"stairs" in value:
                stairs = msgspec.msgpack.decode(value[b"stairs"])
                if stairs:
                    found[tuple(name.split(":", 4)[1:])] = (stairs[-1][1], stairs[-1][2])
        true = {tuple(ranking): tuple(leader) for ranking, leader in truth.rankings.items() if leader.value_fen > 0}
        for ranking in found.keys() | true.keys():
            if found.get(ranking) != true.get(ranking):
                yield f"{ranking}: led by {found.get(ranking)}, should be {true.get(ranking)}"

    # -- topics ------------------------------------------------------------------------------------
    def _alerts(self, truth: Truth) -> Iterator[str]:
        revisions: dict[tuple[str, int], Alert] = {}
        last: dict[str, Alert] = {}
        for record in self._world.kafka.out.get(ALERTS, ()):
            alert = decode_alert(record.value or b"")
            name = alert.alert_id, alert.revision
            if name in revisions:
                same = "the same" if revisions[name] == alert else "another"
                yield f"alert {name} stands in its topic twice, with {same} content: {alert.text}"
            revisions[name] = alert
            if alert.revision > (last[alert.alert_id].revision if alert.alert_id in last else 0):
                last[alert.alert_id] = alert
        final = {id for id, alert in last.items() if alert.state in FINAL}
        expected = {alert.alert_id: alert for alert in truth.alerts}
        yield from (f"alert {last[id].state} but not due: {last[id].text}" for id in final - expected.keys())
        for id in expected.keys() - final:
            yield f"alert due but {last[id].state if id in last else 'missing'}: {expected[id]}"

    def _rejects(self, truth: Truth) -> Iterator[str]:
        told = {}
        for record in self._world.kafka.out.get(REJECTS, ()):
            reject = decode_rejected(record.value or b"")
            place = reject.topic, reject.partition, reject.offset
            if told.setdefault(place, str(reject.reason)) != str(reject.reason):
                yield f"reject {place} has two reasons: {told[place]}, {reject.reason}"
        for count in truth.partitions:
            reasons: defaultdict[str, int] = defaultdict(int)
            for (topic, partition, _), reason in told.items():
                if (topic, partition) == (count.topic, count.partition):
                    reasons[reason] += 1
            if dict(reasons) != count.rejected and not self._world.log_lost():
                yield f"rejects of {count.topic}/{count.partition} are {dict(reasons)}, should be {count.rejected}"
