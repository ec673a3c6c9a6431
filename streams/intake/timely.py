"""Step 2, admit: whether the windows that a record decides are there yet, and still there. Pure."""

from __future__ import annotations

from typing import Final

from schemas.rejects import Reason
from streams.tally.windows import DAY_MS, HOUR_MS, Zone

#: a deciding time may be this far ahead of its arrival
AHEAD_MS: Final = DAY_MS
#: hours are kept this long; nothing is added to an older one
HOUR_RETENTION_MS: Final = 35 * DAY_MS


def untimely(earliest_ms: int, latest_ms: int, arrival_ms: int, zone: Zone) -> tuple[Reason, str] | None:
    """Reason and detail against times (epoch ms) that decide a window which is not there yet, or not any more."""
    if latest_ms > arrival_ms + AHEAD_MS:
        return Reason.TIME_AHEAD, f"{(latest_ms - arrival_ms) // HOUR_MS} hours after the arrival"
    if zone.hour(earliest_ms) < zone.hour(arrival_ms - HOUR_RETENTION_MS):
        return Reason.EXPIRED, f"{(arrival_ms - earliest_ms) // DAY_MS} days before the arrival"
    return None
