"""`audit`: a settled cut of Redis, the same records from Kafka, the truth of them, and the differences.

Both sides lie in a temporary file, the log is read a batch at a time: what is held in memory is what one partition's
judge remembers, the sessions, and the alerts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

from faust.types import TP
from redis.asyncio import Redis

from schemas.alerts import Alert
from schemas.history import Imported
from streams.history.topic import read_history
from streams.keys import Keys, shard_keys
from streams.lab.audit.alerts import alert_differences, last_revisions, restated
from streams.lab.audit.compare import truth_differences
from streams.lab.audit.cut import Cut, cut, stands
from streams.lab.audit.log import open_log
from streams.lab.audit.rankings import RankingsDue, difference, different, read_stairs, still_different
from streams.lab.audit.report import Report
from streams.lab.audit.shelf import Shelf
from streams.lab.simulator.run import rules_of
from streams.lab.truth import Alert as TrueAlert
from streams.lab.truth import Leader, Ranking, Truth
from streams.lab.truth.final import final_alerts, leaders
from streams.lab.truth.imported import ImportedTruth, Row
from streams.lab.truth.spilled import SpilledTruth
from streams.lab.verify.verify import Verdict, verify
from streams.settings import Settings
from streams.tally.fence import Fence
from streams.topics import LIVE_SESSIONS, ORDERS, Topics

#: how long rankings and alerts may lag behind the tallies without coming any closer
_MARKS_WITHIN_S = 15.0
_BETWEEN_LOOKS_S = 0.5
#: alerts that are recomputed because late events have moved their values since they were told
_RECOMPUTED = 5

#: the leader of each ranking, and the alerts
_OfLog = tuple[dict[Ranking, Leader], list[TrueAlert]]
OnProgress = Callable[[int, str], None]


async def audit(settings: Settings, redis: Redis, on_progress: OnProgress, expected: Truth | None = None) -> Report:
    """Recompute and compare, also with the `expected` truth of a scenario if there is one (it is held in memory).

    `on_progress` is given the records read so far and what is going on.

    Raises `StillMoving`, and what reading Kafka raises.
    """
    with TemporaryDirectory(prefix="hightide-audit-") as folder:
        it = _Audit(settings, redis, on_progress, Path(folder))
        try:
            return await it.run(expected)
        finally:
            it.truth.db.close()


class _Audit:
    def __init__(self, settings: Settings, redis: Redis, on_progress: OnProgress, folder: Path) -> None:
        self.truth = SpilledTruth(folder / "sums", rules_of(settings))
        self._settings = settings
        self._redis = redis
        self._on_progress = on_progress
        self._keys: list[Keys] = [shard_keys(settings.group, shard) for shard in range(settings.shards)]
        self._topics = Topics(settings.topic_prefix)
        self._names = {self._topics.orders: ORDERS, self._topics.live_sessions: LIVE_SESSIONS}
        self._shelf = Shelf(self.truth.db)
        self._due = RankingsDue(self.truth.db)
        self._report = Report()

    async def run(self, expected: Truth | None) -> Report:
        at = await cut(self._redis, self._keys, self._settings.zone, self._shelf)
        read = await self._read(at.fences)
        self._on_progress(read, "records read, summing up")
        # in a thread, so that a progress bar, Ctrl-C and a worker in the same process go on
        imported = [row async for row in read_history(self._settings.kafka, self._topics.history)]
        self._report.imported = len(imported)
        alerts, told = await asyncio.to_thread(self._sum_up, at.clock_ms, imported)
        self._on_progress(read, "records read, comparing")
        for shard in at.shards:
            self._report.differ(_account_differences(shard, self.truth, self._names))
        await asyncio.to_thread(self._compare, at)
        await self._compare_marks(at, alerts)
        if expected is not None:
            sums, truth = self.truth.sums, self.truth
            found = Truth({}, truth.watermark_ms, truth.partitions, sums.tallies(), sums.sketches(), *told)
            self._report.differ(truth_differences(found, expected))
        return self._report

    # -- what is due ---------------------------------------------------------------------------
    async def _read(self, fences: Mapping[TP, Fence]) -> int:
        """Judge every record from the origins to the fences; returns their number."""
        total, read = sum(fence.next - fence.origin for fence in fences.values()), 0
        async with open_log(self._settings.kafka, self._names) as log:
            for tp, fence in fences.items():
                if fence.next == fence.origin:
                    continue
                reader = self.truth.judge(self._names[tp.topic], tp.partition)
                async for batch in log.batches(tp.topic, tp.partition, fence.origin, fence.next):
                    await asyncio.to_thread(reader.take, batch)
                    read += len(batch)
                    self._on_progress(read, f"of {total:,} records read")
        return read

    def _sum_up(self, clock_ms: int, rows: Iterable[Imported]) -> tuple[list[TrueAlert], _OfLog]:
        """The alerts that are due; and what the log alone, without imported `rows`, says."""
        self.truth.finish(clock_ms)
        rules = rules_of(self._settings)
        history = ImportedTruth(map(_row, rows), self.truth.watermark_ms, rules)
        alerts: list[TrueAlert] = []
        log_alerts: list[TrueAlert] = []
        best: dict[Ranking, Leader] = {}
        for ranking, closed, of_log in history.merged(self.truth.rankings()):
            self._due.add(ranking, closed)
            alerts += final_alerts({ranking: closed}, rules)
            log_alerts += final_alerts({ranking: of_log}, rules)
            best |= leaders({ranking: of_log})
        reached = self.truth.milestones()
        return sorted([*alerts, *reached]), (best, sorted([*log_alerts, *reached]))

    # -- tallies -------------------------------------------------------------------------------
    def _compare(self, at: Cut) -> None:
        report, kept = self._report, self._shelf.kept(at.floors, self._settings.zone)
        report.tallies, report.purged = self._shelf.count(kept)
        totals = Truth(partitions=self.truth.partitions).totals()
        report.consumed, report.counted = totals["consumed"], totals["counted"]
        report.resends, report.rejected = totals["resends"], totals["rejected"]
        report.markers = sum(fence.next - fence.origin for fence in at.fences.values()) - report.consumed
        report.differ(self._shelf.differences(kept))
        report.differ(self._shelf.total_differences(at.totals))

    # -- rankings and alerts, which follow the tallies by moments ---------------------------------
    async def _compare_marks(self, at: Cut, alerts: list[TrueAlert]) -> None:
        clock, sums = asyncio.get_running_loop().time, rules_of(self._settings).milestones_fen
        rankings, least, deadline = await different(self._redis, self._keys, self._due), inf, 0.0
        while True:
            found = await last_revisions(self._settings.kafka, self._topics.alerts)
            lines = alert_differences(found, alerts, self.truth.watermark_ms or 0, sums)
            if len(lines) + len(rankings) < least:
                least, deadline = len(lines) + len(rankings), clock() + _MARKS_WITHIN_S
            if not least or clock() > deadline:
                break
            await asyncio.sleep(_BETWEEN_LOOKS_S)
            rankings = await still_different(self._redis, self._keys, self._due, rankings)
        self._report.alerts = len(alerts)
        self._report.differ(lines)
        await self._verify_restated(restated(found, alerts))
        if await stands(self._redis, self._keys, at):
            self._report.rankings = self._due.count()
            self._report.differ(await self._ranking_differences(rankings))

    async def _ranking_differences(self, rankings: Sequence[Ranking]) -> list[str]:
        found = await read_stairs(self._redis, self._keys, rankings)
        pairs = ((ranking, stairs, self._due.of(ranking)) for ranking, stairs in zip(rankings, found, strict=True))
        return [difference(ranking, stairs, due) for ranking, stairs, due in pairs if stairs != due]

    async def _verify_restated(self, alerts: list[Alert]) -> None:
        """Some, those with the least evidence first, and no more than as many records as the log has."""
        self._report.restated, left = len(alerts), self._report.consumed
        async with open_log(self._settings.kafka, self._names) as log:
            for alert in sorted(alerts, key=_named)[:_RECOMPUTED]:
                left -= _named(alert)
                if left < 0:
                    return
                finding = await verify(alert, log, rules_of(self._settings), lambda read: None)
                self._report.verified += finding.verdict is Verdict.EQUAL
                if finding.verdict is Verdict.DIFFERENT:
                    told = f"was told at {alert.value_fen}, its evidence says {finding.recomputed_fen}"
                    self._report.differ([f"alert {alert.alert_id} revision {alert.revision} {told}: {alert.text}"])


def _row(each: Imported) -> Row:
    scope = each.scope
    return Row(each.kind, scope.dimension, scope.id, each.id, each.start_ms, each.end_ms, each.gmv_fen, each.net_fen)


def _named(alert: Alert) -> int:
    return sum(each.last_offset - each.first_offset + 1 for each in alert.evidence)


def _account_differences(fences: Mapping[TP, Fence], truth: SpilledTruth, names: Mapping[str, str]) -> list[str]:
    lines = []
    true = {(count.topic, count.partition): count for count in truth.partitions}
    for tp, fence in fences.items():
        have = fence.counted, fence.resends, fence.rejected
        place = f"{tp.topic}/{tp.partition}"
        count = true.get((names[tp.topic], tp.partition))
        read = count.consumed if count else 0
        if sum(have) != read:
            lines.append(f"{place}: {read} records were read, that is not counted + resends + rejected {have}")
        should = (count.counted, count.resends, sum(count.rejected.values())) if count else (0, 0, 0)
        if have != should:
            lines.append(f"{place}: counted, resends, rejected are {have}, should be {should}")
    return lines
