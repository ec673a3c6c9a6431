"""Step 1, chunk: whether the resend memory will fit, told before reading begins instead of by the kernel hours later.

What is known then: how many records of each assigned partition lie within one dedupe horizon before its fence. The
memory keeps ids for one to two horizons. A partition that was never read has no fence to count from; its part shows in
`hightide_remembered_bytes`.
"""

from __future__ import annotations

from collections.abc import Mapping

from faust.types import TP

from streams.errors import MemoryShort

#: resident bytes of a remembered event, measured with ids of 36 characters (a UUID): 167 to 189 from 100,000 to 1.4
#: million of them, by how full the hash table is. `tests/streams/intake/test_fitting.py` holds it
BYTES_PER_EVENT = 192
#: ids are kept until a horizon has passed twice (`ResendMemory`)
GENERATIONS = 2

_MB = 1 << 20


class Fitting:
    """Compares what a horizon needs with the bytes that there are. Pure."""

    def __init__(self, dedupe_s: int, allowed_bytes: int) -> None:
        self._dedupe_s = dedupe_s
        self._allowed_bytes = allowed_bytes

    def check(self, in_horizon: Mapping[TP, int]) -> None:
        """Raises `MemoryShort` if so many records of one horizon, by partition, would not fit."""
        records = sum(in_horizon.values())
        needed = records * GENERATIONS * BYTES_PER_EVENT
        if needed <= self._allowed_bytes:
            return
        most = max(in_horizon, key=lambda tp: in_horizon[tp])
        raise MemoryShort(
            f"the dedupe horizon does not fit into memory: the last HIGHTIDE_DEDUPE_S={self._dedupe_s} s before the "
            f"fences hold {records:,} records in {len(in_horizon)} partitions "
            f"({records / max(1, self._dedupe_s):,.0f} a second; most in {most.topic}/{most.partition}: "
            f"{in_horizon[most]:,}), x {GENERATIONS} horizons kept x {BYTES_PER_EVENT} bytes an event = "
            f"{_mb(needed)} MB, and {_mb(self._allowed_bytes)} MB are allowed. Set a shorter HIGHTIDE_DEDUPE_S, start "
            f"more workers (or more partitions) at once, or give the process more memory and "
            f"HIGHTIDE_MEMORY_MB={-(-needed // _MB)} or more"
        )


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / _MB:,.1f}"
