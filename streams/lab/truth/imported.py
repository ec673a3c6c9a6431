"""Rankings with the holders that an operator imported among those of the log."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from streams.lab.truth.holders import GROSS, NET, Holder
from streams.lab.truth.model import Ranking, Rules


class Row(NamedTuple):
    """An imported hour or session of a scope."""

    kind: str
    dimension: str
    scope_id: str
    holder: str
    start_ms: int
    end_ms: int
    gmv_fen: int
    net_fen: int | None


class ImportedTruth:
    """The rows with sales as holders of their rankings, those that the watermark has passed."""

    def __init__(self, rows: Iterable[Row], watermark_ms: int | None, rules: Rules) -> None:
        self._rankings: defaultdict[Ranking, dict[str, Holder]] = defaultdict(dict)
        for row in rows:
            if row.gmv_fen and watermark_ms is not None and row.end_ms + rules.lateness_ms <= watermark_ms:
                self._take(row)

    def merged(
        self, log: Iterable[tuple[Ranking, list[Holder]]]
    ) -> Iterator[tuple[Ranking, list[Holder], list[Holder]]]:
        """Each ranking with all its closed holders, in their order, and with those of the log alone."""
        for ranking, of_log in log:
            imported = self._rankings.pop(ranking, {})
            yield ranking, (_merged(ranking, imported, of_log) if imported else of_log), of_log
        for ranking, holders in self._rankings.items():
            yield ranking, sorted(holders.values()), []

    def _take(self, row: Row) -> None:
        if row.kind == "hour":
            holders = self._rankings[Ranking("peak.hour", GROSS, row.dimension, row.scope_id)]
            value_fen = max(row.gmv_fen, holders[row.holder].value_fen if row.holder in holders else 0)
            span = row.start_ms, row.end_ms, row.end_ms
            holders[row.holder] = Holder(row.start_ms, row.holder, "hour", *span, value_fen)
            return
        for metric, fen in ((GROSS, row.gmv_fen), (NET, row.net_fen)):
            if fen is not None:
                ranking = Ranking("record.session", metric, row.dimension, row.scope_id)
                span = row.start_ms, row.end_ms, row.end_ms
                self._rankings[ranking][row.holder] = Holder(row.end_ms, row.holder, "session", *span, fen)


def _merged(ranking: Ranking, imported: dict[str, Holder], log: list[Holder]) -> list[Holder]:
    """Of the same hour the larger counts; of the same session what the log says."""
    holders = dict(imported)
    for each in log:
        known = holders.get(each.id)
        if known is None or ranking.rule != "peak.hour" or each.value_fen >= known.value_fen:
            holders[each.id] = each
    return sorted(holders.values())
