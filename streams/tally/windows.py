"""Where a window begins and ends: half-open, aligned to the local clock, integers only.

A window is named by its *local index*: whole minutes, hours or days since 1970-01-01 00:00 of the
business time zone (Asia/Shanghai unless set otherwise). The index of an instant is one addition and
one division, and hour // 24 is its day. Zones whose offset changes are refused by the settings,
because a clock that repeats an hour has no honest "best hour".
"""

from dataclasses import dataclass

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

GRAIN_MS = {"minute": MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS}


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone of constant offset. `offset_ms` is what local time is ahead of UTC."""

    name: str
    offset_ms: int

    def minute(self, time_ms: int) -> int:
        """The local index of the minute that holds `time_ms` (epoch milliseconds)."""
        return (time_ms + self.offset_ms) // MINUTE_MS

    def hour(self, time_ms: int) -> int:
        """The local index of the hour that holds `time_ms` (epoch milliseconds)."""
        return (time_ms + self.offset_ms) // HOUR_MS

    def day(self, time_ms: int) -> int:
        """The local index of the day that holds `time_ms` (epoch milliseconds)."""
        return (time_ms + self.offset_ms) // DAY_MS

    def start_ms(self, grain: str, index: int) -> int:
        """Epoch milliseconds at which the window `index` of a grain begins; its end is the next one's start."""
        return index * GRAIN_MS[grain] - self.offset_ms


SHANGHAI = Zone("Asia/Shanghai", 8 * HOUR_MS)
