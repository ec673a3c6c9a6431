"""Where a worker can die: every numbered step of the path has named points at which a test can end or stop it.

Off, as in production, `failpoint` is a function that does nothing, called a few times a chunk and never for an event.
On by `HIGHTIDE_FAILPOINT=name:nth:action[,...]`, for tests alone: the `nth` time (from 1) that the process comes by
`name`, it is killed (`kill`, SIGKILL), stopped (`stop`, SIGSTOP: somebody else has to wake it up), its loop is blocked
for `BLOCKED_S` while its other threads go on (`block`), it is ended at once (`exit`) or an error of ours is raised
(`raise`).
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, NoReturn

_log = logging.getLogger(__name__)

VARIABLE: Final = "HIGHTIDE_FAILPOINT"
EXIT_CODE: Final = 70
#: longer than a session, and than a loop may be silent before /healthz says so
BLOCKED_S: Final = 20.0

#: every point, in the order of the path: the number of its step there (0: beside it), and what is done by then
POINTS: Final[Mapping[str, tuple[int, str]]] = {
    "mid_open": (1, "the fences of an assignment are read, nothing is told to anybody"),
    "mid_reseek": (1, "a partition was opened again, the consumer still reads on from where it was"),
    "after_fetch": (1, "a chunk was taken, nothing of it is decoded"),
    "after_admit": (2, "every record is judged"),
    "before_rejects": (2, "there are rejects, none is published"),
    "after_rejects": (2, "the rejects topic has them all, nothing is settled"),
    "before_settle": (4, "the sums of a run are made"),
    "after_settle": (4, "the run is in Redis, this worker does not know it yet"),
    "between_shards": (4, "one shard has the chunk, the next has not"),
    "before_raise": (6, "changed values are read, no ranking has them"),
    "after_raise": (6, "rankings and outbox are written, the marks are still there"),
    "before_publish": (7, "entries are read from the outbox, none is sent"),
    "after_publish": (7, "the alerts topic has them, this worker has not noted that"),
    "after_ack": (7, "noted as told, the entries are still in the outbox"),
    "after_redrive_before_forget": (2, "an early refund is on its way again, and still noted as waiting"),
    "after_feed": (0, "the tallies topic has what changed, what settles left of it is still there"),
    "in_purge": (0, "a batch below the floors is removed, the sweep is not at its end"),
}  # fmt: skip


class FailpointRaised(Exception):
    """The fault of ours that the action `raise` plays."""


class Armed(NamedTuple):
    """What happens the `nth` time that a point is passed."""

    nth: int
    action: str


def _kill(name: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stop(name: str) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _block(name: str) -> None:
    _log.warning("blocked for %.0f s at %s", BLOCKED_S, name)
    time.sleep(BLOCKED_S)


def _raise(name: str) -> NoReturn:
    raise FailpointRaised(f"at {name}")


def _exit(name: str) -> NoReturn:
    os._exit(EXIT_CODE)


ACTIONS: Final[Mapping[str, Callable[[str], None]]] = {
    "kill": _kill, "stop": _stop, "block": _block, "raise": _raise, "exit": _exit,
}  # fmt: skip


def parse(text: str) -> dict[str, Armed]:
    """What is armed, by name. Raises `ValueError` with what is valid."""
    armed = {}
    for part in filter(None, text.split(",")):
        name, _, rest = part.strip().partition(":")
        nth, _, action = rest.partition(":")
        if name not in POINTS or action not in ACTIONS or not nth.isdecimal() or int(nth) < 1:
            raise ValueError(
                f"{VARIABLE}: {part!r} is not name:nth:action with a name of {', '.join(POINTS)}; nth from 1; "
                f"an action of {', '.join(ACTIONS)}"
            )
        armed[name] = Armed(int(nth), action)
    return armed


def failpoint_of(text: str, actions: Mapping[str, Callable[[str], None]] = ACTIONS) -> Callable[[str], None]:
    """The function that is called at every point: what `text` arms, or one that does nothing."""
    armed = parse(text)
    if not armed:
        return _off
    passed: Counter[str] = Counter()

    def on(name: str) -> None:
        passed[name] += 1
        if name in armed and passed[name] == armed[name].nth:
            actions[armed[name].action](name)

    return on


def _off(name: str) -> None:
    """Nothing."""


#: call it as `failpoint("before_settle")`
failpoint: Final = failpoint_of(os.environ.get(VARIABLE, ""))
