"""The id of an alert and its line for people."""

from hashlib import sha256

import pytest

from schemas.alert_text import alert_text
from schemas.alerts import GROSS, NET, Alert, Holder, Previous, Rule, Scope, State, alert_id

EIGHT_HOURS_MS = 8 * 3_600_000
NINE_PM_MS = 1_735_650_000_000  # 2024-12-31 21:00 in Shanghai


def session(id: str) -> Holder:
    return Holder("session", id, NINE_PM_MS, None)


def hour(plus: int) -> Holder:
    start_ms = NINE_PM_MS + plus * 3_600_000
    return Holder("hour", f"2024-12-31T{21 + plus}", start_ms, start_ms + 3_600_000)


def alert(
    rule: Rule = Rule.RECORD_SESSION,
    state: State = State.CONFIRMED,
    scope: tuple[str, str] = ("category", "womens-wear"),
    holder: Holder | None = None,
    metric: str = GROSS,
    value_fen: int = 10_750_000_000,
    previous: Previous | None = None,
    reason: str | None = None,
) -> Alert:
    return Alert(
        alert_id="0" * 32,
        revision=1,
        rule=rule,
        state=state,
        scope=Scope(*scope),
        holder=holder or session("session-x"),
        metric=metric,
        value_fen=value_fen,
        previous=previous,
        event_time_ms=NINE_PM_MS,
        detected_at_ms=NINE_PM_MS,
        as_of_ms=NINE_PM_MS,
        reason=reason,
        evidence=[],
        text="",
    )


def text(shown: Alert) -> str:
    return alert_text(shown, EIGHT_HOURS_MS)


def test_the_id_is_a_function_of_rule_metric_scope_and_holder() -> None:
    id = alert_id(Rule.PEAK_HOUR, GROSS, "cluster", "haining-fur", "2025-12-31T20")
    assert id == sha256(b"peak.hour|gmv.paid.gross.v1|cluster|haining-fur|2025-12-31T20").hexdigest()[:32]
    assert id != alert_id(Rule.PEAK_HOUR, NET, "cluster", "haining-fur", "2025-12-31T20")


def test_a_record_names_both_sessions_and_both_amounts() -> None:
    assert text(alert(previous=Previous(session("session-y"), 9_000_000_000))) == (
        "Record session confirmed in category womens-wear: session-x at ¥107.50 M (1.075 亿), "
        "above ¥90.00 M (9000 万) of session-y"
    )


def test_the_platform_has_no_id_and_a_first_holder_no_other() -> None:
    assert text(alert(scope=("platform", "all"), state=State.PROVISIONAL)) == (
        "Record session provisional on the platform: session-x at ¥107.50 M (1.075 亿)"
    )


def test_hours_and_spans_stand_in_local_time() -> None:
    previous = Previous(hour(-1), 1_740_000_000)
    assert text(alert(Rule.PEAK_HOUR, scope=("session", "session-x"), holder=hour(0), previous=previous)) == (
        "Peak hour confirmed in session session-x: 2024-12-31 21:00-22:00 at ¥107.50 M (1.075 亿), "
        "above ¥17.40 M (1740 万) of 2024-12-31 20:00-21:00"
    )
    span = Holder("span", "2024-12-31", NINE_PM_MS + 17 * 60_000, NINE_PM_MS + 77 * 60_000)
    assert "Peak 60 minutes confirmed" in text(alert(Rule.PEAK_ROLLING, holder=span))
    assert "2024-12-31 21:17-22:17" in text(alert(Rule.PEAK_ROLLING, holder=span))


@pytest.mark.parametrize("state", [State.RETRACTED, State.SUPERSEDED])
def test_a_state_that_was_lost_does_not_say_above(state: State) -> None:
    line = text(alert(state=state, metric=NET, previous=Previous(session("session-y"), 10_750_000_000), reason="why"))
    assert line == (
        f"Record session (net of refunds) {state} in category womens-wear: session-x at ¥107.50 M (1.075 亿), "
        "against ¥107.50 M (1.075 亿) of session-y (why)"
    )


def test_amounts_that_would_look_equal_stand_to_the_fen() -> None:
    line = text(alert(value_fen=10_750_000_001, previous=Previous(session("session-y"), 10_750_000_000)))
    assert "at ¥107,500,000.01, above ¥107,500,000.00 of" in line


def test_an_id_can_not_break_the_line() -> None:
    assert text(alert(holder=session("a\nb\u202ec"))).splitlines() == [
        "Record session confirmed in category womens-wear: a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c "
        "at ¥107.50 M (1.075 亿)"
    ]
