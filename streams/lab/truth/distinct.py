"""Exact distinct buyers, merchants and anchors, where the pipeline keeps sketches."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from streams.lab.truth.counting import DAY_MS, HOUR_MS, ids_of, start_of
from streams.lab.truth.judge import Counted
from streams.lab.truth.model import Rules, Sketch
from streams.lab.truth.validate import Event

_BUYERS_OF: Final = ("platform", "province", "cluster", "category", "anchor")
_TRADERS_OF: Final = ("platform", "province", "cluster")

#: the fields of a `Sketch`, before it is given their names
SketchWindow = tuple[str, str, str, str, int]


def count_distinct(counted: Iterable[Counted], rules: Rules) -> dict[Sketch, int]:
    """How many different ids have a paid order, by hour, by day and for each session's whole life."""
    members: defaultdict[SketchWindow, set[str]] = defaultdict(set)
    for event, _, _ in counted:
        if event["event_type"] == "order.paid":
            for window, member in least_members(event, rules):
                members[window].add(member)
                of, dimension, id, grain, start_ms = window
                if grain == "hour":
                    members[of, dimension, id, "day", start_of(start_ms, DAY_MS, rules)].add(member)
    return {Sketch(*window): len(ids) for window, ids in members.items()}


def least_members(event: Event, rules: Rules) -> Iterator[tuple[SketchWindow, str]]:
    """What a payment makes a member of: hours and a session's life; a day has the members of its hours.

    Null ids are members of nothing, and "(none)" has no sketch.
    """
    buyer_id, session_id = event.get("buyer_id"), event.get("session_id")
    if buyer_id is not None and session_id is not None:
        yield ("buyers", "session", session_id, "session", 0), buyer_id
    hour_ms = start_of(event["pay_time_ms"], HOUR_MS, rules)
    for dimension, id in ids_of(event):
        if id == "(none)":
            continue
        for of, member, dimensions in (
            ("buyers", buyer_id, _BUYERS_OF),
            ("merchants", event["merchant_id"], _TRADERS_OF),
            ("anchors", event.get("anchor_id"), _TRADERS_OF),
        ):
            if member not in (None, "(none)") and dimension in dimensions:
                yield (of, dimension, id, "hour", hour_ms), member
