"""What a worker tells of itself at its metrics address."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from streams.errors import Expected

_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.05

#: values by sample name, summed over labels
Told = Counter[str]


async def told_of_all(address: str, events: int) -> Told:
    """What the worker at `address` tells once it has said that `events` were consumed: moments after they are settled.

    Raises `Expected` if that does not come.
    """
    deadline = time.monotonic() + _WITHIN_S
    while (told := await asyncio.to_thread(_told, address))["hightide_events_consumed_total"] < events:
        if time.monotonic() > deadline:
            raise Expected(f"the worker at {address} tells of {told['hightide_events_consumed_total']:,.0f} events")
        await asyncio.sleep(_LOOK_EVERY_S)
    return told


def _told(address: str) -> Told:
    with urlopen(f"http://{address}/metrics", timeout=_WITHIN_S) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        told: Told = Counter()
        for family in families:
            for each in family.samples:
                told[each.name] += each.value  # type: ignore[assignment]  # a Counter adds up anything
    return told
