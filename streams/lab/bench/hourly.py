"""What the peers' job must come to: paid orders of every id of two dimensions, by local hour.

A million ids cost 24 bytes each an hour, because ids are numbered: an id is a name, a dash and its number.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from streams.tally.windows import HOUR_MS, SHANGHAI

#: the dimensions of the peers' job
CLUSTER, ANCHOR = "cluster", "anchor"
_FIGURES: Final = 3
#: one row of JSON a line
_FILE: Final = "peers-job.jsonl"


class HourRow(NamedTuple):
    """One sum of the peers' job: `hour` counts local hours, as `Zone.hour`; `orders` were paid in it."""

    dimension: str
    hour: int
    id: str
    orders: int
    amount_fen: int
    units: int


class Hourly:
    """Sums by dimension, local hour and number of the id; `offset_ms` is the zone's."""

    def __init__(self, offset_ms: int = SHANGHAI.offset_ms) -> None:
        self._offset_ms = offset_ms
        self._sums: dict[tuple[str, int], array[int]] = {}

    def add(self, dimension: str, number: int, pay_time_ms: int, amount_fen: int, units: int) -> None:
        """Count one paid order of the id with this number."""
        sums = self._sums.setdefault((dimension, (pay_time_ms + self._offset_ms) // HOUR_MS), array("q"))
        at = number * _FIGURES
        if at >= len(sums):
            sums.extend([0] * (at + _FIGURES - len(sums)))
        sums[at] += 1
        sums[at + 1] += amount_fen
        sums[at + 2] += units

    def differences(self, found: Iterable[HourRow]) -> Iterator[str]:
        """What of `found`, which has no sum twice, is not as it was counted here; nothing if all is."""
        rows = 0
        for row in found:
            rows += 1
            wanted = self._wanted(row)
            if wanted != [row.orders, row.amount_fen, row.units]:
                yield f"{row} should have {wanted}"
        if rows != (wanted_rows := self._rows()):
            yield f"there are {rows:,} sums instead of {wanted_rows:,}"

    def _wanted(self, row: HourRow) -> list[int]:
        at = int(row.id.rpartition("-")[2]) * _FIGURES
        return list(self._sums.get((row.dimension, row.hour), array("q"))[at : at + _FIGURES])

    def _rows(self) -> int:
        return sum(sum(orders > 0 for orders in sums[::_FIGURES]) for sums in self._sums.values())


def write_rows(folder: str, found: Iterable[HourRow]) -> None:
    """Leave the sums of a run in `folder`."""
    encoder = msgspec.json.Encoder()
    with (Path(folder) / _FILE).open("wb") as file:
        file.writelines(encoder.encode(row) + b"\n" for row in found)


def read_rows(folder: Path) -> Iterator[HourRow]:
    """The sums that a run has left in `folder`. Raises `OSError` if it left none."""
    decoder = msgspec.json.Decoder(HourRow)
    with (folder / _FILE).open("rb") as file:
        yield from map(decoder.decode, file)
