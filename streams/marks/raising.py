"""Step 6, peaks and records: acts into the rankings of one shard, by one atomic script (`raise.lua`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis

from streams.keys import Keys
from streams.marks.acts import Act, Close, Raise, Ranking, Reach, Terms
from streams.marks.steps import NO_STEP, Steps
from streams.scripts import BOOK, STEP, lua_script

#: acts in one call of the script: it stays below some 20 ms, and Redis answers others in between
BATCH = 1_000

#: (rule, state) -> revisions written into the outbox
Changes = Counter[tuple[str, str]]

_RAISE, _CLOSE, _WITHDRAW, _REACH = 0, 1, 2, 3
_encode = msgspec.msgpack.Encoder().encode


class Raiser:
    """Applies acts to rankings. Raises `redis.RedisError` when the store can not be reached; repeating is harmless."""

    def __init__(self, redis: Redis, terms: Terms) -> None:
        self._script = lua_script(redis, "streams.marks", "raise", behind=[*BOOK, STEP])
        self._terms = terms

    async def apply(
        self,
        keys: Keys,
        reader: str,
        acts: Sequence[Act],
        watermark_ms: int,
        detected_at_ms: int,
        steps: Steps | None = None,
    ) -> Changes:
        """Apply `acts`, in their order, to rankings that all belong to the shard of `keys`.

        Holders whose window has ended `lateness_ms` before `watermark_ms` are closed by it. As steps of a pass, if
        there are `steps`; raises `WentBack` if it may not go on.
        """
        changes: Changes = Counter()
        for first in range(0, len(acts), BATCH):
            job = _job(acts[first : first + BATCH])
            step = steps.next(keys) if steps else NO_STEP
            reply = await self._script(
                keys=[keys.closing(reader), keys.outbox(), keys.judged(reader), keys.passes(reader)],
                args=[_encode([watermark_ms, *self._terms, detected_at_ms, keys.prefix, *job, step])],
            )
            if steps:
                steps.took(keys, step, may_go_on=reply is not None)
            told = [part.decode() for part in reply]
            changes.update(zip(told[::2], told[1::2], strict=True))
        return changes


#: who is raised, closed or withdrawn: holder, order, start, end, close, number of the evidence, version (`raise.lua`)
Subject = tuple[object, ...]


def _job(acts: Sequence[Act]) -> list[object]:
    """Families, rankings, evidences, subjects and acts as `raise.lua` has them. Numbers count from 1."""
    families: dict[tuple[str, str, str, bool], int] = {}
    rankings: dict[Ranking, int] = {}
    rows: list[tuple[int, str, str]] = []
    evidences: dict[str, int] = {}
    subjects: dict[Subject, int] = {}
    flat: list[int] = []
    for act in acts:
        number = rankings.get(act.ranking)
        if number is None:
            rule, metric, dimension, scope_id, kind = act.ranking
            family = families.setdefault((rule, metric, kind, act.ranking.falls), len(families) + 1)
            rows.append((family, dimension, scope_id))
            number = rankings[act.ranking] = len(rows)
        what, subject, value, sold = _row(act, evidences)
        flat += (what, number, subjects.setdefault(subject, len(subjects) + 1), value, sold)
    return [list(families), rows, list(evidences), list(subjects), flat]


def _row(act: Act, evidences: dict[str, int]) -> tuple[int, Subject, int, int]:
    """What is done, subject, value and whether it sold."""
    if isinstance(act, Raise | Reach):
        what, sold = (_RAISE, int(act.sold)) if isinstance(act, Raise) else (_REACH, 0)
        id, order_ms, start_ms, end_ms, close_ms = act.holder
        evidence = evidences.setdefault(act.evidence, len(evidences) + 1)
        end = False if end_ms is None else end_ms
        return what, (id, order_ms, start_ms, end, close_ms, evidence, act.version), act.value, sold
    if isinstance(act, Close):
        return _CLOSE, (act.holder_id,), 0, 0
    return _WITHDRAW, (act.holder_id, 0, 0, 0, 0, 0, act.version), 0, 0
