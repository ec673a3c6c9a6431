"""Resends: a producer that saw no acknowledgement sends the same bytes again."""

from collections.abc import Iterable, Iterator
from random import Random
from typing import Final

from streams.lab.simulator.planned import Planned

#: share of the records that are sent twice
RESENT_SHARE: Final = 0.01
#: most copies follow within seconds, some only after an outage; all within the dedupe horizon of 900 s
_SOON_MS: Final = (200, 20_000)
_OUTAGE_MS: Final = (20_000, 840_000)


def resent(records: Iterable[Planned], rnd: Random) -> Iterator[Planned]:
    """The second copies of about one record in a hundred."""
    for record in records:
        yield from copy_of(record, rnd)


def copy_of(record: Planned, rnd: Random) -> Iterator[Planned]:
    """The second copy of `record`, or in most cases nothing."""
    if rnd.random() < RESENT_SHARE:
        wait_ms = rnd.randint(*(_SOON_MS if rnd.random() < 0.8 else _OUTAGE_MS))
        yield record._replace(arrival_ms=record.arrival_ms + wait_ms)
