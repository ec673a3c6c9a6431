"""When people buy: a rising hour with bursts, one after each product that is shown."""

from itertools import accumulate
from random import Random

from streams.lab.simulator.dates import MINUTE_MS

#: minutes between two products, minutes for which a burst is felt
_PRODUCT_MINUTES = (9, 17)
_BURST_MINUTES = 6


def moments(start_ms: int, end_ms: int, count: int, rnd: Random) -> list[int]:
    """`count` ascending instants in `[start_ms, end_ms)`, which is a whole number of minutes."""
    minutes = (end_ms - start_ms) // MINUTE_MS
    reached = list(accumulate(_weights(minutes, rnd)))
    picked = rnd.choices(range(minutes), cum_weights=reached, k=count)
    return sorted(start_ms + minute * MINUTE_MS + int(rnd.random() * MINUTE_MS) for minute in picked)


def _weights(minutes: int, rnd: Random) -> list[float]:
    weights = [1.0 + minute / minutes for minute in range(minutes)]
    shown = rnd.randint(0, _PRODUCT_MINUTES[0])
    while shown < minutes:
        strength = rnd.uniform(2.0, 7.0)
        for felt in range(min(_BURST_MINUTES, minutes - shown)):
            weights[shown + felt] += strength * 0.6**felt
        shown += rnd.randint(*_PRODUCT_MINUTES)
    return weights
