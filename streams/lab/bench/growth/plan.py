"""What `hightide bench growth` runs: series of points, one thing grown at a time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.lab.bench.profile import Profile

#: merchants an anchor on the platform: 1.5 million to 9.48
_MERCHANTS_PER_ANCHOR = 1.5 / 9.48


@dataclass(frozen=True, slots=True)
class GrowthPlan:
    """`events` a point. An empty series is not run; `long_events` 0: no long run."""

    profile: Profile
    seed: int
    events: int
    anchors: Sequence[int]
    partitions: Sequence[int]
    workers: Sequence[int]
    long_events: int


@dataclass(frozen=True, slots=True)
class Point:
    """One run: `value` of `series`, with everything else as it is said here."""

    series: str
    value: int
    profile: Profile
    partitions: int
    workers: int


def points(plan: GrowthPlan, partitions: int) -> list[Point]:
    """Every point of every series; what is not grown is that of the plan, in `partitions`."""
    most = max([partitions, *plan.workers])
    return [
        *(Point("anchors", value, with_anchors(plan.profile, value), partitions, 1) for value in plan.anchors),
        *(Point("partitions", value, plan.profile, value, 1) for value in plan.partitions),
        *(Point("workers", value, plan.profile, most, value) for value in plan.workers),
    ]


def with_anchors(profile: Profile, anchors: int) -> Profile:
    """The same load spread over so many anchors, each with a session, and merchants in proportion."""
    return profile._replace(
        name=f"{profile.name}, {anchors:,} anchors",
        anchors=anchors,
        sessions=max(profile.sessions, anchors),
        merchants=max(profile.merchants, round(anchors * _MERCHANTS_PER_ANCHOR)),
    )
