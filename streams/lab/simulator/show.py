"""One live session as it is planned: who, where, when, and what it takes in each clock hour."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from streams.lab.simulator.planned import SESSIONS, Planned, as_bytes


class Takings(NamedTuple):
    """What a show sells in `[start_ms, end_ms)`, to the fen and to the order. `end_ms` is a whole minute."""

    start_ms: int
    end_ms: int
    gmv_fen: int
    orders: int


@dataclass(frozen=True)
class Shop:
    """Who sells: the attributes that all orders of a merchant share. `price_list` is in fen."""

    merchant_id: str
    cluster_id: str
    category: str
    province: str
    city: str
    price_list: tuple[int, ...]


@dataclass(frozen=True)
class Show:
    """One broadcast of one room.

    `anchors` holds (from_ms, anchor_id), the first one from `start_ms` on. `end_ms` is None while it is still on air
    when the scenario ends, or if its end is never declared; `end_delay_ms` is how late the end arrives. Orders have
    1 to `most_pieces` pieces.
    """

    session_id: str
    room_id: str
    title: str
    shop: Shop
    start_ms: int
    end_ms: int | None
    anchors: tuple[tuple[int, str], ...]
    takings: tuple[Takings, ...]
    end_delay_ms: int = 0
    most_pieces: int = 4

    def anchor_at(self, time_ms: int) -> str:
        """Who is on air at `time_ms`."""
        return next(anchor_id for from_ms, anchor_id in reversed(self.anchors) if from_ms <= time_ms)


def announce(show: Show, rnd: Random) -> Iterator[Planned]:
    """The session events of a show: its start, each change of anchor, and its end if that is declared."""
    yield _event(show, "session.started", "started", show.start_ms, rnd.randint(40, 400))
    for number, (from_ms, _) in enumerate(show.anchors[1:], start=1):
        yield _event(show, "session.anchor_changed", f"anchor-{number}", from_ms, rnd.randint(40, 400))
    if show.end_ms is not None:
        yield _event(show, "session.ended", "ended", show.end_ms, rnd.randint(40, 400) + show.end_delay_ms)


def _event(show: Show, event_type: str, suffix: str, event_ms: int, delay_ms: int) -> Planned:
    value = as_bytes(
        {
            "event_id": f"{show.session_id}-{suffix}",
            "event_type": event_type,
            "event_time_ms": event_ms,
            "session_id": show.session_id,
            "room_id": show.room_id,
            "anchor_id": show.anchor_at(event_ms),
            "merchant_id": show.shop.merchant_id,
            "cluster_id": show.shop.cluster_id,
            "category": show.shop.category,
            "title": show.title,
        }
    )
    return Planned(SESSIONS, show.session_id, value, event_ms + delay_ms)
