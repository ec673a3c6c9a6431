"""Step 6, peaks and records: acts into the rankings of one shard, by one atomic script (`raise.lua`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis

from streams.keys import Keys
from streams.marks.acts import Act, Close, Raise, Ranking, Terms
from streams.marks.steps import NO_STEP, Steps
from streams.scripts import BYTES, STEP, lua_script

#: what a script that moves holders in a ranking stands behind
BOOK = (BYTES, ("streams.marks", "book"))
#: acts in one call of the script: it stays in the low milliseconds, and Redis answers others in between
BATCH = 500

#: (rule, state) -> revisions written into the outbox
Changes = Counter[tuple[str, str]]

_RAISE, _CLOSE, _WITHDRAW = 0, 1, 2
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
            names, job = self._job(keys, acts[first : first + BATCH])
            step = steps.next(keys) if steps else NO_STEP
            reply = await self._script(
                keys=[keys.closing(reader), keys.outbox(), keys.judged(reader), keys.passes(reader), *names],
                args=[_encode([watermark_ms, *self._terms, detected_at_ms, *job, step])],
            )
            if steps:
                steps.took(keys, step, may_go_on=reply is not None)
            told = [part.decode() for part in reply]
            changes.update(zip(told[::2], told[1::2], strict=True))
        return changes

    @staticmethod
    def _job(keys: Keys, acts: Sequence[Act]) -> tuple[list[str], list[Row]]:
        names: list[str] = []
        rankings: dict[Ranking, int] = {}
        evidences: dict[str, int] = {}
        rows: list[Row] = []
        for act in acts:
            ranking = act.ranking
            number = rankings.get(ranking)
            if number is None:
                number = rankings[ranking] = len(rankings) + 1
                where = ranking[:4]
                names += (keys.ranking(*where), keys.ranking_open(*where), keys.ranking_closed(*where))
            rows.append(_row(act, number, evidences))
        return names, [[(*ranking, ranking.falls) for ranking in rankings], list(evidences), rows]


Row = Sequence[object]


def _row(act: Act, ranking: int, evidences: dict[str, int]) -> Row:
    if isinstance(act, Raise):
        id, order_ms, start_ms, end_ms, close_ms = act.holder
        evidence = evidences.setdefault(act.evidence, len(evidences) + 1)
        end = False if end_ms is None else end_ms
        sold = int(act.sold)
        return (_RAISE, ranking, id, order_ms, start_ms, end, close_ms, act.value, evidence, act.version, sold)
    if isinstance(act, Close):
        return (_CLOSE, ranking, act.holder_id)
    return (_WITHDRAW, ranking, act.holder_id, act.version)
