"""Every fault that trials can be made of, by name."""

from __future__ import annotations

from tests.chaos.faults import broker, floods, growth, limits, network, points, rubbish, standstill, store, workers
from tests.chaos.trial import Fault

_MODULES = (workers, standstill, points, store, broker, growth, network, limits, floods, rubbish)
ALL: dict[str, Fault] = {fault.name: fault for module in _MODULES for fault in module.FAULTS}
