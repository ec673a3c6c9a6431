"""What the agents of a worker work with; made once by `streams/worker.py`."""

from __future__ import annotations

from dataclasses import dataclass

from streams.app import OwnChannel
from streams.feed.feeding import Feeding
from streams.intake.intake import WorkerIntake
from streams.marking import Marking
from streams.notify.notifying import Notifying


@dataclass(frozen=True, slots=True)
class Parts:
    """Channels carry chunks (`orders`, `sessions`) or nudges that there may be work (the others). `feeding` is None if
    there is no feed."""

    intake: WorkerIntake
    marking: Marking
    notifying: Notifying
    feeding: Feeding | None
    orders: OwnChannel
    sessions: OwnChannel
    peaks: OwnChannel
    records: OwnChannel
    alerts: OwnChannel
    notify: OwnChannel
    tallies: OwnChannel
