"""Which step of the path a stack of Python frames is at work for. Pure.

The innermost frame of a module that has a step decides: a client of Redis works for who called it.
"""

from __future__ import annotations

from types import FrameType
from typing import Final

#: what no module of ours asked for: Faust, the event loop, sockets
LOOP: Final = "loop"
#: threads beside the event loop's: the Kafka client
FETCH: Final = "fetch"

#: by module, or by the room it lies in; None: it works for who called it
_STEPS: Final[dict[str, str | None]] = {
    "intake/transport": FETCH,
    "intake/draining": FETCH,
    "intake/ledger": FETCH,
    "intake/admission": "admit",
    "intake/judge": "judge",
    "intake/resends": "judge",
    "intake/orders": "judge",
    "intake/order": "judge",
    "intake/order_store": "judge",
    "intake/store_calls": None,
    "intake/heartbeat": "upkeep",
    "intake/redriver": "upkeep",
    "intake": "path",
    "tally/windows": None,
    "tally/counters": None,
    "tally/fold": "fold",
    "tally/rows": "rows",
    "tally/settle": "settle",
    "tally/conservation": "upkeep",
    "tally": "fold",
    "marks": "detection",
    "marking": "detection",
    "outbox": "alerts",
    "feed": "feed",
    "retention": "upkeep",
}

#: every step, in the order of the path
STEPS: Final = tuple(dict.fromkeys([step for step in _STEPS.values() if step] + [LOOP]))


def step_of(frame: FrameType | None) -> str:
    """The step that this stack works for."""
    while frame is not None:
        if step := _step(frame.f_code.co_filename):
            return step
        frame = frame.f_back
    return LOOP


def _step(filename: str) -> str | None:
    _, in_streams, module = filename.rpartition("/streams/")
    if not in_streams:
        return None
    name = module.removesuffix(".py")
    return _STEPS[name] if name in _STEPS else _STEPS.get(name.partition("/")[0])
