"""Finding one revision of one alert in the topic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from schemas.alerts import Alert
from streams.errors import Expected
from streams.lab.audit.alerts import all_revisions


class NoSuchAlert(Expected):
    """The topic has no such alert, or no such revision of it: look at the id."""

    exit_code: ClassVar[int] = 64


class TwoContents(Expected):
    """One revision stands in the topic with two contents: one of them is not ours."""

    exit_code: ClassVar[int] = 1


async def find(kafka: str, topic: str, alert_id: str, revision: int | None) -> Alert:
    """The revision asked for, or the latest. Raises `NoSuchAlert`, `TwoContents` and `ServerMissing`."""
    return pick(await all_revisions(kafka, topic), topic, alert_id, revision)


def pick(alerts: Iterable[Alert], topic: str, alert_id: str, revision: int | None) -> Alert:
    """As `find`, among these records of the topic. Pure."""
    known = [each for each in alerts if each.alert_id == alert_id]
    if not known:
        raise NoSuchAlert(f"{topic} has no alert {alert_id}")
    latest = max(each.revision for each in known)
    asked = [each for each in known if each.revision == (latest if revision is None else revision)]
    if not asked:
        raise NoSuchAlert(f"alert {alert_id} has no revision {revision}, its latest is {latest}")
    if any(each != asked[0] for each in asked):
        raise TwoContents(f"alert {alert_id} revision {asked[0].revision} stands in {topic} with two contents")
    return asked[0]
