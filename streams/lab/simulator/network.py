"""How long an event is under way from its producer to the broker, and what that does to the order of arrival."""

from random import Random
from typing import Final

#: share of events that a retry delays by seconds, so that they arrive behind younger ones
DELAYED_SHARE: Final = 0.04
#: the longest such delay: far below the lateness of 120 s, so none of these is late
DELAYED_MS: Final = (1_000, 12_000)
USUAL_MS: Final = (30, 350)


def delay_ms(rnd: Random) -> int:
    """Milliseconds from event to arrival."""
    low, high = DELAYED_MS if rnd.random() < DELAYED_SHARE else USUAL_MS
    return int(low + rnd.random() * (high - low))
