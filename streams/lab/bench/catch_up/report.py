"""What catching up came to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from streams.lab.bench.live import probes
from streams.lab.bench.live.tasks import SeenAlert
from streams.settings import Settings
from streams.tally.windows import HOUR_MS

#: an alert that is older when it is detected, and was never told, notifies nobody (design, invariant 3)
OLD_NEWS_MS: Final = HOUR_MS


class LagSample(NamedTuple):
    """Seconds after the first fences stood, and how many records were behind."""

    seconds: float
    lag: int


@dataclass(frozen=True, slots=True)
class Alerts:
    """Revisions in the topic: `old_news` by their state, and how many in all; of no event time: `undated`."""

    total: int
    old_news: Mapping[str, int]
    undated: int
    probes_due: int
    probes_told: int

    @property
    def old(self) -> int:
        """How many notify nobody."""
        return sum(self.old_news.values())

    @property
    def told_of_due(self) -> str:
        """In words, what came of those that were due."""
        return f"{self.probes_told:,} of {self.probes_due:,} that are known to be due came"


def alerts_of(seen: Iterable[SeenAlert], probes_sent: int) -> Alerts:
    """Count what the topic of alerts holds."""
    found = list(seen)
    dated = [alert for alert in found if alert.event_time_ms is not None]
    old = Counter(alert.state for alert in dated if alert.detected_ms - (alert.event_time_ms or 0) > OLD_NEWS_MS)
    told = {(alert.rule, alert.scope_id) for alert in found
            if (alert.metric, alert.dimension) == (probes.METRIC, probes.DIMENSION)}  # fmt: skip
    due = {(rule, probes.anchor_of(number)) for rule in probes.RULES for number in range(probes_sent)}
    return Alerts(len(found), dict(sorted(old.items())), len(found) - len(dated), len(due), len(due & told))


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """`started_s` from the start of the worker until all fences stood, `seconds` from there until the lag was zero.

    `settled` records were settled in them, `cpu_s` used by process.
    """

    started_s: float
    seconds: float
    settled: int
    lag: Sequence[LagSample]
    cpu_s: Mapping[str, float]
    peak_rss_mb: float

    @property
    def events_per_s(self) -> float:
        """Of backlog and live traffic together."""
        return self.settled / self.seconds

    @property
    def cpu_us_per_event(self) -> dict[str, float]:
        """By process."""
        return {name: cpu_s / max(1, self.settled) * 1e6 for name, cpu_s in self.cpu_s.items()}


@dataclass(frozen=True, slots=True)
class CatchUpReport:
    """Records of the topic of orders: `backlog` before, `live_sent` since; its `accounts` are those at the end."""

    machine: Mapping[str, Any]
    measured_at: str
    settings: Settings
    backlog: int
    backlog_hours: float
    live_events_per_s: float
    live_sent: int
    accounts: Mapping[str, int]
    alerts: Alerts
    caught_up: CaughtUp

    @property
    def is_right(self) -> bool:
        """Whether everything was counted once and each alert that was due came."""
        sent = self.backlog + self.live_sent
        all_counted = self.accounts["consumed"] == self.accounts["counted"] == sent
        return all_counted and self.alerts.probes_due == self.alerts.probes_told

    def as_json(self) -> dict[str, Any]:
        """One JSON object."""
        done, alerts = self.caught_up, self.alerts
        return {
            "machine": dict(self.machine),
            "measured_at": self.measured_at,
            "partitions": self.settings.partitions,
            "order_index": self.settings.order_index,
            "backlog_events": self.backlog,
            "backlog_hours": self.backlog_hours,
            "live_events_per_s": self.live_events_per_s,
            "live_events": self.live_sent,
            "seconds_to_start": round(done.started_s, 2),
            "seconds_to_zero_lag": round(done.seconds, 2),
            "events_per_s": round(done.events_per_s, 1),
            "cpu_us_per_event": {name: round(value, 2) for name, value in done.cpu_us_per_event.items()},
            "peak_rss_mb": round(done.peak_rss_mb, 1),
            "right": self.is_right,
            "accounts": dict(self.accounts),
            "alerts": {
                "revisions": alerts.total,
                "old_news": alerts.old,
                "old_news_by_state": dict(alerts.old_news),
                "without_event_time": alerts.undated,
                "due": alerts.probes_due,
                "told": alerts.probes_told,
            },
            "lag": [[round(each.seconds, 2), each.lag] for each in done.lag],
        }
