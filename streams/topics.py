"""The one table of topics: names, partitions and broker settings."""

from dataclasses import dataclass
from typing import Final

ORDERS: Final = "orders"
LIVE_SESSIONS: Final = "live-sessions"
TALLIES: Final = "tallies"
ALERTS: Final = "alerts"
REJECTS: Final = "rejects"
DELIVERIES: Final = "deliveries"
HISTORY: Final = "history"

_DAY_MS: Final = 86_400_000
#: hours are kept for 35 days and an event may arrive a day ahead of its time: from 36 days of log every kept hour can
#: be recomputed, which is what `audit` and `verify` do
_INPUT_RETENTION_MS: Final = 36 * _DAY_MS
#: buyers' ids are inside the raw bytes of rejects: a week to look and drive them again, no longer
_REJECTS_RETENTION_MS: Final = 7 * _DAY_MS

#: arrival is the broker's clock (contract, "Topics"), so no producer's clock can reorder the past
_INPUT: Final = {
    "cleanup.policy": "delete",
    "retention.ms": str(_INPUT_RETENTION_MS),
    "message.timestamp.type": "LogAppendTime",
}
#: the last record of each tally, for as long as its hour is kept everywhere; older hours are asked for over HTTP
_TALLIES: Final = {"cleanup.policy": "compact,delete", "retention.ms": str(_INPUT_RETENTION_MS)}
#: neither compacted nor expired: every revision counts, as history for people and as the publisher's memory of what it
#: has published already; alerts are few
_ALERTS: Final = {"cleanup.policy": "delete", "retention.ms": "-1"}
#: the newest of each key is the memory of who was told what; a quarter of a year is more than any silence or outage
_DELIVERIES: Final = {"cleanup.policy": "compact,delete", "retention.ms": str(90 * _DAY_MS)}
#: what rankings are rebuilt from that no log has, for ever
_HISTORY: Final = {"cleanup.policy": "delete", "retention.ms": "-1"}
_REJECTS: Final = {"cleanup.policy": "delete", "retention.ms": str(_REJECTS_RETENTION_MS)}


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it is to be created. `configs` are the broker's topic settings."""

    name: str
    partitions: int
    configs: dict[str, str]

    def producer_timed(self) -> "Topic":
        """The same topic with arrivals set by its producer, as the simulator needs it.

        A broker tells the age of a record by its arrival: a simulated past would be gone within minutes.
        """
        simulated = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
        return Topic(self.name, self.partitions, {**self.configs, **simulated})


@dataclass(frozen=True, slots=True)
class Topics:
    """The full names of the topics under a prefix (`HIGHTIDE_TOPIC_PREFIX`)."""

    prefix: str = ""

    @property
    def orders(self) -> str:
        """In: order events, keyed by order id."""
        return self.prefix + ORDERS

    @property
    def live_sessions(self) -> str:
        """In: session events, keyed by session id."""
        return self.prefix + LIVE_SESSIONS

    @property
    def tallies(self) -> str:
        """Out: absolute values of changed tallies, keyed by tally."""
        return self.prefix + TALLIES

    @property
    def alerts(self) -> str:
        """Out: revisions of alerts, keyed by alert id."""
        return self.prefix + ALERTS

    @property
    def rejects(self) -> str:
        """Out: refused records, keyed by `topic/partition/offset`."""
        return self.prefix + REJECTS

    @property
    def deliveries(self) -> str:
        """Out: who was told what, what waits, silences; keyed by what it is of (`schemas/deliveries.py`)."""
        return self.prefix + DELIVERIES

    @property
    def history(self) -> str:
        """In: earlier holders that an operator imported, keyed by scope and holder."""
        return self.prefix + HISTORY

    @property
    def inputs(self) -> tuple[str, str]:
        """The two topics that are consumed, whose partitions carry fences."""
        return self.orders, self.live_sessions

    def table(self, partitions: int) -> tuple[Topic, ...]:
        """All topics as production wants them. Alerts, deliveries and history have one partition: one order."""
        return (
            Topic(self.orders, partitions, dict(_INPUT)),
            Topic(self.live_sessions, partitions, dict(_INPUT)),
            Topic(self.tallies, partitions, dict(_TALLIES)),
            Topic(self.alerts, 1, dict(_ALERTS)),
            Topic(self.rejects, partitions, dict(_REJECTS)),
            Topic(self.deliveries, 1, dict(_DELIVERIES)),
            Topic(self.history, 1, dict(_HISTORY)),
        )
