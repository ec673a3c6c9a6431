"""Who is told: one target of the file, as the parts of delivery know it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from schemas.alerts import Alert
from streams.notify.holding import Quiet, matches


class Kind(StrEnum):
    """What stands behind an address."""

    WEBHOOK = "webhook"
    FEISHU = "feishu"
    DINGTALK = "dingtalk"
    WECOM = "wecom"
    SLACK = "slack"
    ALERTMANAGER = "alertmanager"


#: messages in a minute, unless the file says another number. DingTalk blocks whoever sends more for ten minutes
PER_MINUTE = {
    Kind.WEBHOOK: 600, Kind.FEISHU: 60, Kind.DINGTALK: 20, Kind.WECOM: 20, Kind.SLACK: 60, Kind.ALERTMANAGER: 600,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target. `url` and `secret` are never logged: chats have their token in the address."""

    name: str
    kind: Kind
    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    rules: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    per_minute: int = 20
    quiet: tuple[Quiet, ...] = ()
    timeout_s: int = 5
    allow_private: bool = False

    def wants(self, alert: Alert) -> bool:
        """Whether alerts like this one are told here."""
        return matches(alert, self.rules, self.scopes) and (not self.states or alert.state.value in self.states)


@dataclass(frozen=True, slots=True)
class Targets:
    """The whole file. What is older than `old_after_ms` when it is first seen is told to nobody."""

    targets: tuple[Target, ...] = ()
    old_after_ms: int = 3_600_000
