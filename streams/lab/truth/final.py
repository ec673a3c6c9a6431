"""Who leads each ranking, and which alerts stand once everything is read."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256

from streams.lab.truth.holders import Holder
from streams.lab.truth.model import Alert, Leader, Ranking, Rules


def closed_holders(
    holders: Iterable[tuple[Ranking, Holder]], watermark_ms: int | None, rules: Rules
) -> dict[Ranking, list[Holder]]:
    """The holders that the watermark has passed by the lateness, in their order."""
    closed: defaultdict[Ranking, list[Holder]] = defaultdict(list)
    for ranking, holder in holders:
        if watermark_ms is not None and watermark_ms >= holder.closes_ms + rules.lateness_ms:
            closed[ranking].append(holder)
    return {ranking: sorted(found) for ranking, found in closed.items()}


def leaders(closed: dict[Ranking, list[Holder]]) -> dict[Ranking, Leader]:
    """The best holder of each ranking that has one above 0, the first one of equals."""
    best = {ranking: max(found, key=lambda holder: holder.value_fen) for ranking, found in closed.items()}
    return {ranking: Leader(each.id, each.value_fen) for ranking, each in best.items() if each.value_fen > 0}


def final_alerts(closed: dict[Ranking, list[Holder]], rules: Rules) -> list[Alert]:
    """Every holder strictly above all earlier ones that has at least `min_history` of them, by alert id.

    Holders are those with GMV above 0; what refunds leave of it may be nothing, and then it is history alone.
    """
    alerts = []
    for ranking, found in closed.items():
        best: Leader | None = None
        for earlier, holder in enumerate(found):
            if holder.value_fen > (best.value_fen if best else 0):
                if earlier >= rules.min_history:
                    alerts.append(_alert(ranking, holder, best))
                best = Leader(holder.id, holder.value_fen)
    return sorted(alerts)


def _alert(ranking: Ranking, holder: Holder, previous: Leader | None) -> Alert:
    return Alert(
        alert_id=alert_id(ranking, holder.id),
        rule=ranking.rule,
        metric=ranking.metric,
        dimension=ranking.dimension,
        scope_id=ranking.id,
        holder_kind=holder.kind,
        holder=holder.id,
        start_ms=holder.start_ms,
        end_ms=holder.end_ms,
        value_fen=holder.value_fen,
        previous=previous,
    )


def alert_id(ranking: Ranking, holder_id: str) -> str:
    """Half of a SHA-256 over what names the alert."""
    name = "|".join((ranking.rule, ranking.metric, ranking.dimension, ranking.id, holder_id))
    return sha256(name.encode()).hexdigest()[:32]
