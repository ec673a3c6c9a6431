"""What came of sending a message, and when it is tried again. Pure."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

_FIRST_PAUSE_MS: Final = 1_000
_LONGEST_PAUSE_MS: Final = 300_000
#: what a target may ask for at most: longer is a fault of its clock, or of ours
_LONGEST_ASKED_MS: Final = 3_600_000


class Verdict(Enum):
    """What an answer means for the message."""

    DELIVERED = "the target has it"
    AGAIN = "the target is away, busy, or does not let us in: the message waits"
    WRONG = "the target does not take what this message says"


class Outcome(NamedTuple):
    """`after_ms`: not before that, said the target; None if it said nothing."""

    verdict: Verdict
    answer: str
    after_ms: int | None = None


def pause_ms(outcome: Outcome, failures: int, chance: float) -> int:
    """Until the next attempt after failure number `failures` (from 1): doubles up to five minutes, half of it jitter.

    What the target asked for counts, and the jitter goes on top of it.
    """
    longest = min(_LONGEST_PAUSE_MS, _FIRST_PAUSE_MS * 2 ** min(failures - 1, 12))
    if outcome.after_ms is not None:
        return min(outcome.after_ms, _LONGEST_ASKED_MS) + int(_FIRST_PAUSE_MS * chance)
    return int(longest * (0.5 + 0.5 * chance))
