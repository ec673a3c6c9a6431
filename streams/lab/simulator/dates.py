"""Local time of the scenarios (Asia/Shanghai, which has had one offset since 1991) as epoch milliseconds."""

from datetime import UTC, datetime
from typing import Final

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
SHANGHAI_MS: Final = 8 * HOUR_MS


def at(day: str, hour: int, minute: int = 0) -> int:
    """Epoch milliseconds of a local wall time; `hour` may be 24 or more and then lies on the next day.

    `day` is an ISO date such as "2025-12-31".
    """
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    return int(midnight) * SECOND_MS - SHANGHAI_MS + hour * HOUR_MS + minute * MINUTE_MS


def local_day(time_ms: int) -> str:
    """The local date of `time_ms` without separators, as it stands in ids: "20251231"."""
    return datetime.fromtimestamp((time_ms + SHANGHAI_MS) // SECOND_MS, UTC).strftime("%Y%m%d")
