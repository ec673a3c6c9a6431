"""Stored facts to the alert as it travels."""

from collections.abc import Callable

import pytest

from schemas.alerts import Alert, Evidence, Holder, Previous, Rule, Scope, State, alert_id, decode_alert, encode_alert
from streams.marks.facts import Mover, PreviousFact, decode_fact
from streams.outbox.render import render
from streams.tally.windows import SHANGHAI

OFFSET_MS = SHANGHAI.offset_ms


def test_an_alert_has_every_fact(fact: Callable) -> None:
    alert = render(fact(), OFFSET_MS)
    text = alert.text
    assert alert == Alert(
        alert_id=alert_id("record.session", "gmv.paid.gross.v1", "category", "womens-wear", "session-0042"),
        revision=2,
        rule=Rule.RECORD_SESSION,
        state=State.CONFIRMED,
        scope=Scope("category", "womens-wear"),
        holder=Holder("session", "session-0042", 1_767_182_400_000, 1_767_211_200_000),
        metric="gmv.paid.gross.v1",
        value_fen=10_750_000_000,
        previous=Previous(Holder("session", "session-0007", 1_767_000_000_000, None), 9_000_000_000),
        event_time_ms=1_767_211_200_000,
        detected_at_ms=1_767_211_321_000,
        as_of_ms=1_767_211_320_000,
        reason=None,
        evidence=[Evidence("orders", 0, 3, 99), Evidence("orders", 2, 0, 7)],
        text=text,
    )
    assert "¥107.50 M (1.075 亿)" in text
    assert decode_alert(encode_alert(alert)) == alert


def test_the_same_facts_make_the_same_bytes(fact: Callable) -> None:
    assert encode_alert(render(fact(), OFFSET_MS)) == encode_alert(render(fact(), OFFSET_MS))


def test_the_first_of_its_scope_has_nothing_before_it(fact: Callable) -> None:
    assert render(fact(previous=None, end_ms=None), OFFSET_MS).previous is None


BEST = 10_750_000_000


@pytest.mark.parametrize(
    ("state", "cause", "before", "reason"),
    [
        ("provisional", None, 9, None),
        (
            "retracted", "fell", BEST,
            "its own value fell to ¥107.50 M (1.075 亿), not above the ¥107.50 M (1.075 亿) of session-0007",
        ),
        ("retracted", "withdrawn", 9, "its session no longer belongs to this category"),
        ("superseded", "history", 9, "too few earlier holders"),
        (
            "superseded", "reached", BEST,
            "session-0007 ties it: ¥107.50 M (1.075 亿) against ¥107.50 M (1.075 亿)",
        ),
        ("superseded", "reached", BEST + 1, "session-0007 beats it: ¥107,500,000.01 against ¥107,500,000.00"),
        ("confirmed", "late", 9, "late: by orders paid after its end, or read after it had closed"),
        ("reinstated", "history", 9, "there are enough earlier holders now"),
        ("reinstated", "moved", 9, "its end is another now"),
        ("reinstated", "rose", 9, "its own value rose to ¥107.50 M (1.075 亿)"),
    ],
)  # fmt: skip
def test_a_state_that_was_left_has_its_reason(fact: Callable, state, cause, before, reason) -> None:
    previous = PreviousFact("session-0007", 1_767_000_000_000, before, None)
    alert = render(fact(state=state, cause=cause, previous=previous), OFFSET_MS)
    assert alert.reason == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [(90_000, "session-x gave way: it has ¥900.00 now"), (None, "session-x no longer belongs to this category")],
)
def test_who_made_room_is_named(fact: Callable, value: int | None, reason: str) -> None:
    alert = render(fact(state="reinstated", cause="freed", by=Mover("session-x", 1, value)), OFFSET_MS)
    assert alert.reason == reason


def test_what_is_not_known_yet_is_null_with_a_reason(fact: Callable) -> None:
    alert = render(fact(state="provisional", as_of_ms=None, event_time_ms=None), OFFSET_MS)
    assert (alert.as_of_ms, alert.event_time_ms, alert.reason) == (None, None, "no watermark yet")
    assert decode_alert(encode_alert(alert)) == alert


def test_an_id_in_a_reason_can_not_break_the_line(fact: Callable) -> None:
    previous = PreviousFact("a\nb", 1_767_000_000_000, BEST, None)
    alert = render(fact(state="superseded", cause="reached", previous=previous), OFFSET_MS)
    assert len(alert.text.splitlines()) == 1


def test_an_hour_is_named_by_the_local_clock(fact: Callable) -> None:
    hour = fact(
        rule="peak.hour", kind="hour", holder="2025-12-31T20", previous=None, end_ms=1_767_186_000_000
    )  # fmt: skip
    assert "2025-12-31 20:00-21:00" in render(hour, OFFSET_MS).text


def test_what_is_no_fact_is_refused() -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_fact(b"\x80")
