"""What all arms of one bench share: the servers, the filled topic, and what must come out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streams.lab.bench.hourly import Hourly
from streams.lab.bench.orders import Totals, orders
from streams.lab.bench.profile import Profile
from streams.lab.progress import Progress
from streams.lab.simulator.pace import Pace
from streams.lab.simulator.planned import Planned
from streams.lab.simulator.play import play
from streams.lab.simulator.run import target_of
from streams.settings import Settings
from streams.topic_admin import ensure_topics, simulated_topics
from streams.topics import Topics

_SHOW_EVERY = 5_000


@dataclass(frozen=True, slots=True)
class Ground:
    """`settings` point to the servers and the topics; `totals` are those of every event in the topic of orders.

    `processes` has the ids of the embedded "broker" and "store", and is empty if the servers are somebody else's.
    Logs go to `folder`. `audit`: what a worker leaves is audited, after it was measured.
    """

    settings: Settings
    totals: Totals
    processes: dict[str, int]
    folder: Path
    audit: bool = False

    @property
    def topic(self) -> str:
        """The full name of the topic of orders."""
        return Topics(self.settings.topic_prefix).orders


async def fill(settings: Settings, profile: Profile, seed: int, events: int) -> Totals:
    """Make the topics and fill that of orders. Raises `ServerMissing`, `TopicsWrong`."""
    await ensure_topics(settings, simulated_topics(settings))
    totals, progress = Totals(hourly=Hourly(settings.zone.offset_ms)), Progress("filling the topic", events)
    records = orders(profile, seed, events, totals)
    await play(_shown(records, progress), target_of(settings), Pace(None))
    progress.finish(events)
    return totals


def _shown(records: Iterator[Planned], progress: Progress) -> Iterator[Planned]:
    for number, record in enumerate(records):
        if number % _SHOW_EVERY == 0:
            progress.at(number)
        yield record
