"""Silences and quiet hours, on a clock that is given."""

from __future__ import annotations

import pytest

from schemas.deliveries import Silence
from streams.notify.holding import is_on, matches, quiet_until_ms, silenced_until_ms
from tests.streams.notify.alerts import alert

MINUTE_MS = 60_000


def at(hour: int, minute: int = 0) -> int:
    return (hour * 60 + minute) * MINUTE_MS


@pytest.mark.parametrize(
    ("now_ms", "until_ms"),
    [(at(22, 59), 0), (at(23), at(32)), (at(23, 59) + 59_999, at(32)), (at(2), at(8)), (at(7, 59), at(8)), (at(8), 0)],
)
def test_quiet_hours_end_on_the_next_morning(now_ms: int, until_ms: int) -> None:
    assert quiet_until_ms([(23 * 60, 8 * 60)], 0, now_ms) == until_ms
    # the same on a clock eight hours ahead
    ahead_ms = at(8)
    assert quiet_until_ms([(23 * 60, 8 * 60)], ahead_ms, now_ms - ahead_ms) == (until_ms and until_ms - ahead_ms)


def test_a_span_within_a_day_and_several() -> None:
    spans = [(12 * 60, 13 * 60), (12 * 60 + 30, 14 * 60)]
    assert quiet_until_ms(spans, 0, at(12, 15)) == at(13)
    assert quiet_until_ms(spans, 0, at(12, 45)) == at(14)
    assert quiet_until_ms(spans, 0, at(14)) == 0


def test_a_silence_begins_and_ends_on_time_for_its_target() -> None:
    silence = Silence(id="1", author="lin", from_ms=100, until_ms=200, target="ops", rules=["record.*"])
    assert [is_on(silence, "ops", now_ms) for now_ms in (99, 100, 199, 200)] == [False, True, True, False]
    assert not is_on(silence, "desk", 150)
    assert silenced_until_ms(alert(), [silence]) == 200
    assert silenced_until_ms(alert(rule="peak.hour"), [silence]) == 0


def test_scopes_are_dimensions_or_ids() -> None:
    assert matches(alert("cluster:fur"), [], ["cluster"])
    assert matches(alert("cluster:fur"), [], ["anchor", "cluster:f*"])
    assert not matches(alert("cluster:fur"), [], ["cluster:down"])
    assert not matches(alert("cluster:fur"), ["peak.*"], ["cluster"])
