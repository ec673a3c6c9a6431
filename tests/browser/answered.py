"""What the API answers of the evening of `schemas/examples`: made of its own types, so it is what it may answer."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.alerts import GROSS, Holder, Scope
from schemas.answers import (
    Alerts,
    Best,
    Counters,
    Declared,
    HolderRanking,
    HolderRow,
    Passed,
    Ranking,
    Row,
    Session,
    Standing,
    Tallies,
    Told,
    Window,
)
from tests.browser.replay import example

#: the example's watermark, 23:57 of 31 Dec 2024 in Shanghai, and the hour and day that it lies in
AS_OF_MS, HOUR_MS, DAY_MS = 1_735_660_620_350, 1_735_657_200_000, 1_735_574_400_000
_BEST = Best(Holder("session", "session-0007", 1_735_286_400_000, 1_735_315_200_000), 9_000_000_000)
_OLD = "older than what is kept"


def counters(gmv_fen: int | None, distinct: int | None = 5) -> Counters:
    """Counters of a window with this GMV; null: it is not kept."""
    names = [name for name in Counters.__struct_fields__ if name != "reasons"]
    if gmv_fen is None:
        return Counters(**dict.fromkeys(names), reasons=dict.fromkeys(names, _OLD))
    of_money = {name: gmv_fen if name == "gmv_fen" else gmv_fen // 10 for name in names if name.endswith("_fen")}
    of_orders = {name: gmv_fen // 300_000 for name in names if not name.endswith("_fen")}
    told = dict.fromkeys(("buyers", "merchants", "anchors"), distinct)
    reasons = {} if distinct is not None else dict.fromkeys(told, "no distinct counts are kept of it")
    return Counters(**{**of_money, **of_orders, **told}, reasons=reasons)


def window(start_ms: int, length_ms: int, gmv_fen: int | None, *, final: bool = True) -> Window:
    """A window."""
    return Window(start_ms=start_ms, end_ms=start_ms + length_ms, final=final, counters=counters(gmv_fen))


def tallies(dimension: str, id: str, grain: Any, windows: list[Window]) -> Any:
    """The answer of `/v1/tallies/{dimension}/{id}`."""
    return _plain(
        Tallies(dimension=dimension, id=id, grain=grain, metric=GROSS, as_of_ms=AS_OF_MS, windows=windows, next=None)
    )


def session() -> Any:
    """The session of the example, open."""
    said = example("board/stream/snapshot")["sessions"]["top"][0]
    return _plain(
        Session(
            session_id=said["session_id"],
            state="open",
            declared=Declared(**said["declared"]),
            end_ms=None,
            last_ms=AS_OF_MS,
            metric=GROSS,
            as_of_ms=AS_OF_MS,
            final=False,
            total=counters(said["gmv_fen"]),
            hours=[window(HOUR_MS - at * 3_600_000, 3_600_000, 1_000_000_000 + at) for at in range(7, -1, -1)],
            records=[Standing(scope=Scope("platform", "all"), best=_BEST, history=16, needed=3)],
            reasons={},
        )
    )


def holders(kind: Any) -> Any:
    """The best hours or sessions of a scope."""
    best = Best(Holder("hour", "2024-12-30T21", HOUR_MS - 93_600_000, HOUR_MS - 90_000_000), 2_150_000_000)
    first = best if kind == "hour" else _BEST
    rows = [HolderRow(rank=1, holder=first.holder, state="closed", value_fen=first.value_fen)]
    return _plain(
        HolderRanking(
            ranking=f"{kind}s", kind=kind, scope=Scope("cluster", "cluster-haining-fur"), by="gmv", as_of_ms=AS_OF_MS,
            metric=GROSS, since_ms=DAY_MS, best=first, rows=rows, next=None,
        )
    )  # fmt: skip


def ranking(kind: str, by: str = "gmv", before: int | None = None, value: float | None = 1.0) -> Any:
    """Two ids ranked."""
    rows = [
        Row(rank=at, id=f"{kind}-{at}", value=value, gmv_fen=at * 10**9, orders_paid=at * 9, before=before, reasons={})
        for at in (1, 2)
    ]
    return _plain(
        Ranking(
            ranking=kind, by=by, window="day", start_ms=DAY_MS, end_ms=DAY_MS + 86_400_000, as_of_ms=AS_OF_MS,
            final=True, metric=GROSS, ids=2, rows=rows, next=None,
        )
    )  # fmt: skip


def passed() -> Any:
    """One cluster past 100 million yuan."""
    row = Row(rank=1, id="haining-fur", value=1, gmv_fen=33 * 10**9, orders_paid=9, before=None, reasons={})
    return _plain(Passed(year=2024, above_fen=10**10, as_of_ms=AS_OF_MS, metric=GROSS, count=1, rows=[row], next=None))


def alerts(*names: str) -> Any:
    """Examples of alerts as a page of `/v1/alerts`, the newest first."""
    told = [Told(entry=f"{200 - at}-0", alert=example(f"alerts/accepted/{name}")) for at, name in enumerate(names)]
    return _plain(Alerts(alerts=told, next=None))


def evening() -> dict[str, Any]:
    """Answers for every page of the example's evening, by path."""
    cluster = "v1/tallies/cluster/cluster-haining-fur"
    hours = [window(DAY_MS + at * 3_600_000, 3_600_000, 10**8 * (at + 1)) for at in range(24)]
    minutes = [window(HOUR_MS + at * 60_000, 60_000, 30_000_000) for at in range(58)]
    day = [window(DAY_MS, 86_400_000, 9 * 10**9, final=False)]
    by_grain = {"minute": minutes, "hour": hours, "day": day}
    answers: dict[str, Any] = {
        f"{cluster}?grain={grain}": tallies("cluster", "cluster-haining-fur", grain, windows)
        for grain, windows in by_grain.items()
    }
    answers |= {f"v1/tallies/platform/all?grain={each}": answers[f"{cluster}?grain={each}"] for each in by_grain}
    answers["v1/tallies/session/session-0042?grain=minute"] = tallies("session", "session-0042", "minute", minutes)
    answers["v1/sessions/session-0042"] = session()
    answers["v1/rankings/hours"], answers["v1/rankings/sessions"] = holders("hour"), holders("session")
    answers |= {f"v1/rankings/{kind}": ranking(kind) for kind in ("provinces", "clusters", "merchants", "anchors")}
    answers["v1/rankings/channels"], answers["v1/rankings/passed"] = ranking("channels"), passed()
    answers["v1/alerts"] = alerts(
        "record-session-confirmed", "record-session-net-retracted", "peak-hour-superseded", "peak-rolling-confirmed"
    )
    return answers


def _plain(answer: Any) -> Any:
    return msgspec.to_builtins(answer)
