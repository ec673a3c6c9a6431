"""Every fault that trials can be made of, by name."""

from __future__ import annotations

from tests.chaos.faults import floods, points, store, workers
from tests.chaos.trial import Fault

ALL: dict[str, Fault] = {fault.name: fault for module in (workers, points, store, floods) for fault in module.FAULTS}
