"""Step 6, peaks and records: local windows as people and alerts name them. Pure."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

_EPOCH = date(1970, 1, 1).toordinal()


@lru_cache(4_096)
def day_id(day: int) -> str:
    """The local day as "2025-12-31"."""
    return date.fromordinal(_EPOCH + day).isoformat()


@lru_cache(4_096)
def hour_id(hour: int) -> str:
    """The local hour as "2025-12-31T20"."""
    return f"{day_id(hour // 24)}T{hour % 24:02d}"
